"""Lines and strings of gettext catalogs (.po): their places in the file, escapes, and wrapping."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

from regard.data.corpora.unit import MAX_TEXT
from regard.errors import DataError

KEYWORDS = ("msgctxt", "msgid", "msgid_plural", "msgstr")
"""Keywords of the strings of an entry."""
LineKind = Literal["blank", "comment", "flags", "keyword", "string", "unknown", "long"]
_LINE = re.compile(
    rb'\s*(?P<obsolete>#~(?!\|)\s*)?(?:(?P<word>[a-z_]+)(?:\s*\[\s*(?P<index>\d{1,3})\s*\])?\s*)?(?=(?P<quote>"))'
)
_OBSOLETE = re.compile(rb"\s*#~(?!\|)\s*")
_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"\s*', re.DOTALL)
_BYTES = re.compile(r"(?:\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}))+")
_BYTE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2}))")
_ESCAPE = re.compile(r'\\([ntrvbfa"\\])')
_MEANINGS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "b": "\b", "f": "\f", "a": "\a", '"': '"', "\\": "\\"}
_ESCAPES = str.maketrans({meaning: "\\" + letter for letter, meaning in _MEANINGS.items()})
_WORDS = re.compile(r"\S*\s*")
_WIDE_STARTS = {
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
    b"#\0": "utf-16-le",
    b"m\0": "utf-16-le",
    b"\0#": "utf-16-be",
    b"\0m": "utf-16-be",
}
"""First bytes of a catalog in UTF-16, with or without a byte order mark."""
_CHUNK = 1 << 16


class ByteStream(Protocol):
    """A binary file that can be read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """Reads bytes.

        Args:
            size: Largest number of bytes.

        Returns:
            The next bytes; empty only at the end.
        """
        ...


class PoLine(NamedTuple):
    """A line of a catalog.

    Attributes:
        content: Bytes of the line without the line end; a line in UTF-16 is converted to UTF-8; empty if it is longer
            than `MAX_TEXT`.
        number: 1-based number of the line.
        start: Offset in bytes of the beginning of the line in the file.
        end: Offset in bytes of the end of the line, before the line end.
        kind: What the line contains, such as `"keyword"` (a keyword with a string), `"string"` or `"comment"`.
        keyword: Keyword before the string, such as `"msgid"`; empty if there is none.
        form: Number of the plural form in `msgstr[1]`; None without brackets.
        obsolete: Whether the line is marked as obsolete, with `#~`.
        offset: Number of bytes of `content` before the keyword or the string.
    """

    content: bytes
    number: int
    start: int
    end: int
    kind: LineKind
    keyword: str
    form: int | None
    obsolete: bool
    offset: int


class PoText:
    """The lines of a catalog, read from a stream with constant memory.

    Args:
        file: The stream, at its beginning.
        name: Name of the file, for messages.

    Attributes:
        encoding: `"utf-16-le"` or `"utf-16-be"` if the file is in UTF-16, `"utf-8"` if it has a byte order mark of
            UTF-8; None = its header names the encoding.
        newline: Line end of the first line, LF or CRLF.
    """

    def __init__(self, file: ByteStream, name: str) -> None:
        self.name = name
        self.newline = "\n"
        self._file = file
        self._head = file.read(4)
        self.encoding = "utf-8" if self._head.startswith(BOM_UTF8) else _WIDE_STARTS.get(self._head[:2])
        if self._head in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
            raise DataError(f"{name}: expected a catalog in UTF-8, found UTF-32: convert it, e.g. with iconv -t utf-8")

    def lines(self) -> Iterator[PoLine]:
        """Reads the lines.

        Yields:
            All lines in order, classified.

        Raises:
            DataError: Reading fails.
        """
        wide = self.encoding if self.encoding and self.encoding.startswith("utf-16") else None
        start = len(BOM_UTF8) if self.encoding == "utf-8" else 2 if self._head[:2] in (b"\xff\xfe", b"\xfe\xff") else 0
        place = start
        line_end = "\n".encode(wide or "ascii")
        return_ = "\r".encode(wide or "ascii")
        for number, (raw, size) in enumerate(self._raw_lines(start, line_end), start=1):
            content = raw.removesuffix(line_end)
            if number == 1 and content.endswith(return_):
                self.newline = "\r\n"
            content = content.removesuffix(return_)
            if len(content) > MAX_TEXT:
                yield _long_line(content, number, place, place + size)
            else:
                yield classify(_to_utf8(content, wide) if wide else content, number, place, place + len(content))
            place += size

    def _raw_lines(self, start: int, line_end: bytes) -> Iterator[tuple[bytes, int]]:
        """Lines with their ends, and their sizes; of a line that is too long, only the beginning is returned."""
        data, width = self._head[start:], len(line_end)
        begin = searched = num_skipped = 0  # of the line that is read
        long_start = b""
        while True:
            end = _find_line_end(data, line_end, begin, searched)
            if end >= 0:
                yield long_start or data[begin:end], num_skipped + end - begin
                begin = searched = end
                long_start, num_skipped = b"", 0
                continue
            if len(data) - begin > MAX_TEXT + 2 * width:
                long_start = long_start or data[begin : begin + MAX_TEXT + 2 * width]
                skipped = (len(data) - begin) // width * width
                begin, num_skipped = begin + skipped, num_skipped + skipped
            chunk = self._file.read(_CHUNK)
            if not chunk:
                break
            data, begin = data[begin:] + chunk, 0
            searched = max(0, len(data) - len(chunk) - width + 1)
        if begin < len(data) or num_skipped:
            yield long_start or data[begin:], num_skipped + len(data) - begin


