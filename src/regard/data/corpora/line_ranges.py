"""Ranges of corresponding lines in two text files, which several processes can read at the same time."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from regard.data.corpora.moses import MosesReader, unescape
from regard.data.corpora.plain import PlainReader
from regard.data.corpora.unit import MAX_TEXT, UnitReader
from regard.errors import DataError
from regard.files.compression import open_input
from regard.text.encodings import LineDecoder, detect_wide
from regard.text.file_type import HEAD_SIZE, detect_file_type

_BLOCK_SIZE = 1 << 20
_LF = 10
_MARKS = (b"\xef\xbb\xbf", b"\r")
"""What the first line of a file must not contain: a byte order mark, and line ends of old Mac files."""


@dataclass(frozen=True, slots=True)
class LineRange:
    """Consecutive lines of a source file, and the lines with the same numbers of a target file.

    Attributes:
        num_before: Number of lines before them.
        num_lines: Number of lines.
        starts: Offset in bytes of the first of them in the source and in the target file.
        ends: Offset in bytes after the last of them.
    """

    num_before: int
    num_lines: int
    starts: tuple[int, int]
    ends: tuple[int, int]


class UnreadableRangeError(Exception):
    """A range of lines has a fault, such as a line that is not UTF-8.

    The error does not say where: a `UnitReader` of the whole files reports the line, or leaves it out.
    """


class PairedLines:
    """Two text files with one sentence per line, read in ranges of lines.

    Only clean text can be read: uncompressed UTF-8, with the same number of lines in both files. Anything else raises
    `UnreadableRangeError`; to find out what is wrong, or to leave it out, read the whole files with a `UnitReader`.

    Attributes:
        paths: Source and target file.
        is_moses: Whether the escapes of Moses are undone.
    """

    def __init__(self, paths: tuple[Path, Path], *, is_moses: bool) -> None:
        """Stores the paths of the files, which are opened only when they are read.

        Args:
            paths: Source and target file.
            is_moses: Whether to undo the escapes of Moses.
        """
        self.paths = paths
        self.is_moses = is_moses

    @classmethod
    def of(cls, reader: UnitReader) -> PairedLines | None:
        """Makes a `PairedLines` of the two files of a reader, if they can be read in ranges.

        Args:
            reader: Any reader of a corpus, which has not read anything yet.

        Returns:
            The paired files; None if they have another format or encoding, are compressed, or are no regular files.

        Raises:
            DataError: A file cannot be read.
        """
        if not isinstance(reader, PlainReader):
            return None
        paths = reader.utf8_paths()
        if paths is None or not all(map(_is_plain_text, paths)):
            return None
        return cls(paths, is_moses=isinstance(reader, MosesReader))

    def size(self) -> int:
        """Size of both files together, in bytes."""
        return sum(path.stat().st_size for path in self.paths)

    def ranges(self, num_lines: int) -> Iterator[LineRange]:
        """Cuts the files into ranges.

        Args:
            num_lines: Number of lines of each range; the last may have fewer.

        Yields:
            The ranges in the order of the files.

        Raises:
            UnreadableRangeError: The files have different numbers of lines.
        """
        starts, num_before = (0, 0), 0
        for src, tgt in zip_longest(*(_cuts(path, num_lines) for path in self.paths)):
            if src is None or tgt is None or src[1] != tgt[1]:
                raise UnreadableRangeError
            ends, number = (src[0], tgt[0]), src[1]
            yield LineRange(num_before, number - num_before, starts, ends)
            starts, num_before = ends, number

    def read(self, lines: LineRange) -> Iterator[tuple[str, str, int]]:
        """Reads a range.

        Args:
            lines: The range.

        Yields:
            Source line and target line without their ends, not normalized, and the number of the line, from 1.

        Raises:
            UnreadableRangeError: A line is not text or too long.
            DataError: A file cannot be read.
        """
        sides = [
            _lines(path, start, end, lines.num_before)
            for path, start, end in zip(self.paths, lines.starts, lines.ends, strict=True)
        ]
        number = lines.num_before
        for number, (src, tgt) in enumerate(zip_longest(*sides), start=lines.num_before + 1):
            if src is None or tgt is None:
                raise UnreadableRangeError
            yield (unescape(src), unescape(tgt), number) if self.is_moses else (src, tgt, number)
        if number != lines.num_before + lines.num_lines:
            raise UnreadableRangeError


def _is_plain_text(path: Path) -> bool:
    """Whether a file is a regular, uncompressed one that looks like UTF-8."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
    except OSError:
        return False
    with open_input(path) as file:
        head = file.head(HEAD_SIZE)
        is_text = file.compression is None and not detect_file_type(head) and not detect_wide(head)
    first = head.split(b"\n", 1)[0].removesuffix(b"\r")
    return is_text and not any(mark in first for mark in _MARKS)


def _cuts(path: Path, num_lines: int) -> Iterator[tuple[int, int]]:
    """Offset after every `num_lines` lines of a file, and number of lines before it; the last is the end."""
    offset = count = cut = 0
    last = b"\n"
    for block in _blocks(path):
        num_ends = block.count(b"\n")
        if count % num_lines + num_ends >= num_lines:
            ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _LF) + 1
            for index in range(num_lines - count % num_lines - 1, num_ends, num_lines):
                cut = offset + int(ends[index])
                yield cut, count + index + 1
        count += num_ends
        offset += len(block)
        last = block[-1:]
    if offset > cut:
        yield offset, count + (last != b"\n")


def _lines(path: Path, start: int, end: int, num_before: int) -> Iterator[str]:
    """The lines of a part of a file."""
    decoder = LineDecoder(str(path))
    rest = b""
    for block in _blocks(path, start, end):
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest += block
            if len(rest) > MAX_TEXT:
                raise UnreadableRangeError
            continue
        yield from _decoded(decoder, rest + block[:cut], num_before)
        rest = block[cut:]
    if rest:
        yield from _decoded(decoder, rest, num_before)


def _decoded(decoder: LineDecoder, data: bytes, num_before: int) -> Iterator[str]:
    for line in decoder.lines(data, num_before):
        # A character has at most four bytes; a line near the limit is left to the reader of whole files.
        if line.__class__ is not str or len(line) > MAX_TEXT // 4:
            raise UnreadableRangeError
        yield line


def _blocks(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            left = path.stat().st_size - start if end is None else end - start
            while left > 0:
                block = file.read(min(_BLOCK_SIZE, left))
                if not block:
                    return
                left -= len(block)
                yield block
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}: check the path and the disk") from None
