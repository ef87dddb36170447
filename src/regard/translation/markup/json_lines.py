"""JSON lines: the text of one field of each object is translated, and written into another field."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from regard.errors import DataError
from regard.files.printable import on_one_line
from regard.text.normalize import replace_surrogates
from regard.translation.markup.columns import result_column, text_column
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.messages import parse_message
from regard.translation.markup.segments import DocumentPart, Hole, Segment, SegmentedDocument, Write

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Member:
    """A field of an object.

    Attributes:
        value: Its value.
        start: First character of the value.
        end: End of the value.
    """

    value: object
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """An object within a line.

    Attributes:
        members: Its fields by name; of several with one name, the last.
        end: Position of the closing brace, or of the white space before it.
        comma: Comma and white space as written between two fields.
        colon: Colon and white space as written after a name.
    """

    members: dict[str, _Member]
    end: int
    comma: str
    colon: str


def parse_json_lines(name: str, text: str, options: FileOptions) -> SegmentedDocument:
    """Finds the texts of a file of JSON lines.

    Args:
        name: Name of the file, for messages.
        text: The content: one object per line; empty lines stay.
        options: The fields; `translation.en` is the field `en` of the object in the field `translation`.

    Returns:
        The document. Objects without the field, or with null or an empty text in it, stay as they are.

    Raises:
        DataError: A line is not an object, or the field is not a string; the message names the line.
    """
    parts: list[DocumentPart] = []
    segments: list[Segment] = []
    escapes = text.isascii() and "\\u" in text
    found = False
    lines = _LINE.findall(text)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            parts.append(line)
            continue
        where = f"{name}:{number}"
        scope, field, result = _fields(where, _read(where, line), line, options)
        found = found or field in scope.members
        member = scope.members.get(field)
        if member is not None and member.value is not None and not isinstance(member.value, str):
            raise DataError(
                f"{where}: expected a string in the field {field!r:.80}, found {on_one_line(repr(member.value))[:40]}: "
                "name another field with --column, or correct the line"
            )
        place = _place(line, scope, field, result, escapes=escapes)
        if place is None:
            parts.append(line)
            continue
        start, end, source, write = place
        parts += [line[:start], Hole(len(segments)), line[end:]]
        segments.append(Segment((parse_message(source, options.markup),), write))
    if lines and not found:
        _refuse(name, lines, options)
    return SegmentedDocument(parts, segments)


def _refuse(name: str, lines: list[str], options: FileOptions) -> None:
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return
    names = ", ".join(_read(name, first).members)
    expected = f"the field {options.column!r:.80}" if options.column else "a field with a usual name, such as text"
    raise DataError(f"{name}: expected {expected}, found {on_one_line(names)[:200]}: name one of them with --column")


def _read(where: str, line: str) -> _Object:
    try:
        start = _skip(line, 0)
        value, end = _DECODER.raw_decode(line, start)
        if not isinstance(value, dict):
            raise ValueError("found a JSON value that is not an object in braces")
        if line[end:].strip():
            raise ValueError(f"found text after the object, which ends at column {end}")
        return _object_at(line, start)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise DataError(f"{where}: expected one JSON object per line ({reason}): correct the line") from None


def _object_at(line: str, start: int) -> _Object:
    """The fields of an object that is known to be valid, with their places."""
    members: dict[str, _Member] = {}
    comma, colon = ", ", ": "
    position = _skip(line, start + 1)
    end = start + 1
    while line[position] != "}":
        if line[position] == ",":
            after = _skip(line, position + 1)
            comma, position = line[position:after], after
        name, after_name = _DECODER.raw_decode(line, position)
        value_start = _skip(line, _skip(line, after_name) + 1)
        colon = line[after_name:value_start]
        value, end = _DECODER.raw_decode(line, value_start)
        members[name] = _Member(value, value_start, end)
        position = _skip(line, end)
    return _Object(members, end, comma if members else "", colon)


def _skip(line: str, position: int) -> int:
    match = _SPACE.match(line, position)
    return match.end() if match else position


def _fields(where: str, whole: _Object, line: str, options: FileOptions) -> tuple[_Object, str, str]:
    """The object with the text, and the names of the fields of the text and of the translation."""
    column, result = options.column, options.result_column
    scope, prefix = whole, ""
    if column is None and "translation" in whole.members and isinstance(whole.members["translation"].value, dict):
        prefix = "translation."
    elif column is not None and column not in whole.members and "." in column:
        prefix = column[: column.index(".") + 1]
    inner = whole.members.get(prefix[:-1]) if prefix else None
    if inner is not None and isinstance(inner.value, dict):
        scope = _object_at(line, inner.start)
        column = None if column is None else column.removeprefix(prefix)
        result = None if result is None else result.removeprefix(prefix)
    chosen = replace(options, column=column, result_column=result)
    field = text_column(list(scope.members), chosen) or column or ""
    return scope, field, result_column(list(scope.members), field, chosen)


def _place(line: str, scope: _Object, field: str, result: str, *, escapes: bool) -> tuple[int, int, str, Write] | None:
    """Where the translation is written, the text, and a function that writes it; None if there is nothing to do."""
    source, target = scope.members.get(field), scope.members.get(result)
    if source is None or not isinstance(source.value, str) or not source.value.strip():
        return None
    if target is not None and field != result and target.value not in (None, ""):
        return None
    text = source.value
    before = "" if target is not None else f"{scope.comma}{json.dumps(result, ensure_ascii=escapes)}{scope.colon}"
    original = line[source.start : source.end]

    def write(translated: Sequence[str], aligned: bool) -> Sequence[str]:
        if translated[0] == text:  # as it is written, with its own escapes
            return [before + original]
        return [before + json.dumps(replace_surrogates(translated[0]), ensure_ascii=escapes)]

    if target is not None:
        return target.start, target.end, text, write
    return scope.end, scope.end, text, write
