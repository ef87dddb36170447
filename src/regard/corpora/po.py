"""Gettext catalogs (.po): single strings can be replaced, and sentence pairs be read."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from regard.corpora.po_entry import PoEntry, PoString
from regard.corpora.po_parser import PoParser
from regard.corpora.po_syntax import format_string
from regard.errors import DataError


@dataclass(frozen=True)
class PoCatalog:
    """A whole catalog in memory, of which single strings can be replaced.

    Attributes:
        data: The file.
        name: Name of the file, for messages.
        entries: All entries in order, including the header and obsolete ones.
        encoding: Name of the Python codec of the strings.
        newline: Line end of the first line.
        width: Width at which the file wraps its lines; 0 = it has longer ones.
    """

    data: bytes
    name: str
    entries: tuple[PoEntry, ...]
    encoding: str
    newline: str
    width: int

    def replace(self, texts: Iterable[tuple[PoString, str]], *, fuzzy: Iterable[PoEntry] = ()) -> bytes:
        """Replaces strings; all other bytes stay as they are.

        Args:
            texts: Strings of the entries, and their new content.
            fuzzy: Entries to be marked as fuzzy, unless they are already.

        Returns:
            The new file.

        Raises:
            DataError: A text cannot be written in the encoding of the file.
        """
        obsolete = {id(string) for entry in self.entries if entry.obsolete for string in entry.msgstr.values()}
        edits = [
            (string.start, string.end, self._formatted(string, text, "#~ " if id(string) in obsolete else ""))
            for string, text in texts
        ]
        edits += [self._flagged(entry) for entry in fuzzy if not entry.is_fuzzy]
        parts, place = [], 0
        for start, end, new in sorted(edits):
            parts += [self.data[place:start], new]
            place = end
        return b"".join([*parts, self.data[place:]])

    def _formatted(self, string: PoString, text: str, prefix: str) -> bytes:
        lines = format_string(string.keyword, text, prefix=prefix, newline=self.newline, width=self.width)
        try:
            return lines.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise DataError(
                f"{self.name}:{string.line}: expected a translation in {self.encoding.upper()}, as the header says, "
                f"found {error.object[error.start]!r}: convert the catalog to UTF-8 first, with msgconv -t utf-8"
            ) from None

    def _flagged(self, entry: PoEntry) -> tuple[int, int, bytes]:
        if entry.flags_end > entry.flags_start:
            return entry.flags_end, entry.flags_end, ", fuzzy".encode(self.encoding)
        return entry.flags_start, entry.flags_start, f"#, fuzzy{self.newline}".encode(self.encoding)


def parse_po(data: bytes, name: str, *, encoding: str | None = None) -> PoCatalog:
    """Parses a catalog in memory.

    Args:
        data: The file.
        name: Name of the file, for messages.
        encoding: Encoding of the file; None = what its header says, or UTF-8.

    Returns:
        The catalog; `replace` without arguments returns `data`.

    Raises:
        DataError: An entry is faulty; the message names its line.
    """
    parser = PoParser(io.BytesIO(data), name, encoding=encoding)
    entries = tuple(parser.entries())
    return PoCatalog(data, name, entries, parser.encoding, parser.newline, 79 if parser.width <= 80 else 0)
