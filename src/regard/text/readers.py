"""Readers of parallel text. Every complaint names the file and, where there is one, the line."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice, zip_longest
from os import PathLike
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from regard.errors import DataError, RegardError
from regard.text.file_type import HEAD_SIZE, detect_file_type
from regard.text.normalize import normalize
from regard.values import Pair

T = TypeVar("T")
PathName = str | PathLike[str]
GZIP = b"\x1f\x8b"
"""How a gzipped file begins."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOST = 0.9
"""Share of lines that shows what a column holds: one of them may be a heading."""
_ENOUGH = 10
"""Lines with one text in a column, such as the name of a language, that are no chance."""
_WIDE_MARKS = tuple(
    (mark, f"the byte order mark of {name}: convert it, e.g. with iconv -f {name.lower()} -t utf-8")
    for mark, name in (
        (b"\xff\xfe\0\0", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    )
)
_CONTROLS = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]+")
_FEWEST_WIDE = 4
"""Bytes from which the start of a text may count as UTF-16."""
_FEWEST_RETURNS = 2
"""CRs within the only line from which these count as ends of lines: one may be there by mistake."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """What was read.

    Attributes:
        pairs: Pairs with text on both sides, in file order.
        num_empty: Pairs left out because a side was empty.
        num_wide_rows: Lines of a TSV with more columns than the two that are read.
    """

    pairs: list[Pair]
    num_empty: int
    num_wide_rows: int = 0


def read_lines(path: PathName) -> Iterator[str]:
    """Reads a UTF-8 text file line by line; a gzipped file is unpacked on the way, whatever its name.

    Args:
        path: Plain text or .gz. Line ends may be LF or CRLF; a byte order mark is skipped.

    Yields:
        Lines without their ends, not normalized.

    Raises:
        DataError: When the file is missing or cannot be read, is not UTF-8, holds NUL bytes (as UTF-16 does) or is a
            broken .gz; the message names the file and the line.
    """
    path = Path(path)
    with open_bytes(path) as file:
        for number, raw in enumerate(raw_lines(file, path), start=1):
            yield _decode(raw, path, number)


def open_bytes(path: PathName) -> BufferedReader:
    """Opens a file to read it.

    Args:
        path: Its name.

    Returns:
        The open file.

    Raises:
        DataError: When it is missing, a directory, or cannot be opened; the message says which.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: expected a text file, found a directory: name a file in it")
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: check the name (the present directory is {Path.cwd()})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from None


def raw_lines(file: BinaryIO | Iterable[bytes], path: PathName) -> Iterator[bytes]:
    """Reads an open file line by line; a gzipped one is unpacked on the way.

    Args:
        file: From `open_bytes`, or standard input; or lines with their ends, which are not unpacked.
        path: Its name.

    Yields:
        Lines with their ends, whatever their bytes mean, but without UTF-8's byte order mark before the first.

    Raises:
        DataError: When reading fails, or a .gz is broken; the message names the line. Or this is another archive, a
            pointer of Git LFS, UTF-16 or UTF-32, or its lines end in CR alone.
    """
    number = 0
    try:
        text = _unpacked(file, Path(path))
        head = _head(text)
        for number, raw in enumerate(text, start=1):
            if number == 1:
                _check_first(raw, head or raw[:HEAD_SIZE], text, path)
            yield raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: broken .gz after line {number} ({error}): unpack or fetch it again") from None
    except OSError as error:
        raise DataError(f"{path}: reading failed after line {number}: {error.strerror or error}") from None


def in_batches(lines: Iterable[T], size: int, *, more: Callable[[], bool] | None = None) -> Iterator[list[T]]:
    """Takes a stream in pieces; nothing else of it is held.

    >>> list(in_batches(iter("abcde"), 2))
    [['a', 'b'], ['c', 'd'], ['e']]

    Args:
        lines: As they come.
        size: Lines of a piece.
        more: Asked after each line whether the next one is there already; where it is not, the piece ends. None = all
            pieces are as large as they can be.

    Yields:
        Pieces, of which the last may be shorter.

    Raises:
        RegardError: What reading them raised, after the lines that came before.
    """
    source = iter(lines)
    failure: RegardError | None = None
    while failure is None:
        held: list[T] = []
        try:
            for line in islice(source, size):
                held.append(line)
                if more is not None and not more():
                    break
        except RegardError as error:
            failure = error
        if held:
            yield held
        elif failure is None:
            return
    raise failure


def read_pairs(src: PathName, tgt: PathName | None = None) -> PairFile:
    """Reads sentence pairs, normalized.

    Args:
        src: Source sentences, or a TSV with source and target in its first two columns.
        tgt: Target sentences, line-aligned with `src`; None for a TSV.

    Returns:
        The pairs that have text on both sides, and how many had not.

    Raises:
        DataError: When a file cannot be read, the line counts differ, a TSV line has no tab, its first two columns
            are not the text, or nothing is left.
    """
    columns = _Columns(Path(src))
    rows = columns.read() if tgt is None else _read_two(Path(src), Path(tgt))
    pairs: list[Pair] = []
    number = 0
    for number, (left, right) in enumerate(rows, start=1):
        pair = Pair(normalize(left), normalize(right), number)
        if pair.src and pair.tgt:
            pairs.append(pair)
    if not pairs:
        names = f"{src}" if tgt is None else f"{src} and {tgt}"
        raise DataError(f"{names}: no sentence pair with text on both sides in {number} lines: is it the right file?")
    return PairFile(pairs, number - len(pairs), columns.num_wide_rows)


