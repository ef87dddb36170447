"""Readers of glossary files: tables with tabs or commas between columns, and TBX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from regard.data.corpora.columns import choose_columns, plain_name
from regard.data.corpora.csv_records import Record, RecordParser
from regard.data.corpora.language_choice import choose_language, language_code
from regard.data.corpora.lines import corpus_lines
from regard.data.corpora.unit import ReadOptions
from regard.errors import ConfigError, DataError
from regard.files.compression import InputFile, open_input, without_compression_suffix
from regard.files.decompressors import InputError
from regard.files.printable import on_one_line
from regard.text.encodings import BrokenLine
from regard.text.file_type import HEAD_SIZE
from regard.text.languages import parse_direction
from regard.translation.glossary import Glossary, GlossaryEntry
from regard.translation.glossary_tbx import tbx_entries

FLAGS = ("case", "inflect", "keep", "forbid")
"""Flags of an entry of a table."""
MAX_CHARACTERS = 1 << 28
"""Largest number of characters of a glossary file, decompressed."""
_FLAG_COLUMNS = ("flags", "flag", "options")
_DIRECTION_COLUMNS = ("languages", "langs", "direction")
_LANGUAGE_COLUMNS = (
    ("source_language", "target_language"),
    ("source_lang", "target_lang"),
    ("src_lang", "tgt_lang"),
)
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([|!\\])")
_BETWEEN_FLAGS = re.compile(r"[\s,;]+")
_ADVICE = "name the columns in a header: source, target, flags"


@dataclass(frozen=True, slots=True)
class GlossaryFiles:
    """Files of a glossary, and the direction for which it is read.

    Attributes:
        paths: The files.
        langs: Canonical codes of source and target language; None = the files have one direction.
    """

    paths: tuple[Path, ...]
    langs: tuple[str, str] | None = None

    def read(self) -> Glossary:
        """Reads the glossary. See `read_glossary`."""
        return read_glossary(self.paths, langs=self.langs)


def read_glossary(paths: Path | Sequence[Path], *, langs: tuple[str, str] | None = None) -> Glossary:
    """Reads a glossary from one file or several.

    A file whose name ends in `.tbx`, or that begins as XML, is TBX; one that ends in `.csv`, or that has no tab in its
    first line, is CSV; any other is a table with tabs between columns. Files may be compressed.

    Args:
        paths: Files, whose entries are joined.
        langs: Canonical codes of source and target language, which choose among the languages of a TBX file and among
            the entries of a table with languages; None = the file has one direction.

    Returns:
        The glossary.

    Raises:
        DataError: A file cannot be read, or contains an invalid entry; the message names file and line.
        ConfigError: A file has several languages, and `langs` is None.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    return Glossary(chain.from_iterable(_entries(path, langs) for path in files))


def parse_entry(source: str, target: str, flags: str = "", *, where: str = "") -> GlossaryEntry:
    r"""Parses a row of a glossary table.

    >>> entry = parse_entry("cat|cats", "chat|chats|!minou", "case")
    >>> entry.sources, entry.targets, entry.forbidden, entry.case
    (('cat', 'cats'), ('chat', 'chats'), ('minou',), True)

    Args:
        source: Spellings of the term, separated by `|`.
        target: Translations, separated by `|`; those that begin with `!` are forbidden. A `|` or `!` that belongs to
            the text is written `\|` or `\!`.
        flags: Any of `case`, `inflect` and `keep`, which set these fields of the entry, and `forbid` = all translations
            are forbidden; separated by spaces or commas.
        where: File and line, for messages.

    Returns:
        The entry.

    Raises:
        DataError: A flag is unknown, or the texts do not make a valid entry, such as one without a translation.
    """
    names = [name for name in _BETWEEN_FLAGS.split(flags.strip().lower()) if name]
    unknown = [name for name in names if name not in FLAGS]
    if unknown:
        raise DataError(
            f"{f'{where}: ' if where else ''}expected flags among {', '.join(FLAGS)}, found "
            f"{on_one_line(', '.join(unknown))[:100]!r}: correct them, or {_ADVICE}"
        )
    targets: list[str] = []
    forbidden: list[str] = []
    for text in map(str.strip, _BAR.split(target)):
        if text.startswith("!"):
            forbidden.append(_unescaped(text[1:]))
        else:
            (forbidden if "forbid" in names else targets).append(_unescaped(text))
    sources = tuple(_unescaped(text.strip()) for text in _BAR.split(source))
    return GlossaryEntry(
        sources, tuple(targets), tuple(forbidden), "case" in names, "inflect" in names, "keep" in names, where
    )


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _entries(path: Path, langs: tuple[str, str] | None) -> Iterator[GlossaryEntry]:
    with open_input(path) as file:
        head = file.head(HEAD_SIZE)
        suffix = Path(without_compression_suffix(path.name)).suffix.lower()
        if suffix == ".tbx" or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<martif", b"<tbx")):
            yield from tbx_entries(file, langs)
            return
        yield from _table_entries(_rows(file, is_csv=suffix == ".csv" or _has_no_tab(head)), file.name, langs)


