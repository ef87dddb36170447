"""Gettext catalogs (.po): reads their sentence pairs, and replaces single strings."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from regard.data.corpora.catalog_pairs import CatalogPairs, CatalogReader, Message
from regard.data.corpora.po_entry import PoEntry, PoString, header_fields
from regard.data.corpora.po_parser import PoParser
from regard.data.corpora.po_syntax import format_string
from regard.data.corpora.unit import Unit
from regard.errors import DataError
from regard.files.compression import InputFile


@dataclass(frozen=True)
class PoCatalog:
    """A whole catalog in memory, of which single strings can be replaced.

    Attributes:
        data: Content of the file.
        name: Name of the file, for messages.
        entries: All entries in order, including the header and obsolete ones.
        encoding: Name of the Python codec of the strings.
        newline: Line end of the first line.
        width: Number of columns at which the file wraps long strings; 0 = it does not wrap them.
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
            texts: Strings to replace, each with its new content.
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
        data: Content of the file.
        name: Name of the file, for messages.
        encoding: Encoding of the file; None = what its header says, or UTF-8.

    Returns:
        The catalog. Its method `replace` changes single strings and keeps all other bytes of `data`.

    Raises:
        DataError: An entry is faulty; the message names its line.
    """
    parser = PoParser(io.BytesIO(data), name, encoding=encoding)
    entries = tuple(parser.entries())
    return PoCatalog(data, name, entries, parser.encoding, parser.newline, 79 if parser.width <= 80 else 0)


class PoReader(CatalogReader):
    """Reader of the sentence pairs of a catalog.

    Args:
        source: The catalog, or an open input; None = standard input.
        options: How to read it. Entries marked as fuzzy are left out unless `include_fuzzy` is set.

    Attributes:
        name: The file, for messages.
        format: `"po"`.
        report: What was left out: fuzzy, obsolete and untranslated entries, and faulty ones.
    """

    format = "po"

    def _read(self, file: InputFile) -> Iterator[Unit]:
        parser = PoParser(file, self.name, encoding=self._options.encoding, fault=self.report.fault)
        pairs = CatalogPairs(self.name, self._options, self.report)
        has_header = False
        for entry in parser.entries():
            if entry.is_header and not has_header:
                has_header = True
                pairs.read_header(header_fields(next(iter(entry.msgstr.values())).text))
            elif entry.obsolete:
                self.report.left_out["obsolete"] += 1
            elif entry.is_fuzzy and not self._options.include_fuzzy and any(s.text for s in entry.msgstr.values()):
                self.report.left_out["fuzzy"] += 1
            else:
                yield from pairs.units(_message(entry))


def _message(entry: PoEntry) -> Message:
    forms = {form: string.text for form, string in entry.msgstr.items()}
    plural = None if entry.msgid_plural is None else entry.msgid_plural.text
    return Message(entry.msgid.text, forms, plural, entry.msgid.line)
