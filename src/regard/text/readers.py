"""Readers of parallel text. Every error names the file and, where possible, the line."""

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
"""Magic number of gzip files."""
_UTF8_BOM = b"\xef\xbb\xbf"
_MIN_SHARE = 0.9
"""Share of lines without letters from which a column is not text; one line may be a header."""
_MIN_IDENTICAL = 10
"""Number of lines with the same text in a column, such as a language name, from which this is no coincidence."""
_WIDE_BOMS = tuple(
    (mark, f"the byte order mark of {name}: convert it, e.g. with iconv -f {name.lower()} -t utf-8")
    for mark, name in (
        (b"\xff\xfe\0\0", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    )
)
_CONTROLS = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]+")
_MIN_UTF16_BYTES = 4
"""Fewest bytes on which UTF-16 is detected."""
_MIN_RETURNS = 2
"""Fewest CRs within the only line of a file that count as line ends; a single one may be a mistake."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """Sentence pairs that were read from two text files or one TSV file.

    Attributes:
        pairs: Sentence pairs with text on both sides, in file order.
        num_empty: Number of sentence pairs left out because the source or the target is empty.
        num_wide_rows: Number of TSV lines with more than two columns, of which the first two are read.
    """

    pairs: list[Pair]
    num_empty: int
    num_wide_rows: int = 0


def read_lines(path: PathName) -> Iterator[str]:
    """Reads a UTF-8 text file line by line; a gzipped file is decompressed, even without the suffix .gz.

    Args:
        path: Path of the file. Line ends may be LF or CRLF; a byte order mark is skipped.

    Yields:
        Lines without line ends, not normalized.

    Raises:
        DataError: The file is missing, cannot be read, is not UTF-8, contains null bytes (as UTF-16 does) or is a
            broken .gz; the message names the file and, where possible, the line.
    """
    path = Path(path)
    with open_bytes(path) as file:
        for number, raw in enumerate(raw_lines(file, path), start=1):
            yield _decode(raw, path, number)


def open_bytes(path: PathName) -> BufferedReader:
    """Opens a file for reading in binary mode, with error messages for the user.

    Args:
        path: Path of the file.

    Returns:
        The open file.

    Raises:
        DataError: The file is missing, is a directory, or cannot be opened.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: expected a text file, found a directory: give the path of a file")
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: check the name (the current directory is {Path.cwd()})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}: check path and permissions") from None