def _has_no_tab(head: bytes) -> bool:
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith(b"#")), b"")
    return b"\t" not in first and (b"," in first or b";" in first)


def _rows(file: InputFile, *, is_csv: bool) -> Iterator[Record]:
    """The cells of each row, and its line; a comment of a table with tabs has no cells."""
    lines = _limited(file)
    if not is_csv:
        for number, line in enumerate(lines, start=1):
            if isinstance(line, BrokenLine):
                raise DataError(line.message)
            yield Record([] if line.startswith("#") and "\t" not in line else line.split("\t"), number)
        return
    first = next(lines, None)
    if first is None:
        return
    delimiter = ";" if isinstance(first, str) and first.count(";") > first.count(",") else ","
    delimiter = "\t" if isinstance(first, str) and "\t" in first else delimiter
    for record in RecordParser(chain([first], lines), file.name, delimiter):
        if record.problem:
            raise DataError(record.problem)
        yield record


def _limited(file: InputFile) -> Iterator[str | BrokenLine]:
    num_characters = 0
    lines = corpus_lines(file, ReadOptions())
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except InputError as error:
            raise DataError(str(error)) from None
        num_characters += len(line) if isinstance(line, str) else 0
        if num_characters > MAX_CHARACTERS:
            raise DataError(f"{file.name}: expected at most {MAX_CHARACTERS:,} characters, found more: split the file")
        yield line


@dataclass(frozen=True, slots=True)
class _Columns:
    """Numbers of the columns of a table; None for those that it lacks."""

    source: int = 0
    target: int = 1
    flags: int | None = 2
    direction: int | None = 3
    languages: tuple[int, int] | None = None
    has_header: bool = False

    @classmethod
    def of(cls, row: Sequence[str], langs: tuple[str, str] | None, where: str) -> _Columns:
        """The columns by the first row of a table, if it is a header.

        A header contains names such as `source` and `target`, or the languages `langs` (canonical codes). In a table
        without header, the columns are source, target, flags and direction, in this order. `where` is the file and
        line, for messages.
        """
        names = [plain_name(cell) for cell in row]
        if names[:2] in (["source", "target"], ["term", "translation"]):
            source, target = 0, 1
        else:
            choice = choose_columns(row, ReadOptions(langs=langs), where=where, codes=len(row) <= 2)
            if not choice.has_header:
                return cls()
            source, target = choice.src, choice.tgt
        languages = next((pair for pair in _LANGUAGE_COLUMNS if set(pair) <= set(names)), None)
        return cls(
            source,
            target,
            _index(names, _FLAG_COLUMNS),
            _index(names, _DIRECTION_COLUMNS),
            None if languages is None else (names.index(languages[0]), names.index(languages[1])),
            has_header=True,
        )

    def direction_of(self, row: Sequence[str], where: str) -> tuple[str, str] | None:
        """The languages of a row; None if it names none."""
        if self.languages is not None:
            cells = [_cell(row, index) for index in self.languages]
            codes = [language_code(cell) for cell in cells]
            if not any(cells):
                return None
            if codes[0] is None or codes[1] is None:
                found = " and ".join(cells)[:80]
                raise DataError(
                    f"{where}: expected codes of source and target language, such as en and fr, found {found!r}: "
                    "correct both cells, or leave both empty"
                )
            return codes[0], codes[1]
        text = _cell(row, self.direction)
        if not text:
            return None
        try:
            return parse_direction(text)
        except ConfigError as error:
            raise DataError(f"{where}: {on_one_line(str(error))[:200]}: correct it, or {_ADVICE}") from None


def _index(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _cell(row: Sequence[str], index: int | None) -> str:
    return row[index].strip() if index is not None and index < len(row) else ""


def _table_entries(rows: Iterator[Record], name: str, langs: tuple[str, str] | None) -> Iterator[GlossaryEntry]:
    columns: _Columns | None = None
    for row, number, _ in rows:
        if not any(map(str.strip, row)):
            continue
        where = f"{name}:{number}"
        if columns is None:
            columns = _Columns.of(row, langs, where)
            if columns.has_header:
                continue
        if max(columns.source, columns.target) >= len(row):
            raise DataError(
                f"{where}: expected at least {max(columns.source, columns.target) + 1} columns, source and target, "
                f"found {len(row)}: separate them by a tab, or by a comma in a .csv file"
            )
        direction = columns.direction_of(row, where)
        if direction is not None and langs is not None and not _is_direction(direction, langs, where):
            continue
        yield parse_entry(row[columns.source], row[columns.target], _cell(row, columns.flags), where=where)


def _is_direction(direction: tuple[str, str], langs: tuple[str, str], where: str) -> bool:
    """Whether an entry of one direction is for a translation of another one, such as en-US to fr for en to fr."""
    return all(
        choose_language(code, [own], where=where) is not None for own, code in zip(direction, langs, strict=True)
    )
