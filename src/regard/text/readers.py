"""Readers of text lines. Every error names the file and, where possible, the line."""

from __future__ import annotations

import io
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import NamedTuple, TypeVar

from regard.errors import DataError, RegardError
from regard.files.compression import InputFile, open_input
from regard.files.decompressors import BLOCK_SIZE, Compression, InputError
from regard.text.encodings import BrokenLine, LineDecoder, detect_wide, is_wide, wide_to_utf8
from regard.text.file_type import HEAD_SIZE, detect_file_type

T = TypeVar("T")
PathName = str | PathLike[str]
MAX_LINE = 1 << 26
"""Largest size of a line in bytes; corpora have a lower limit, `regard.data.corpora.unit.MAX_TEXT`."""
_MIN_RETURNS = 2
"""Fewest CRs within the only line of a file that count as line ends; a single one may be a mistake."""


def read_lines(path: PathName) -> Iterator[str]:
    """Reads a UTF-8 text file line by line; a compressed file is decompressed, regardless of its name.

    Args:
        path: Path of the file. Line ends may be LF or CRLF; a byte order mark is skipped.

    Yields:
        Lines without line ends, not normalized.

    Raises:
        DataError: The file is missing, cannot be read, is not UTF-8, contains null bytes (as UTF-16 does), is a broken
            compressed file, or has a line longer than `MAX_LINE`; the message names the file and, where possible, the
            line.
    """
    with open_input(Path(path)) as file:
        for line in text_lines(file):
            if isinstance(line, BrokenLine):
                raise DataError(line.message)
            yield line


def text_lines(
    file: InputFile, *, encoding: str | None = None, can_choose: bool = False, max_bytes: int = MAX_LINE
) -> Iterator[str | BrokenLine]:
    """Reads an open text file line by line; lines that cannot be decoded are marked, and reading continues.

    Args:
        file: The open file. Line ends may be LF or CRLF; a byte order mark is skipped.
        encoding: Name of the encoding; None = UTF-8.
        can_choose: Whether messages may advise the user to name the encoding with --encoding.
        max_bytes: Largest allowed size of a line, much larger than `BLOCK_SIZE`; a longer line is skipped in constant
            memory.

    Yields:
        Lines without line ends, not normalized, and a `BrokenLine` in place of each line that cannot be read.

    Raises:
        ConfigError: There is no such encoding.
        DataError: Reading fails; the file is of another type or encoding than expected, is a broken compressed file, or
            its lines end in CR alone.
    """
    encoding = "utf-8" if encoding is None else encoding
    blocks = _blocks(file)
    head = file.peek()[:HEAD_SIZE]
    _check_type(head, file.name, file.compression)
    if encoding == "utf-8":
        _check_utf8(head, file.name, can_choose=can_choose)
    if is_wide(encoding):
        blocks, encoding = wide_to_utf8(blocks, encoding, file.name), "utf-8"
    decoder = LineDecoder(file.name, encoding, can_choose)
    number = 0
    try:
        for block in _check_line_ends(_cut_after_lines(blocks, max_bytes), file, file.name):
            if isinstance(block, _LongLine):
                lines: list[str | BrokenLine] = [block.broken(file.name, number + 1, max_bytes)]
            else:
                lines = decoder.lines(block, number)
            number += len(lines)
            yield from lines
    except InputError as error:
        raise error.at(f"line {number}") from None


def raw_lines(file: InputFile | Iterable[bytes], name: str, *, max_bytes: int = MAX_LINE) -> Iterator[bytes]:
    """Reads an open file line by line as bytes.

    Args:
        file: A file opened by `open_input`; or an iterable of lines with line ends, which are taken as they are.
        name: Name of the file, for error messages.
        max_bytes: Largest allowed size of a line of a file, much larger than `BLOCK_SIZE`.

    Yields:
        Lines as bytes, with line ends; the UTF-8 byte order mark before the first line is removed.

    Raises:
        DataError: Reading fails; the file is a broken compressed file, an archive, a Git LFS pointer, UTF-16 or UTF-32;
            its lines end in CR alone; or a line is too long.
    """
    number = 0
    try:
        blocks: Iterable[bytes | _LongLine]
        if isinstance(file, InputFile):
            _check_type(file.peek()[:HEAD_SIZE], name, file.compression)
            _check_utf8(file.peek()[:HEAD_SIZE], name)
            blocks = _cut_after_lines(_blocks(file), max_bytes)
        else:
            blocks = _check_first(file, name)
        for block in _check_line_ends(blocks, file, name):
            if isinstance(block, _LongLine):
                raise DataError(block.broken(name, number + 1, max_bytes).message)
            for raw in io.BytesIO(block):
                number += 1
                yield raw
    except InputError as error:
        raise error.at(f"line {number}") from None
    except OSError as error:  # of an iterable
        raise DataError(
            f"{name}: reading failed after line {number}: {error.strerror or error}: try again, or copy the file"
        ) from None