def _find_line_end(data: bytes, line_end: bytes, begin: int, searched: int) -> int:
    """Place after the first line end from `searched` on in a line that begins at `begin`; -1 if there is none."""
    width = len(line_end)
    place = data.find(line_end, searched)
    while place >= 0 and (place - begin) % width:  # across two characters of UTF-16
        place = data.find(line_end, place + 1)
    return place + width if place >= 0 else -1


def _long_line(start_of_line: bytes, number: int, start: int, end: int) -> PoLine:
    """A line that is too long to be read; a comment may be."""
    first = start_of_line[:64].replace(b"\0", b"").lstrip()
    kind: LineKind = "comment" if first.startswith(b"#") and not first.startswith(b"#~") else "long"
    return PoLine(b"", number, start, end, kind, "", None, False, 0)


def classify(content: bytes, number: int, start: int, end: int) -> PoLine:
    """Classifies a line of a catalog.

    Args:
        content: The line without its end.
        number: 1-based number of the line.
        start: Offset in bytes of the beginning of the line in the file.
        end: Offset in bytes of the end of the line, before the line end.

    Returns:
        The line with its kind, keyword and plural form.
    """
    match = _LINE.match(content)
    if match is not None:
        keyword = (match["word"] or b"").decode("ascii")
        form = None if match["index"] is None else int(match["index"])
        obsolete = match["obsolete"] is not None
        kind: LineKind = "keyword" if keyword in KEYWORDS else "unknown" if keyword else "string"
        offset = match.start("word") if keyword else match.start("quote")
        return PoLine(content, number, start, end, kind, keyword, form, obsolete, offset)
    marked = _OBSOLETE.match(content)
    rest = content[marked.end() :].strip() if marked else content.strip()
    if not rest:
        kind = "blank"
    elif rest.startswith(b"#,"):
        kind = "flags"
    elif rest.startswith(b"#"):
        kind = "comment"
    else:
        kind = "unknown"
    return PoLine(content, number, start, end, kind, "", None, marked is not None, 0)


def parse_strings(text: str, encoding: str) -> str:
    r"""Parses the strings of one line, such as `"Hello\n"`.

    >>> parse_strings('"Say \\"hi\\"\\n"', "utf-8")
    'Say "hi"\n'

    Args:
        text: What follows the keyword: one or more strings in quotation marks.
        encoding: Encoding of the file, for bytes that are written as numbers, such as `\303\251`.

    Returns:
        The content of the strings, joined.

    Raises:
        ValueError: A string does not end, or there is text outside the quotation marks; the message quotes the text.
        UnicodeDecodeError: Bytes written as numbers do not fit the encoding.
    """
    place, parts = 0, []
    while place < len(text):
        match = _STRING.match(text, place)
        if match is None:
            if text[place] == '"':
                raise ValueError("a string without a closing quotation mark")
            raise ValueError(
                f"the unexpected text {text[place : place + 20]!r} after the closing quotation mark of a string (only "
                "another string in quotation marks may follow)"
            )
        parts.append(match[1])
        place = match.end()
    joined = "".join(parts)
    if "\\" not in joined:
        return joined
    # Of `\\101`, the first backslash belongs to the second: escaped backslashes are cut out first.
    pieces = joined.split("\\\\")
    return "\\".join(_ESCAPE.sub(_meaning, _BYTES.sub(lambda run: _from_numbers(run[0], encoding), p)) for p in pieces)


def escape(text: str) -> str:
    r"""Writes a text as the content of a string, such as `\"hi\"\n`."""
    return text.translate(_ESCAPES)


def format_string(keyword: str, text: str, *, prefix: str = "", newline: str = "\n", width: int = 79) -> str:
    r"""Writes a string with its keyword as gettext's programs do.

    >>> print(format_string("msgstr", "One\nTwo"))
    msgstr ""
    "One\n"
    "Two"

    Args:
        keyword: Such as `"msgid"` or `"msgstr[1]"`.
        text: Content of the string.
        prefix: What every further line begins with, such as `"#~ "`.
        newline: Line end between the lines.
        width: Width at which lines are wrapped at spaces; 0 = only after line breaks of the text.

    Returns:
        One line if the text fits, or else an empty string and one line per piece; without a line end after the last.
    """
    single = f'{keyword} "{escape(text)}"'
    if "\n" not in text[:-1] and (not width or len(prefix) + len(single) <= width):
        return single
    lines = [f'{keyword} ""']
    for piece in re.split(r"(?<=\n)", text):
        lines += [f'{prefix}"{wrapped}"' for wrapped in _wrap(piece, width - len(prefix) - 2 if width else 0)]
    return newline.join(lines)


def _wrap(piece: str, width: int) -> Iterator[str]:
    """Cuts an unescaped piece after spaces, so that its escaped parts have at most `width` characters if possible."""
    line = ""
    for word in _WORDS.findall(piece) if width else [piece]:
        escaped = escape(word)
        if line and len(line) + len(escaped.rstrip(" ")) > width:
            yield line
            line = ""
        line += escaped
    if line:
        yield line


def _meaning(match: re.Match[str]) -> str:
    return _MEANINGS[match[1]]


def _from_numbers(run: str, encoding: str) -> str:
    """Bytes in a row that are written as octal or hexadecimal numbers, decoded."""
    values = [int(octal, 8) & 0xFF if octal else int(digits, 16) for octal, digits in _BYTE.findall(run)]
    return bytes(values).decode(encoding).replace("\\", "\\\\")


def _to_utf8(content: bytes, encoding: str) -> bytes:
    """Converts a line; what is not valid becomes bytes that are not UTF-8 either, so that decoding reports them."""
    try:
        return content.decode(encoding).encode()
    except UnicodeDecodeError:
        return (
            content[: len(content) // 2 * 2].decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
            + b"\xff"
        )
