"""Tables (.csv, .tsv): the text of one column is translated, and written into another column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from regard.errors import DataError
from regard.files.printable import on_one_line
from regard.text.normalize import replace_blanks
from regard.translation.markup.columns import RESULT_NAMES, result_column, text_column
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.messages import parse_message
from regard.translation.markup.segments import DocumentPart, Hole, Segment, SegmentedDocument, Write

_LINE_END = re.compile(r"\r\n|\n|\r")
_TSV_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")


@dataclass(frozen=True, slots=True)
class _Record:
    """A row of a table.

    Attributes:
        fields: The cells as they are written, with quotation marks.
        end: The line end.
        line: Number of its first line.
    """

    fields: tuple[str, ...]
    end: str
    line: int


@dataclass(frozen=True, slots=True)
class _Syntax:
    """How a table is written.

    Attributes:
        delimiter: Character between two cells.
        quoted: Whether a cell may be in quotation marks.
    """

    delimiter: str
    quoted: bool

    def read(self, field: str) -> str:
        """The text of a cell, given as the file has it; its quotation marks are removed."""
        if self.quoted and field.startswith('"'):
            return field[1:-1].replace('""', '"')
        return field

    def write(self, text: str, like: str = "") -> str:
        """Writes a text as a cell, in quotation marks if it needs them or if the written cell `like` has them."""
        if not self.quoted:
            return replace_blanks(text)
        if like.startswith('"') or any(mark in text for mark in (self.delimiter, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table by their position, from 0; `result` may be the number of columns.

    Attributes:
        text: Column with the text.
        result: Column for the translations.
        header: Name of a column that is added; empty if there is no header, or nothing is added.
        has_header: Whether the first row has the names of the columns.
    """

    text: int
    result: int
    header: str
    has_header: bool


def parse_csv(name: str, text: str, options: FileOptions) -> SegmentedDocument:
    """Finds the texts to translate in a CSV table, whose cells may be in quotation marks; see `parse_tsv`.

    Columns are separated by commas, semicolons or tabs, whichever is most frequent in the first line.

    Args:
        name: Name of the file, for messages.
        text: The content.
        options: The columns with the text and for the translations, each by its name or number.

    Returns:
        The document: its sentences, and a method that writes it with their translations.

    Raises:
        DataError: A column is not found, a row is too short, or a quotation mark is not closed; the message names the
            line.
    """
    match = _LINE_END.search(text)
    first = re.sub('"[^"]*"', "", text[: match.start() if match else len(text)])
    syntax = _Syntax(max(",;\t", key=first.count), True)
    return _document(name, _csv_records(name, text, syntax.delimiter), syntax, options)


def parse_tsv(name: str, text: str, options: FileOptions) -> SegmentedDocument:
    """Finds the texts to translate in a table with tabs between the columns, where quotation marks have no meaning.

    The first row has the names of the columns, unless `options.column` is a number and `options.result_column` is a
    number or None.

    Args:
        name: Name of the file, for messages.
        text: The content.
        options: The columns with the text and for the translations.

    Returns:
        The document: its sentences, and a method that writes it with their translations. Rows whose text is empty, or
        that have a translation already, stay as they are.

    Raises:
        DataError: A column is not found, or a row is too short; the message names the line.
    """
    syntax = _Syntax("\t", False)
    lines = [match for match in _TSV_LINE.finditer(text) if match[0]]
    records = [_Record(tuple(match[1].split("\t")), match[2], line) for line, match in enumerate(lines, start=1)]
    return _document(name, records, syntax, options)


