"""Bytes of an XML file in any encoding, converted to UTF-8 chunk by chunk."""

from __future__ import annotations

import codecs
import re
from typing import Protocol

from regard.errors import DataError
from regard.text.encoding_names import find_encoding

CHUNK_SIZE = 1 << 16
"""Number of bytes that are read and parsed at once."""
INVALID = "\uffff"
"""Character that stands for bytes that the encoding does not contain; XML does not allow it, so the parser reports it.

The bytes follow in hexadecimal digits, and the character again.
"""
_HEAD_SIZE = 1024
"""Number of bytes in which the XML declaration is searched."""
_DECLARED = re.compile(r"""\s*<\?xml[^>]{0,400}?\bencoding\s*=\s*["']([^"'>]{1,60})["']""")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_STARTS = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
"""How a file in an encoding of several bytes per character starts if it has no byte order mark."""
_SUPERSETS = {
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
}
"""Encodings that are extended in practice, by the encoding that files with such a declaration use."""
_OTHER_NAMES = {
    "ucs-2": "utf-16",
    "iso-10646-ucs-2": "utf-16",
    "ucs-4": "utf-32",
    "iso-10646-ucs-4": "utf-32",
    "unicode": "utf-16",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
}


class ByteSource(Protocol):
    """An open binary file."""

    def read(self, size: int, /) -> bytes:
        """Reads up to `size` bytes; fewer only at the end of the file, or before an error."""
        ...


class Utf8Chunks:
    """Reads an XML file in any encoding, as chunks of bytes in UTF-8 without byte order mark.

    Args:
        file: The open file.
        name: Name of the file, for messages.
        encoding: The encoding; None = by the byte order mark, the first bytes, or the XML declaration; else UTF-8.

    Attributes:
        encoding: Name of the encoding, as people write it, such as `"UTF-16"`.

    Raises:
        DataError: The encoding is unknown, or the declared encoding contradicts the first bytes.
    """

    def __init__(self, file: ByteSource, name: str, encoding: str | None) -> None:
        self._file = file
        self._failure: DataError | None = None
        self.head = self._read_head()
        if encoding:
            self.encoding, codec = encoding, _codec(encoding, f"{name}: --encoding")
            if codec in ("utf-16", "utf-32"):  # the codec without byte order accepts only files with a mark
                by_start = _by_start(self.head) or ""
                codec = by_start if by_start.startswith(codec) else f"{codec}-le"
        else:
            self.encoding, codec = _detect(self.head, name)
        self._decoder: codecs.IncrementalDecoder | None = None
        if codec != "utf-8":
            codecs.register_error(_mark_invalid.__qualname__, _mark_invalid)
            self._decoder = codecs.getincrementaldecoder(codec)(_mark_invalid.__qualname__)
        self._is_first = True

    def read(self) -> bytes:
        """Reads the next chunk.

        Returns:
            Bytes in UTF-8; empty only at the end of the file.

        Raises:
            DataError: Reading fails, or compressed data is broken; all bytes before the error have been returned.
        """
        while True:
            raw, self.head = self.head or self._read_raw(), b""
            data = raw
            if self._decoder is not None:
                data = self._decoder.decode(raw, final=not raw).encode("utf-8", "surrogatepass")
            if self._is_first and data:
                data = data.removeprefix(codecs.BOM_UTF8)
                self._is_first = False
            if data or not raw:
                return data

    def _read_raw(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        # Not read1: the parser reads a long tag again from its beginning with each piece that a slow pipe has ready.
        return self._file.read(CHUNK_SIZE)

    def _read_head(self) -> bytes:
        head = b""
        try:
            while len(head) < _HEAD_SIZE and (data := self._file.read(CHUNK_SIZE)):
                head += data
        except DataError as error:  # raised again after the bytes before it
            self._failure = error
        return head


def _mark_invalid(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return f"{INVALID}{error.object[error.start : error.end].hex()}{INVALID}", error.end


def _detect(head: bytes, name: str) -> tuple[str, str]:
    """Name of the encoding for messages, and of its codec."""
    found = _by_start(head)
    text = head.decode(found or "latin-1", "ignore").removeprefix("\ufeff")
    match = _DECLARED.match(text)
    if match is None:
        return (found or "utf-8").upper(), found or "utf-8"
    declared = match[1].strip()
    codec = _codec(declared, f"{name}:1: the XML declaration")
    is_wide = codec.startswith(("utf-16", "utf-32"))
    if not found.startswith(codec) if found else is_wide:
        actual = f"{found.upper()} by its first bytes" if found else "single bytes, as in UTF-8"
        raise DataError(
            f"{name}:1: expected {declared}, as the XML declaration says, found {actual}: pass the encoding that the "
            f"file really has, such as --encoding {found or 'utf-8'}"
        )
    return declared, found or codec


def _by_start(head: bytes) -> str | None:
    """The encoding that the first bytes show, if any."""
    return next((encoding for mark, encoding in (*_BOMS, *_STARTS) if head.startswith(mark)), None)


def _codec(encoding: str, where: str) -> str:
    """Name of the codec for an encoding, or for the larger one that files with this name use."""
    lowered = encoding.strip().lower()
    codec = find_encoding(_OTHER_NAMES.get(lowered, lowered))
    if codec is None:
        raise DataError(
            f"{where} names {encoding!r}, expected an encoding that Python knows, such as utf-8, utf-16 or cp1252: "
            "pass the encoding that the file really has with --encoding"
        )
    return _SUPERSETS.get(codec, "utf-8" if codec in ("utf-8-sig", "ascii") else codec)