def in_batches(lines: Iterable[T], size: int, *, more: Callable[[], bool] | None = None) -> Iterator[list[T]]:
    """Groups the items of a stream, such as lines, into batches, with only the current batch in memory.

    >>> list(in_batches(iter("abcde"), 2))
    [['a', 'b'], ['c', 'd'], ['e']]

    Args:
        lines: The stream of items.
        size: Largest number of items in a batch.
        more: Function that is called after each item and returns whether the next item is already available; if it
            returns False, the batch ends early. None = fill every batch.

    Yields:
        Batches in order; the last batch may be smaller.

    Raises:
        RegardError: The stream raised this error; the items before the error are yielded first.
    """
    source = iter(lines)
    failure: RegardError | None = None
    while failure is None:
        batch: list[T] = []
        try:
            for line in islice(source, size):
                batch.append(line)
                if more is not None and not more():
                    break
        except RegardError as error:
            failure = error
        if batch:
            yield batch
        elif failure is None:
            return
    raise failure


class _LongLine(NamedTuple):
    """A line that exceeds the limit; its beginning may show why."""

    start: bytes

    def broken(self, name: str, number: int, max_bytes: int) -> BrokenLine:
        advice = "check that it is a text file with one sentence per line"
        if self.start.count(b"\r") >= _MIN_RETURNS:
            advice = "if its lines end in CR alone (old Mac format), convert it, e.g. with tr '\\r' '\\n'"
        return BrokenLine(
            f"{name}:{number}: expected a line of at most {max_bytes:,} bytes, found a longer one: {advice}"
        )


def _blocks(file: InputFile) -> Iterator[bytes]:
    return iter(lambda: file.read1(BLOCK_SIZE), b"")


def _cut_after_lines(blocks: Iterator[bytes], max_bytes: int) -> Iterator[bytes | _LongLine]:
    """Joins and cuts blocks so that each consists of complete lines; the last line may lack its end."""
    parts: list[bytes] = []  # of the line that is not complete
    size = 0
    for block in blocks:
        first = block.find(b"\n") + 1
        if size + (first - 1 if first else len(block)) > max_bytes:
            yield _LongLine(parts[0] if parts else block)
            parts, size = [], 0
            block = _after_line_end(block, blocks)
            first = block.find(b"\n") + 1
        end = block.rfind(b"\n") + 1 if first else 0
        if end:
            yield b"".join((*parts, block[:end])) if parts else block[:end]
            parts, size = [], 0
        if end < len(block):
            parts.append(block[end:])
            size += len(block) - end
    if parts:
        yield b"".join(parts)


def _after_line_end(block: bytes, blocks: Iterator[bytes]) -> bytes:
    """The rest of the block that contains the end of a line; earlier blocks are skipped."""
    while block and b"\n" not in block:
        block = next(blocks, b"")
    return block[block.find(b"\n") + 1 :]


def _check_type(head: bytes, name: str, compression: Compression | None = None) -> None:
    """Refuses a file whose first bytes are not those of text."""
    if type_and_remedy := detect_file_type(head):
        where = "" if compression is None else f"in the .{compression.suffix} file "
        raise DataError(f"{name}: expected text, found {where}{type_and_remedy}")


def _check_utf8(head: bytes, name: str, *, can_choose: bool = False) -> None:
    """Refuses a file whose first bytes are those of UTF-16 or UTF-32."""
    if encoding_and_remedy := detect_wide(head):
        advice = ", or name the encoding, such as --encoding utf-16" if can_choose else ""
        raise DataError(f"{name}: expected UTF-8, found {encoding_and_remedy}{advice}")


def _check_first(lines: Iterable[bytes], name: str) -> Iterator[bytes]:
    is_first = True
    for line in lines:
        if is_first:
            _check_type(line[:HEAD_SIZE], name)
            _check_utf8(line[:HEAD_SIZE], name)
        is_first = False
        yield line


def _check_line_ends(blocks: Iterable[bytes | _LongLine], file: object, name: str) -> Iterator[bytes | _LongLine]:
    """The blocks without a byte order mark; refuses lines that end in CR alone, judging by the first line."""
    is_first = True
    for block in blocks:
        if is_first and isinstance(block, bytes):
            line = block[: block.find(b"\n") + 1 or None]
            if _is_of_old_mac(line, file, is_whole=len(line) == len(block)):
                raise DataError(
                    f"{name}: expected lines that end in LF or CRLF, found {_count_returns(line) + 1} lines that end "
                    "in CR alone (old Mac format): convert the file, e.g. with tr '\\r' '\\n'"
                )
            block = block.removeprefix(BOM_UTF8)
        is_first = False
        yield block


def _is_of_old_mac(line: bytes, file: object, *, is_whole: bool) -> bool:
    returns = _count_returns(line)
    return bool(returns) and (not line.endswith(b"\n") or (returns >= _MIN_RETURNS and is_whole and _is_last(file)))


def _count_returns(line: bytes) -> int:
    return line.rstrip(b"\r\n").count(b"\r")


def _is_last(file: object) -> bool:
    """Whether the input ends here; False if that cannot be known without waiting for a writer."""
    if not isinstance(file, InputFile):
        return False
    try:
        is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:  # not a file of the operating system
        return False
    return is_regular and not file.peek()
