"""Lines in and lines out: standard streams and files, checked as they are read, flushed as they are written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from regard.errors import DataError
from regard.text.readers import read_lines


def read_input(path: Path | None) -> Iterator[str]:
    """Lines of a file, or of standard input as they come.

    Args:
        path: Plain text or .gz; None for standard input.

    Yields:
        Lines without their ends.

    Raises:
        DataError: What is read is missing or not UTF-8; the message names the line.
    """
    if path is not None:
        yield from read_lines(path)
        return
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        try:
            # Halves of UTF-16 pairs, which careless programs write, are let in: normalising replaces them.
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise DataError(
                f"standard input:{number}: expected UTF-8, found byte 0x{raw[error.start]:02x} at position "
                f"{error.start + 1} of the line: convert it, e.g. with iconv -t utf-8"
            ) from None
        yield line.removesuffix("\n").removesuffix("\r")


def read_aligned(src: Path, tgt: Path) -> tuple[list[str], list[str]]:
    """All lines of two files that belong together.

    Args:
        src: Source sentences.
        tgt: A line for each of them.

    Returns:
        As many lines of either.

    Raises:
        DataError: A file cannot be read, both are empty, or the counts differ.
    """
    src_lines, tgt_lines = list(read_lines(src)), list(read_lines(tgt))
    if len(src_lines) != len(tgt_lines):
        raise DataError(
            f"{src} has {len(src_lines)} lines but {tgt} has {len(tgt_lines)}: line n of the one must belong to line n "
            "of the other, so the counts must be equal"
        )
    if not src_lines:
        raise DataError(f"{src}: expected at least one sentence, found an empty file: name a file with text")
    return src_lines, tgt_lines


@contextmanager
def written_to(path: Path | None, *, reading: Path | None = None) -> Iterator[TextIO]:
    """Where lines go: a file, or standard output.

    Args:
        path: The file; None for standard output.
        reading: A file that is read meanwhile, and so must be another.

    Yields:
        A stream to print to.

    Raises:
        DataError: The file cannot be written, or is the one that is read.
    """
    if path is None:
        yield sys.stdout
        return
    if reading is not None and path.exists() and path.samefile(reading):
        raise DataError(f"{path}: is read and written at once, which would destroy it: choose another --output")
    try:
        file = path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}; choose another place") from None
    with file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Writes a whole file.

    Args:
        path: The file.
        text: What it shall hold.

    Raises:
        DataError: The file cannot be written.
    """
    with written_to(path) as file:
        file.write(text)