def raw_lines(file: BinaryIO | Iterable[bytes], path: PathName) -> Iterator[bytes]:
    """Reads an open file line by line as bytes; a gzipped file is decompressed.

    Args:
        file: A file opened by `open_bytes`, or standard input; or an iterable of lines with line ends, which is not
            decompressed.
        path: Name of the file, for error messages.

    Yields:
        Lines as bytes, with line ends; the UTF-8 byte order mark before the first line is removed.

    Raises:
        DataError: Reading fails; the file is a broken .gz, another archive, a Git LFS pointer, UTF-16 or UTF-32; or its
            lines end in CR alone.
    """
    number = 0
    try:
        text = _unpacked(file, Path(path))
        head = _head(text)
        for number, raw in enumerate(text, start=1):
            if number == 1:
                _check_first(raw, head or raw[:HEAD_SIZE], text, path)
            yield raw.removeprefix(_UTF8_BOM) if number == 1 else raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: broken .gz after line {number} ({error}): copy or fetch it again") from None
    except OSError as error:
        raise DataError(
            f"{path}: reading failed after line {number}: {error.strerror or error}: try again, or copy the file"
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


def read_pairs(src: PathName, tgt: PathName | None = None) -> PairFile:
    """Reads sentence pairs from two text files or one TSV file, and normalizes them.

    Args:
        src: File of source sentences, or a TSV file with source and target in its first two columns.
        tgt: File of target sentences; line n is the translation of line n of `src`. None = `src` is a TSV file.

    Returns:
        The sentence pairs with text on both sides, and the number of pairs left out.

    Raises:
        DataError: A file cannot be read, the two files have different numbers of lines, a TSV line has no tab, the
            first two columns are not text, or no sentence pair is left.
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
        raise DataError(
            f"{names}: expected sentence pairs with text on both sides, found none in {number} lines: check that it is "
            "the right file"
        )
    return PairFile(pairs, number - len(pairs), columns.num_wide_rows)


def _unpacked(file: BinaryIO | Iterable[bytes], path: Path) -> Iterable[bytes]:
    if not isinstance(file, io.IOBase):
        return file
    head = _head(file)
    if type_and_remedy := detect_file_type(head):  # before the name is considered
        raise DataError(f"{path}: expected text, found {type_and_remedy}")
    if path.suffix != ".gz" and not head.startswith(GZIP):
        return file
    unpacked = gzip.GzipFile(fileobj=cast("BinaryIO", file))
    if type_and_remedy := detect_file_type(_head(unpacked)):
        raise DataError(f"{path}: expected gzipped text, found in the .gz file {type_and_remedy}")
    return unpacked


def _head(text: Iterable[bytes]) -> bytes:
    """The first bytes that are available, without consuming them."""
    return text.peek(HEAD_SIZE)[:HEAD_SIZE] if isinstance(text, (BufferedReader, gzip.GzipFile)) else b""


def _check_first(raw: bytes, head: bytes, text: Iterable[bytes], path: PathName) -> None:
    """Refuses a file of a wrong type, encoding or line ending, judging by its first line."""
    if type_and_remedy := detect_file_type(head):
        raise DataError(f"{path}: expected text, found {type_and_remedy}")
    encoding_and_remedy = next((name for mark, name in _WIDE_BOMS if head.startswith(mark)), None)
    encoding_and_remedy = encoding_and_remedy or _detect_utf16(head)
    if encoding_and_remedy is not None:
        raise DataError(f"{path}: expected UTF-8, found {encoding_and_remedy}")
    returns = raw.rstrip(b"\r\n").count(b"\r")
    if (returns and not raw.endswith(b"\n")) or (returns >= _MIN_RETURNS and _is_last(text)):
        raise DataError(
            f"{path}: expected lines that end in LF or CRLF, found {returns + 1} lines that end in CR alone (old Mac "
            "format): convert the file, e.g. with tr '\\r' '\\n'"
        )


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


def _is_last(text: Iterable[bytes]) -> bool:
    """Whether the input ends here; False if that cannot be known without waiting for a writer."""
    if not isinstance(text, (BufferedReader, gzip.GzipFile)):
        return False
    try:
        waits = not stat.S_ISREG(os.fstat(text.fileno()).st_mode)
    except OSError:  # not a file of the operating system
        return False
    return not waits and not text.peek(1)


def _decode(raw: bytes, path: Path, number: int) -> str:
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{number}: expected UTF-8, found byte 0x{raw[error.start]:02x} at position {error.start + 1} of "
            "the line: convert the file, e.g. with iconv -f latin1 -t utf-8 if it is Latin-1"
        ) from None
    if "\0" in line:
        raise DataError(
            f"{path}:{number}: expected text, found a NUL byte at position {raw.index(0) + 1} of the line: check that "
            "it is not a binary file; if it is UTF-16, convert it with iconv -f utf-16 -t utf-8"
        )
    return line.removesuffix("\n").removesuffix("\r")


def _read_two(src: Path, tgt: Path) -> Iterator[tuple[str, str]]:
    left_lines, right_lines = read_lines(src), read_lines(tgt)
    for count, (left, right) in enumerate(zip_longest(left_lines, right_lines)):
        if left is None or right is None:
            total = count + 1 + sum(1 for _ in (right_lines if left is None else left_lines))
            num_src, num_tgt = (count, total) if left is None else (total, count)
            raise DataError(
                f"{src} has {num_src} lines but {tgt} has {num_tgt}: line n of one file must translate line n of "
                "the other, so the counts must be equal"
            )
        yield left, right


class _Columns:
    """The first two columns of a TSV, with a check that they are text where the TSV has more columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.num_wide_rows = 0
        self.num_without_letters = [0, 0]  # per column: lines in which it has no letter, though another column has
        self.values: tuple[set[str], set[str]] = (set(), set())  # up to two distinct values per column

    def read(self) -> Iterator[tuple[str, str]]:
        for number, line in enumerate(read_lines(self.path), start=1):
            if not line.strip():
                yield "", ""
                continue
            columns = line.split("\t")
            if len(columns) < 2:
                raise DataError(
                    f"{self.path}:{number}: expected source TAB target, found no tab: write one pair per line, or pass "
                    "two files"
                )
            if len(columns) > 2:
                self._count(columns)
            yield columns[0], columns[1]
        self._check()

    def _count(self, columns: list[str]) -> None:
        self.num_wide_rows += 1
        without_letters = [not any(map(str.isalpha, column)) for column in columns]
        for index, values in enumerate(self.values):
            self.num_without_letters[index] += without_letters[index] and not all(without_letters)
            if len(values) < 2:
                values.add(columns[index].strip())

    def _check(self) -> None:
        for index, name in enumerate(("first", "second")):
            problem = ""
            if self.num_wide_rows and self.num_without_letters[index] >= _MIN_SHARE * self.num_wide_rows:
                problem = f"no letters in {self.num_without_letters[index]} of {self.num_wide_rows} lines"
            elif self.num_wide_rows >= _MIN_IDENTICAL and len(self.values[index]) == 1:
                problem = f"{next(iter(self.values[index]))!r} in all {self.num_wide_rows} lines"
            if problem:
                raise DataError(
                    f"{self.path}: expected source TAB target in the first two columns, but the {name} column has "
                    f"{problem}: keep only the two text columns (cut -f 2,3 selects the second and the third)"
                )
