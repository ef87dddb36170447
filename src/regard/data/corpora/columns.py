"""Choice of the source and the target column of a table, or of the fields of an object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.data.corpora.language_choice import choose_language
from regard.data.corpora.unit import ReadOptions
from regard.errors import ConfigError, DataError
from regard.files.printable import on_one_line
from regard.text.languages import canonical, english_name

NAMES = (
    ("source", "target"),
    ("src", "tgt"),
    ("source_text", "target_text"),
    ("src_text", "tgt_text"),
    ("source_sentence", "target_sentence"),
    ("src_sentence", "tgt_sentence"),
    ("original", "translation"),
    ("sentence1", "sentence2"),
)
"""Names that the two columns of a corpus often have, in lower case and with underscores."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Which columns are read.

    Attributes:
        src: 0-based number of the source column.
        tgt: 0-based number of the target column.
        has_header: Whether the first row has the names of the columns.
        is_default: Whether these are the first two columns because nothing says otherwise.
    """

    src: int
    tgt: int
    has_header: bool = False
    is_default: bool = False


def choose_columns(row: Sequence[str], options: ReadOptions, *, where: str, codes: bool) -> ColumnChoice:
    """Chooses the columns of a table by its first row.

    Args:
        row: Cells of the first row, which may be a header.
        options: Options of the reader, of which only `columns` and `langs` are used.
        where: File and line, for messages.
        codes: Whether a first row with exactly two codes of languages is a header even if `options.langs` is None.

    Returns:
        The numbers of the source and the target column, and whether the first row is a header.

    Raises:
        DataError: A requested column does not exist, or several columns have the requested language.
    """
    names = [cell.strip() for cell in row]
    if options.columns is not None:
        return _requested(names, options.columns, where=where)
    found = find_names(names, options.langs, where=where, codes=codes)
    if found is not None:
        return ColumnChoice(names.index(found[0]), names.index(found[1]), has_header=True)
    return ColumnChoice(0, 1, is_default=True)


def find_names(
    names: Sequence[str], langs: tuple[str, str] | None, *, where: str, codes: bool
) -> tuple[str, str] | None:
    """Finds the names of the source and the target among the names of columns or fields.

    A pair of names is chosen that are the requested languages, or usual names such as `source` and `target`.

    Args:
        names: Names of all columns or fields.
        langs: Canonical codes of the source and the target language; None = not known.
        where: File and line, for messages.
        codes: Whether to choose, if `langs` is None, the only two names that are codes of languages, such as `en` and
            `fr`: the first is then the source, the second the target.

    Returns:
        The names of the source and the target, as they are spelled; None if they are not found.

    Raises:
        DataError: Several names mean the requested language.
    """
    spelled = {plain_name(name): name for name in reversed(names)}
    if langs is not None:
        chosen = [_of_language(code, names, where) for code in langs]
        if chosen[0] is not None and chosen[1] is not None and chosen[0] != chosen[1]:
            return chosen[0], chosen[1]
    for src, tgt in NAMES:
        if src in spelled and tgt in spelled:
            return spelled[src], spelled[tgt]
    if codes and langs is None:
        languages = [name for name in names if _is_language(name)]
        if len(languages) > 2:
            languages = [name for name in languages if name.lower() != "id"]  # more often a number than Indonesian
        if len(languages) == 2:
            return languages[0], languages[1]
    return None


def plain_name(cell: str) -> str:
    """Name of a column in lower case with underscores, the spelling in which names are compared.

    >>> plain_name(" Source Text")
    'source_text'
    """
    return cell.strip().lower().replace(" ", "_").replace("-", "_")


def _requested(cells: list[str], columns: tuple[str, str], *, where: str) -> ColumnChoice:
    names = [plain_name(cell) for cell in cells]
    numbers, by_name = [], False
    for column in columns:
        if column.isdecimal() and int(column) > 0:
            numbers.append(int(column) - 1)
        elif plain_name(column) in names:
            numbers.append(names.index(plain_name(column)))
            by_name = True
        else:
            raise DataError(
                f"{where}: expected a column named {column!r}, found {on_one_line(', '.join(cells)):.200}: name one of "
                "these columns, or give its number, counted from 1"
            )
    src, tgt = numbers
    header = by_name or any((names[src : src + 1], names[tgt : tgt + 1]) == ([left], [right]) for left, right in NAMES)
    return ColumnChoice(src, tgt, has_header=header)


def _of_language(code: str, names: Sequence[str], where: str) -> str | None:
    """The name that is the code of a language, or its English name."""
    english = english_name(code).lower()
    by_name = next((name for name in names if name.strip().lower() == english), None)
    return by_name or choose_language(code, [name for name in names if name.strip()], where=where)


def _is_language(name: str) -> bool:
    try:
        code = canonical(name)
    except ConfigError:
        return False
    return english_name(code) != code
