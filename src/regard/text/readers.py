"""Readers of parallel text. Every complaint names the file and the line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from os import PathLike
from pathlib import Path
from typing import BinaryIO, cast

from regard.errors import DataError
from regard.text.normalise import normalise
from regard.values import Pair

PathName = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class PairFile:
    """What was read.

    Attributes:
        pairs: Pairs with text on both sides, in file order.
        num_empty: Pairs left out because a side was empty.
    """

    pairs: list[Pair]
    num_empty: int


def _open(path: Path) -> BinaryIO:
    if path.is_dir():
        raise DataError(f"{path}: expected a text file, found a directory: name a file in it")
    try:
        return cast(BinaryIO, gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: check the name (the present directory is {Path.cwd()})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from None


def read_lines(path: PathName) -> Iterator[str]:
    """Reads a UTF-8 text file line by line; names ending in .gz are unpacked on the way.

    Args:
        path: Plain text or .gz. Line ends may be LF or CRLF; a byte order mark is skipped.

    Yields:
        Lines without their ends, not normalised.

    Raises:
        DataError: When the file is missing, is not UTF-8 (with the line's number) or is a broken .gz.
    """
    path = Path(path)
    number = 0
    with _open(path) as file:
        try:
            for number, raw in enumerate(file, start=1):
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                yield raw.decode("utf-8").rstrip("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}:{number}: expected UTF-8, found byte 0x{error.object[error.start]:02x} at position "
                f"{error.start + 1} of the line: convert the file, e.g. with iconv -t utf-8"
            ) from None
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: broken .gz after line {number} ({error}): unpack or fetch it again") from None


def read_pairs(src: PathName, tgt: PathName | None = None) -> PairFile:
    """Reads sentence pairs, normalised.

    Args:
        src: Source sentences, or a TSV with source and target in its first two columns.
        tgt: Target sentences, line-aligned with `src`; None for a TSV.

    Returns:
        The pairs that have text on both sides, and how many had not.

    Raises:
        DataError: When a file cannot be read, the line counts differ, a TSV line has no tab, or nothing is left.
    """
    rows = _read_tsv(Path(src)) if tgt is None else _read_two(Path(src), Path(tgt))
    pairs, num_empty = [], 0
    for number, (left, right) in enumerate(rows, start=1):
        pair = Pair(normalise(left), normalise(right), number)
        if pair.src and pair.tgt:
            pairs.append(pair)
        else:
            num_empty += 1
    if not pairs:
        raise DataError(f"{src}: no sentence pair with text on both sides ({num_empty} empty): is it the right file?")
    return PairFile(pairs, num_empty)


def _read_two(src: Path, tgt: Path) -> Iterator[tuple[str, str]]:
    count = 0
    left_lines, right_lines = read_lines(src), read_lines(tgt)
    for left, right in zip_longest(left_lines, right_lines):
        if left is None or right is None:
            longer = right_lines if left is None else left_lines
            total = count + 1 + sum(1 for _ in longer)
            sizes = (count, total) if left is None else (total, count)
            raise DataError(
                f"{src} has {sizes[0]} lines but {tgt} has {sizes[1]}: line n of the one must translate line n of the "
                "other, so the counts must be equal"
            )
        count += 1
        yield left, right


def _read_tsv(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            yield "", ""
            continue
        columns = line.split("\t")
        if len(columns) < 2:
            raise DataError(
                f"{path}:{number}: expected source TAB target, found no tab: write one pair a line, or give two files"
            )
        yield columns[0], columns[1]
