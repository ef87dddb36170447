"""Encodings of text files: detection of a wrong one, and decoding of whole lines."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from regard.files.decompressors import InputError
from regard.text.encoding_names import check_encoding

_MARKS = {
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),  # the first one begins like that of UTF-16
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
"""Byte order marks, one of which a file in the encoding must begin with."""
_WIDE_BOMS = tuple(
    (mark, f"the byte order mark of {name.upper()}: convert it, e.g. with iconv -f {name} -t utf-8")
    for name, marks in _MARKS.items()
    for mark in marks
)
_CONTROLS = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]+")
_MIN_UTF16_BYTES = 4
"""Fewest bytes on which UTF-16 is detected."""


class BrokenLine(NamedTuple):
    """A line that cannot be read.

    Attributes:
        message: What was expected, what was found, where, and what to do.
    """

    message: str


def is_wide(encoding: str) -> bool:
    """Whether an encoding writes a line feed as more or other bytes than LF, as UTF-16 does.

    Args:
        encoding: Name of the encoding.

    Returns:
        False for UTF-8 and all encodings that contain ASCII.

    Raises:
        ConfigError: There is no such encoding.
    """
    check_encoding(encoding)
    return "\n".encode(encoding) != b"\n"


def detect_wide(head: bytes) -> str | None:
    """Detects UTF-16 and UTF-32 by their byte order mark, and UTF-16 without one by its high bytes.

    Args:
        head: The first bytes of a file.

    Returns:
        Description of the encoding, with a remedy, for messages; None if neither is detected.
    """
    return next((name for mark, name in _WIDE_BOMS if head.startswith(mark)), None) or _detect_utf16(head)


def wide_to_utf8(blocks: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """Converts a file in an encoding such as UTF-16 to UTF-8.

    Args:
        blocks: Parts of the file.
        encoding: Name of the encoding.
        name: Name of the file, for messages.

    Yields:
        Parts of the text, in UTF-8. Text before an invalid byte is yielded before the error is raised.

    Raises:
        InputError: The file is not in this encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    block = _first_block(blocks, encoding, name)
    is_final = False
    while not is_final:
        is_final = not block
        try:
            text = decoder.decode(block, final=is_final)
        except UnicodeDecodeError as error:
            yield error.object[: error.start].decode(error.encoding, "ignore").encode("utf-8", "surrogatepass")
            reason = (
                f" (byte 0x{error.object[error.start]:02x}: {error.reason}): name the right encoding with --encoding"
            )
            raise InputError(
                f"{name}: expected text in the given encoding {encoding}, found invalid bytes", reason
            ) from None
        if text:
            yield text.encode("utf-8", "surrogatepass")
        block = next(blocks, b"")


def _first_block(blocks: Iterator[bytes], encoding: str, name: str) -> bytes:
    """The first bytes of a file, after a check that they are a byte order mark if the encoding needs it."""
    marks = _MARKS.get(codecs.lookup(encoding).name, ())
    size = max(map(len, marks), default=0)
    head = next(blocks, b"")
    while len(head) < size and (block := next(blocks, b"")):
        head += block
    if len(head) >= size > 0 and not head.startswith(marks):
        advice = f": name the byte order, too, as --encoding {encoding}-le or {encoding}-be, or another encoding"
        raise InputError(f"{name}: expected {encoding} with a byte order mark at the start, found no mark", advice)
    return head


@dataclass(frozen=True)
class LineDecoder:
    """Decodes the lines of a file, and marks the lines that are not text.

    Attributes:
        name: Name of the file, for messages.
        encoding: Name of an encoding that is not wide (see `is_wide`).
        can_choose: Whether messages may advise the user to name the encoding with --encoding.
    """

    name: str
    encoding: str = "utf-8"
    can_choose: bool = False

    def lines(self, block: bytes, num_before: int) -> list[str | BrokenLine]:
        """Decodes complete lines.

        Args:
            block: Complete lines with line ends; the last line may lack its end.
            num_before: Number of lines before `block` in the file, for line numbers in messages.

        Returns:
            The lines without their ends, and a `BrokenLine` for each line that is not text.
        """
        try:
            text = block.decode(self.encoding)
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:  # of one of the lines
            return [self._line(raw, number) for number, raw in enumerate(io.BytesIO(block), start=num_before + 1)]
        lines: list[str | BrokenLine] = [*text.removesuffix("\n").split("\n")]
        return lines if "\r" not in text else [str(line).removesuffix("\r") for line in lines]

    def _line(self, raw: bytes, number: int) -> str | BrokenLine:
        try:
            line = raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            expected = "UTF-8" if self.encoding == "utf-8" else self.encoding
            return BrokenLine(
                f"{self.name}:{number}: expected {expected}, found byte 0x{raw[error.start]:02x} at position "
                f"{error.start + 1} of the line: {self._advice()}"
            )
        if "\0" in line:
            return BrokenLine(
                f"{self.name}:{number}: expected text, found a NUL byte at position {raw.index(0) + 1} of the line: "
                "check that it is not a binary file; if it is UTF-16, convert it with iconv -f utf-16 -t utf-8"
            )
        return line.removesuffix("\n").removesuffix("\r")

    def _advice(self) -> str:
        if self.encoding != "utf-8":
            return "name the right encoding with --encoding"
        advice = "convert the file, e.g. with iconv -f latin1 -t utf-8 if it is Latin-1"
        return f"{advice}, or name its encoding, such as --encoding cp1252" if self.can_choose else advice


def _detect_utf16(head: bytes) -> str | None:
    """Detects UTF-16 without a byte order mark by its high bytes: every other byte is NUL or another control."""
    if len(head) < _MIN_UTF16_BYTES:
        return None
    even, odd = (_CONTROLS.sub(b"", head[first::2]) for first in (0, 1))
    shares = len(even) / -(-len(head) // 2), len(odd) / (len(head) // 2)
    if min(shares) > 0.1 or max(shares) < 0.5:
        return None
    name = "utf-16le" if shares[1] < shares[0] else "utf-16be"
    return f"UTF-16 without a byte order mark: convert it, e.g. with iconv -f {name} -t utf-8"