def _unpacked(file: BinaryIO | Iterable[bytes], path: Path) -> Iterable[bytes]:
    if not isinstance(file, io.IOBase):
        return file
    head = _head(file)
    if told := detect_file_type(head):  # whatever its name
        raise DataError(f"{path}: expected text, found {told}")
    if path.suffix != ".gz" and not head.startswith(GZIP):
        return file
    unpacked = gzip.GzipFile(fileobj=cast("BinaryIO", file))
    if told := detect_file_type(_head(unpacked)):
        raise DataError(f"{path}: expected gzipped text, found in it {told}")
    return unpacked


def _head(text: Iterable[bytes]) -> bytes:
    """What comes first, as far as it is there; it is not taken."""
    return text.peek(HEAD_SIZE)[:HEAD_SIZE] if isinstance(text, (BufferedReader, gzip.GzipFile)) else b""


def _check_first(raw: bytes, head: bytes, text: Iterable[bytes], path: PathName) -> None:
    """Refuses what has no lines that could be told apart, by the first of them."""
    if archive := detect_file_type(head):
        raise DataError(f"{path}: expected text, found {archive}")
    told = next((told for mark, told in _WIDE_MARKS if head.startswith(mark)), None) or _wide(head)
    if told is not None:
        raise DataError(f"{path}: expected UTF-8, found {told}")
    returns = raw.rstrip(b"\r\n").count(b"\r")
    if (returns and not raw.endswith(b"\n")) or (returns >= _FEWEST_RETURNS and _is_last(text)):
        raise DataError(
            f"{path}: expected lines that end in LF or CRLF, found {returns + 1} that end in CR alone, as on old Macs: "
            "convert it, e.g. with tr '\\r' '\\n'"
        )


def _wide(head: bytes) -> str | None:
    """What a text is that has a NUL, or another control, in every other place: the upper halves of UTF-16."""
    if len(head) < _FEWEST_WIDE:
        return None
    even, odd = (_CONTROLS.sub(b"", head[first::2]) for first in (0, 1))
    shares = len(even) / -(-len(head) // 2), len(odd) / (len(head) // 2)
    if min(shares) > 0.1 or max(shares) < 0.5:
        return None
    name = "utf-16le" if shares[1] < shares[0] else "utf-16be"
    return f"UTF-16 without a byte order mark: convert it, e.g. with iconv -f {name} -t utf-8"


def _is_last(text: Iterable[bytes]) -> bool:
    """Whether nothing follows, where that is known without waiting for somebody who writes."""
    if not isinstance(text, (BufferedReader, gzip.GzipFile)):
        return False
    try:
        waits = not stat.S_ISREG(os.fstat(text.fileno()).st_mode)
    except OSError:  # no file of the system's
        return False
    return not waits and not text.peek(1)


def _decode(raw: bytes, path: Path, number: int) -> str:
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{number}: expected UTF-8, found byte 0x{raw[error.start]:02x} at position {error.start + 1} of "
            "the line: convert the file, e.g. with iconv -t utf-8"
        ) from None
    if "\0" in line:
        raise DataError(
            f"{path}:{number}: expected text, found a NUL byte at position {raw.index(0) + 1} of the line: is it "
            "UTF-16 (then convert it with iconv -t utf-8), or no text at all?"
        )
    return line.removesuffix("\n").removesuffix("\r")


def _read_two(src: Path, tgt: Path) -> Iterator[tuple[str, str]]:
    left_lines, right_lines = read_lines(src), read_lines(tgt)
    for count, (left, right) in enumerate(zip_longest(left_lines, right_lines)):
        if left is None or right is None:
            total = count + 1 + sum(1 for _ in (right_lines if left is None else left_lines))
            num_src, num_tgt = (count, total) if left is None else (total, count)
            raise DataError(
                f"{src} has {num_src} lines but {tgt} has {num_tgt}: line n of the one must translate line n of the "
                "other, so the counts must be equal"
            )
        yield left, right


class _Columns:
    """The first two columns of a TSV, which must be the text where there are more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.num_wide_rows = 0
        self.mute = [0, 0]  # lines in which a column has no letter, though another has
        self.said: tuple[set[str], set[str]] = (set(), set())

    def read(self) -> Iterator[tuple[str, str]]:
        for number, line in enumerate(read_lines(self.path), start=1):
            if not line.strip():
                yield "", ""
                continue
            columns = line.split("\t")
            if len(columns) < 2:
                raise DataError(
                    f"{self.path}:{number}: expected source TAB target, found no tab: write one pair a line, or give "
                    "two files"
                )
            if len(columns) > 2:
                self._look(columns)
            yield columns[0], columns[1]
        self._judge()

    def _look(self, columns: list[str]) -> None:
        self.num_wide_rows += 1
        silent = [not any(map(str.isalpha, column)) for column in columns]
        for place, said in enumerate(self.said):
            self.mute[place] += silent[place] and not all(silent)
            if len(said) < 2:
                said.add(columns[place].strip())

    def _judge(self) -> None:
        for place, name in enumerate(("first", "second")):
            what = ""
            if self.num_wide_rows and self.mute[place] >= _MOST * self.num_wide_rows:
                what = f"numbers and signs without letters in {self.mute[place]} of {self.num_wide_rows} lines"
            elif self.num_wide_rows >= _ENOUGH and len(self.said[place]) == 1:
                what = f"{next(iter(self.said[place]))!r} in all {self.num_wide_rows} lines"
            if what:
                raise DataError(
                    f"{self.path}: expected source TAB target in the first two columns, but the {name} column holds "
                    f"{what}: keep the two columns of text (cut -f 2,3 takes the second and the third)"
                )
