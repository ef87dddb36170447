"""Decodes the text of files: UTF-8, UTF-16 with a byte order mark, or the encoding that the document declares."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from regard.errors import DataError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}\bencoding\s*=\s*["']([\w.:\-]{1,40})["']|<meta[^>]{0,400}\bcharset\s*=\s*["']?\s*([\w.:\-]{1,40})""",
    re.IGNORECASE,
)
_HEAD_SIZE = 4096
"""Number of bytes at the beginning of a document in which a declaration is searched."""
_SUPPORTED = frozenset(
    codecs.lookup(name).name
    for name in (
        "utf-8", "ascii", "latin-1", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
        "cp1258", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8",
        "iso8859-9", "iso8859-10", "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16", "koi8-r", "koi8-u", "cp866",
        "cp874", "tis-620", "gb2312", "gbk", "gb18030", "big5", "big5hkscs", "euc-jp", "shift_jis", "cp932", "euc-kr",
        "cp949", "mac-roman",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a file, with the encoding in which it is written back.

    Attributes:
        text: The text without byte order mark.
        encoding: Name of the encoding for Python's codecs.
        mark: The byte order mark at the beginning of the file; empty if there is none.
    """

    text: str
    encoding: str
    mark: bytes

    def encode(self, text: str, *, references: bool) -> bytes:
        """Encodes a text in the encoding of the file.

        Args:
            text: The text to write, such as a translation of the file's text.
            references: Whether characters that the encoding lacks become numeric character references, as in HTML;
                otherwise they become question marks.

        Returns:
            The bytes, which begin with the byte order mark of the file if it had one.
        """
        return self.mark + text.encode(self.encoding, "xmlcharrefreplace" if references else "replace")


def decode_text(name: str, data: bytes, *, declared: bool = False) -> DecodedText:
    """Decodes the content of a file.

    Args:
        name: Name of the file, for messages.
        data: The content of the file.
        declared: Whether an encoding that the document itself declares is used, as in HTML and XML.

    Returns:
        The text and its encoding.

    Raises:
        DataError: The content is not in the encoding; the message names the first byte that is wrong.
    """
    if data.startswith(_UTF32):
        raise DataError(f"{name}: expected UTF-8 or UTF-16, found the byte order mark of UTF-32: save it as UTF-8")
    mark, encoding = next(((mark, encoding) for mark, encoding in _BOMS if data.startswith(mark)), (b"", ""))
    if not encoding:
        encoding = (_declared_encoding(name, data) if declared else "") or "utf-8"
    try:
        return DecodedText(data[len(mark) :].decode(encoding), encoding, mark)
    except UnicodeDecodeError as error:
        position = len(mark) + error.start
        value = f" (0x{data[position]:02x})" if position < len(data) else ""
        line = data.count(b"\n", 0, position) + 1
        raise DataError(
            f"{name}: expected {encoding}, but byte {position}{value} in line {line} is not: save the file as UTF-8"
        ) from None


def _declared_encoding(name: str, data: bytes) -> str:
    match = _DECLARED.search(data[:_HEAD_SIZE])
    if match is None:
        return ""
    label = (match[1] or match[2]).decode("ascii", "replace")
    if label.lower().startswith("utf-16"):
        return ""  # the declaration could be read as ASCII, so it is wrong
    try:
        encoding = codecs.lookup(label).name
    except LookupError:
        encoding = ""
    if encoding not in _SUPPORTED:
        raise DataError(f"{name}: declares the unknown encoding {label!r}: save the file as UTF-8")
    return "cp1252" if encoding == "iso8859-1" and _is_windows(data) else encoding


def _is_windows(data: bytes) -> bool:
    """Whether a document that declares ISO 8859-1 is in Windows-1252, which browsers assume."""
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True
