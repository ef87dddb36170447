"""Parser of CSV records (RFC 4180), which continues after a record that is not well-formed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from regard.data.corpora.unit import MAX_TEXT
from regard.text.encodings import BrokenLine

_MAX_READ_AGAIN = 1 << 25
"""Largest number of characters in all that are read a second time, after records whose quotes do not match."""
_LINE_COST = 100
"""Number of characters that take as long to read as a line without any."""
_CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"(?!")')
_ADVICE = "double quotes within a quoted field, or read the file as tsv if its fields are not quoted"


class Record(NamedTuple):
    """A record of a CSV file.

    Attributes:
        fields: Fields of the record, without quotes; an empty list for a blank line.
        line: 1-based number of the first line of the record.
        problem: Message if the record is not well-formed; else empty.
    """

    fields: list[str]
    line: int
    problem: str = ""


class _MalformedError(Exception):
    """Text follows the closing quote of a field."""


class RecordParser:
    """Parser of records that may contain line ends within quotes.

    A record that is not well-formed ends with its first line; the next line begins another record.

    Args:
        lines: Lines without line ends.
        name: Name of the file, for messages.
        delimiter: Character between fields.
    """

    def __init__(self, lines: Iterator[str | BrokenLine], name: str, delimiter: str) -> None:
        self._new_lines = lines
        self._read_again: deque[str | BrokenLine] = deque()
        self._num_read_again = 0
        self._line = 0
        self._name = name
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[Record]:
        """Yields the records in order."""
        while (line := self._next_line()) is not None:
            if isinstance(line, BrokenLine):
                yield Record([], self._line, line.message)
            elif '"' not in line:
                yield Record(line.split(self._delimiter) if line else [], self._line)
            else:
                yield self._quoted(line)

    def _next_line(self) -> str | BrokenLine | None:
        self._line += 1
        return self._read_again.popleft() if self._read_again else next(self._new_lines, None)

    def _quoted(self, first: str) -> Record:
        """The record that begins with this line, which contains quotes."""
        begin, lines = self._line, []
        fields = _Fields(self._delimiter)
        line: str | BrokenLine | None = first
        size = 0
        try:
            while isinstance(line, str) and size <= MAX_TEXT:
                if fields.add(line):
                    return Record(fields.complete, begin)
                size += len(line) + 1
                line = self._next_line()
                if line is not None:
                    lines.append(line)
            problem = "expected a closing quote of the field that begins there, found none"
        except _MalformedError as error:
            problem = f"expected a delimiter after a closing quote, found {error}"
        return self._malformed(begin, lines, size, problem)

    def _malformed(self, begin: int, lines: list[str | BrokenLine], size: int, problem: str) -> Record:
        """The record of a malformed line; the lines that were read in vain are read again, unless that takes long."""
        self._num_read_again += size + _LINE_COST * len(lines)
        where = f"{self._name}:{begin}"
        if self._num_read_again <= _MAX_READ_AGAIN:
            self._read_again.extendleft(reversed(lines))
            self._line = begin
        else:
            where = f"{where} to {self._line}"
        return Record([], begin, f"{where}: {problem}: {_ADVICE}")


class _Fields:
    """The fields of a record, which are collected line by line."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._parts: list[str] | None = None  # of the quoted field that is open
        self.complete: list[str] = []

    def add(self, line: str) -> bool:
        """Adds a line of the record, and returns whether the record is complete."""
        position = 0
        while True:
            if self._parts is None and line.startswith('"', position):
                self._parts = []
                position += 1
            if self._parts is None:
                end = line.find(self._delimiter, position)
                self.complete.append(line[position:] if end < 0 else line[position:end])
            else:
                closing = _CLOSING.match(line, position)
                if closing is None:
                    self._parts.append(line[position:] + "\n")
                    return False
                end = self._close(line, position, closing.end())
            if end < 0:
                return True
            position = end + 1

    def _close(self, line: str, start: int, end: int) -> int:
        """Ends the open field, and returns the position of the delimiter after it; -1 at the end of the line."""
        after = line[end : end + 1]
        if after not in ("", self._delimiter):
            raise _MalformedError(repr(line[end : end + 20]))
        text = "".join((*(self._parts or ()), line[start : end - 1]))
        self.complete.append(text.replace('""', '"'))
        self._parts = None
        return end if after else -1