def _csv_records(name: str, text: str, delimiter: str) -> list[_Record]:
    field = re.compile(rf'"[^"]*(?:""[^"]*)*"(?=[{delimiter}\r\n]|\Z)|(?!")[^{delimiter}\r\n]*(?=[{delimiter}\r\n]|\Z)')
    records: list[_Record] = []
    fields: list[str] = []
    position, line, first_line = 0, 1, 1
    while position < len(text) or fields:
        match = field.match(text, position)
        if match is None:
            raise DataError(
                f"{name}:{line}: expected a closing quotation mark before the next column, found none: double the "
                "quotation marks within a column, or save the table as .tsv"
            )
        fields.append(match[0])
        line += len(_LINE_END.findall(match[0]))
        position = match.end()
        if text.startswith(delimiter, position):
            position += 1
            continue
        end = _LINE_END.match(text, position)
        records.append(_Record(tuple(fields), end[0] if end else "", first_line))
        position += len(records[-1].end)
        line += end is not None
        fields, first_line = [], line
    return records


def _document(name: str, records: Sequence[_Record], syntax: _Syntax, options: FileOptions) -> SegmentedDocument:
    if not records:
        return SegmentedDocument([], [])
    columns = _columns(name, [syntax.read(field) for field in records[0].fields], options)
    parts: list[DocumentPart] = []
    segments: list[Segment] = []
    for number, record in enumerate(records):
        fields: list[DocumentPart] = list(record.fields)
        is_header = columns.has_header and number == 0
        if record.fields == ("",):  # an empty line
            parts.append(record.end)
            continue
        if len(fields) <= columns.text or len(fields) < columns.result:
            raise DataError(
                f"{name}:{record.line}: expected at least {max(columns.text + 1, columns.result)} columns, found "
                f"{len(fields)}: correct the row, or name another column with --column"
            )
        if len(fields) == columns.result:
            fields.append(syntax.write(columns.header) if is_header else "")
        text = syntax.read(record.fields[columns.text])
        is_open = columns.result == columns.text or not syntax.read(str(fields[columns.result]))
        if not is_header and text.strip() and is_open:
            fields[columns.result] = Hole(len(segments))
            segments.append(
                Segment((parse_message(text, options.markup),), _writer(syntax, record.fields[columns.text], text))
            )
        for index, field in enumerate(fields):
            parts += [syntax.delimiter, field] if index else [field]
        parts.append(record.end)
    return SegmentedDocument(parts, segments)


def _writer(syntax: _Syntax, field: str, text: str) -> Write:
    def write(translated: Sequence[str], aligned: bool) -> Sequence[str]:
        return [field if translated[0] == text else syntax.write(translated[0], like=field)]

    return write


def _columns(name: str, first: Sequence[str], options: FileOptions) -> _Columns:
    if options.column is not None and options.column.isdecimal():
        return _numbered(name, len(first), first, int(options.column), options.result_column)
    text = text_column(first, options)
    if text is None:
        given = f"the column {options.column!r:.80}" if options.column else ""
        expected = given or "a column with a usual name, such as text"
        raise DataError(
            f"{name}:1: expected {expected}, found {on_one_line(', '.join(first))[:200]}: name one of these "
            "columns with --column, or give its number"
        )
    result = options.result_column or result_column(first, text, options)
    if result.isdecimal():
        return _Columns(first.index(text), _position(name, int(result), len(first)), RESULT_NAMES[0], True)
    position = first.index(result) if result in first else len(first)
    return _Columns(first.index(text), position, result, True)


def _numbered(name: str, count: int, first: Sequence[str], text: int, result: str | None) -> _Columns:
    if not 1 <= text <= count:
        raise DataError(
            f"{name}:1: expected column {text}, found {count} columns: give a number from 1 to {count} with --column"
        )
    if result is None:
        return _Columns(text - 1, count, "", False)
    if result.isdecimal():
        return _Columns(text - 1, _position(name, int(result), count), "", False)
    if result in first:
        return _Columns(text - 1, first.index(result), result, True)
    return _Columns(text - 1, count, result, True)


def _position(name: str, number: int, count: int) -> int:
    if not 1 <= number <= count + 1:
        raise DataError(
            f"{name}:1: expected a result column from 1 to {count + 1}, got {number}: give another number with "
            f"--result-column; {count + 1} adds a column"
        )
    return number - 1
