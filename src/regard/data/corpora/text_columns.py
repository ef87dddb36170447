"""Choice of the two text columns of a Parquet or Arrow table."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regard.data.corpora.columns import NAMES, find_names
from regard.data.corpora.unit import MAX_TEXT, ReadOptions
from regard.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_USUAL_NAMES = frozenset(name for names in NAMES for name in names)


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of text, or a text field within a column of structures.

    Attributes:
        name: Name of the column.
        field: Name of the field, such as `"en"` within `translation`; None = the column itself.
        language: Language in the name of the column or field, in the spelling of the file, if the column was chosen by
            language; empty if it was chosen by a usual name such as `source`, by `columns`, or as one of only two.
    """

    name: str
    field: str | None = None
    language: str = ""

    def __str__(self) -> str:
        return self.name if self.field is None else f"{self.name}.{self.field}"

    def texts(self, batch: pa.RecordBatch) -> list[bytes | None]:
        """The texts of a batch.

        Args:
            batch: Rows of the table.

        Returns:
            One text per row, as bytes that should be UTF-8 but are not checked; None for a row without text.

        Raises:
            ArrowInvalid: The file is damaged.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        column = batch.column(batch.schema.get_field_index(self.name))
        column.validate()
        if self.field is not None:
            column = pc.struct_field(column, [self.field])
        return _dictionary_texts(column) if pa.types.is_dictionary(column.type) else _as_bytes(column).to_pylist()


def _dictionary_texts(column: pa.DictionaryArray) -> list[bytes | None]:
    """The texts of rows that refer to a dictionary: rows with the same text share one object."""
    import pyarrow as pa

    numbers: list[int | None] = column.indices.to_pylist()
    used = sorted({number for number in numbers if number is not None})
    if used and not 0 <= used[0] <= used[-1] < len(column.dictionary):
        raise pa.ArrowInvalid(
            f"expected indices below {len(column.dictionary)} into the dictionary of the text column, found "
            f"{used[0]} to {used[-1]} in its rows"
        )
    texts = _as_bytes(column.dictionary).take(pa.array(used, pa.int64())).to_pylist()
    by_number = dict(zip(used, texts, strict=True))
    return [None if number is None else by_number[number] for number in numbers]


def _as_bytes(column: pa.Array) -> pa.Array:
    """Strings as bytes. Those longer than `MAX_TEXT` are cut to one byte more, which is enough to refuse them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _has_offsets(column.type):
        column.validate(full=True)
    column = column.cast(pa.large_binary())
    # A damaged Arrow file may have offsets beyond its data, which pyarrow would follow. Strings are not validated
    # before the cast, since bytes that are not UTF-8 are the fault of a single row.
    column.validate(full=True)
    longest = pc.max(pc.binary_length(column)).as_py()
    return column if longest is None or longest <= MAX_TEXT else pc.binary_slice(column, 0, MAX_TEXT + 1)


def choose_columns(schema: pa.Schema, options: ReadOptions, *, where: str) -> tuple[TextColumn, TextColumn]:
    """Chooses the columns of source and target.

    If the options name columns, these are chosen. Otherwise, they are the columns, or the fields of a column such as
    `translation`, that are named like the languages, or have usual names such as `source` and `target`. If there are
    none, and no languages are given, a table with exactly two text columns is read.

    Args:
        schema: Columns of the table.
        options: The columns or languages.
        where: The file, for messages.

    Returns:
        Source and target column.

    Raises:
        DataError: The columns cannot be chosen in any of these ways.
    """
    available = _text_columns(schema)
    chosen = _named(available, options, where) or _by_name(available, options, where)
    if chosen is None and options.langs is None and len(available) == 2:
        chosen = available[0], available[1]
    if chosen is None:
        raise DataError(
            f"{where}: expected columns of source and target text, found {_list(available)}: name them, such as "
            "--columns source,target"
        )
    return chosen


def _named(available: list[TextColumn], options: ReadOptions, where: str) -> tuple[TextColumn, TextColumn] | None:
    if options.columns is None:
        return None
    by_name = {str(column): column for column in available}
    chosen = []
    for name in options.columns:
        if name in by_name:
            chosen.append(by_name[name])
        elif name.isascii() and name.isdigit() and 1 <= int(name) <= len(available):
            chosen.append(available[int(name) - 1])
        else:
            raise DataError(
                f"{where}: expected a text column named {name}, found {_list(available)}: correct --columns"
            )
    return chosen[0], chosen[1]


def _by_name(available: list[TextColumn], options: ReadOptions, where: str) -> tuple[TextColumn, TextColumn] | None:
    """Two columns, or two fields of the same column, that have the names of the languages or usual names."""
    groups: dict[str | None, dict[str, TextColumn]] = defaultdict(dict)
    for column in available:
        groups[column.name if column.field else None][column.field or column.name] = column
    for group in groups.values():
        names = find_names(list(group), options.langs, where=where, codes=True)
        if names is not None:
            src, tgt = (_in_language(group[name], name) for name in names)
            return src, tgt
    return None


def _in_language(column: TextColumn, name: str) -> TextColumn:
    return column if name.lower() in _USUAL_NAMES else TextColumn(column.name, column.field, name)


def _text_columns(schema: pa.Schema) -> list[TextColumn]:
    import pyarrow as pa

    columns = []
    for column in schema:
        if _is_text(column.type):
            columns.append(TextColumn(column.name))
        elif pa.types.is_struct(column.type):
            fields = [column.type.field(index) for index in range(column.type.num_fields)]
            columns += [TextColumn(column.name, field.name) for field in fields if _is_text(field.type)]
    names = [str(column) for column in columns]
    return [column for column in columns if names.count(str(column)) == 1]


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return _has_offsets(kind) or pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)


def _has_offsets(kind: pa.DataType) -> bool:
    """Whether a type is converted to binary without following its offsets."""
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _list(available: list[TextColumn]) -> str:
    return "the text columns " + ", ".join(map(str, available)) if available else "no columns of text"
