"""Compiled gettext catalogs (.mo): the reader of sentence pairs."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from regard.data.corpora.catalog_pairs import CatalogPairs, CatalogReader, Message
from regard.data.corpora.file_reader import Source
from regard.data.corpora.po_entry import header_fields
from regard.data.corpora.unit import MAX_TEXT, ReadOptions, Unit
from regard.errors import DataError
from regard.files.compression import InputFile
from regard.text.encoding_names import check_encoding, find_encoding

MAX_SIZE = 1 << 29
"""Largest size in bytes of a catalog, which is read into memory; real ones have less than 100 MB."""
_MAGICS = {b"\xde\x12\x04\x95": "<", b"\x95\x04\x12\xde": ">"}
_HEADER_SIZE = 28
_MAX_REVISION = 1
_CHARSET = re.compile(rb"charset\s*=\s*([^\s;]+)", re.IGNORECASE)
_CONTEXT_END = "\x04"
_MAX_OVERLAP = 4
"""Largest allowed ratio of the length of all strings to the size of the file."""
_REMEDY = "compile the catalog again with msgfmt, or read its .po file instead"


class MoReader(CatalogReader):
    """Reader of the sentence pairs of a compiled catalog.

    Such a file contains no fuzzy or obsolete entries, since `msgfmt` leaves them out, and no line numbers: `Unit.line`
    is the number of the message.

    Args:
        source: The catalog, or an open input; None = standard input.
        options: How to read the file.

    Attributes:
        name: The file, for messages.
        format: `"mo"`.
        report: What was left out.
    """

    format = "mo"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        check_encoding(options.encoding)

    def _read(self, file: InputFile) -> Iterator[Unit]:
        table = _MoTable(self._content(file), self.name)
        pairs = CatalogPairs(self.name, self._options, self.report)
        encoding = self._options.encoding or "utf-8"
        for number in range(1, table.num_messages + 1):
            try:
                source, translation = table.message(number)
                if number == 1 and not source:  # the smallest key, so always the first
                    encoding = self._options.encoding or self._charset(translation)
                    pairs.read_header(header_fields(self._decode(translation, encoding, number)))
                    continue
                message = _message(
                    self._decode(source, encoding, number), self._decode(translation, encoding, number), number
                )
            except _MessageError as error:
                self.report.fault(f"{self.name}: message {number}: {error}")
            else:
                yield from pairs.units(message)

    def _content(self, file: InputFile) -> bytes:
        data = file.read(MAX_SIZE + 1)
        if len(data) > MAX_SIZE:
            raise DataError(
                f"{self.name}: expected a catalog of at most {MAX_SIZE:,} bytes, found a larger one: {_REMEDY}"
            )
        try:
            file.read(1)  # bytes before a failure are returned first; the next call raises the error
        except DataError as error:
            self.report.fault(str(error))
        return data

    def _charset(self, header: bytes) -> str:
        match = _CHARSET.search(header)
        charset = match[1].decode("latin-1") if match else "utf-8"
        if find_encoding(charset) is None:
            self.report.fault(
                f"{self.name}: expected the name of an encoding such as UTF-8 in the header, found charset={charset}: "
                "name the encoding with --encoding"
            )
            return "utf-8"
        return charset

    def _decode(self, data: bytes, encoding: str, number: int) -> str:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise _MessageError(
                f"expected {encoding.upper()}, found byte 0x{data[error.start]:02x}: name the true encoding, such as "
                "--encoding latin-1"
            ) from None


class _MessageError(ValueError):
    """A fault of one message."""


class _MoTable:
    """Table of the strings of a compiled catalog.

    Args:
        data: The file.
        name: Name of the file, for messages.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        order = _MAGICS.get(data[:4])
        if order is None:
            raise DataError(
                f"{name}: expected a compiled gettext catalog, which begins with 0x950412de, found {data[:4]!r}: check "
                "the file name"
            )
        if len(data) < _HEADER_SIZE:
            raise DataError(f"{name}: expected a header of {_HEADER_SIZE} bytes, found {len(data)}: {_REMEDY}")
        self._order = order
        revision, self.num_messages, self._sources, self._translations = struct.unpack_from(f"{order}4I", data, 4)
        if revision >> 16 > _MAX_REVISION:
            raise DataError(
                f"{name}: expected a compiled catalog of format 0 or 1, found format {revision >> 16}: {_REMEDY}"
            )
        end = max(self._sources, self._translations) + 8 * self.num_messages
        if end > len(data):
            raise DataError(
                f"{name}: expected tables of {self.num_messages:,} messages, which end at byte {end:,}, found a file "
                f"of {len(data):,} bytes, which is cut short or damaged: {_REMEDY}"
            )
        self._num_left = _MAX_OVERLAP * len(data)
        self._name = name

    def message(self, number: int) -> tuple[bytes, bytes]:
        """Source string and translation of the message with a number, from 1."""
        return self._string(self._sources, number), self._string(self._translations, number)

    def _string(self, table: int, number: int) -> bytes:
        length, start = struct.unpack_from(f"{self._order}2I", self._data, table + 8 * (number - 1))
        if start + length > len(self._data):
            raise _MessageError(
                f"expected a string that ends before byte {len(self._data):,}, found one that ends at byte "
                f"{start + length:,}, since the file is cut short or damaged: {_REMEDY}"
            )
        if length > MAX_TEXT:
            raise _MessageError(f"expected a text of at most {MAX_TEXT} bytes, found one of {length}: {_REMEDY}")
        self._num_left -= length
        if self._num_left < 0:
            raise DataError(
                f"{self._name}: message {number}: expected separate strings, found overlapping ones: {_REMEDY}"
            )
        return self._data[start : start + length]


def _message(source: str, translation: str, number: int) -> Message:
    _, _, text = source.rpartition(_CONTEXT_END)
    singular, has_plural, plural = text.partition("\0")
    forms = dict(enumerate(translation.split("\0"))) if has_plural else {0: translation}
    return Message(singular, forms, plural if has_plural else None, number)
