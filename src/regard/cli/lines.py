"""Lines in and lines out: standard streams and files, as they are read and flushed as they are written."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from regard.cli.line_input import ArrivingLines
from regard.cli.messages import warn
from regard.cli.streams import NamedFile
from regard.errors import DataError
from regard.files.paths import refuse_overwriting_input
from regard.text.readers import open_bytes, raw_lines, read_lines

_MOST_FOREIGN = 16
"""U+FFFD in a row, at most, in place of bytes that are no text: each would be spelled and translated byte by byte."""
_LONG_RUN = re.compile(f"\ufffd{{{_MOST_FOREIGN},}}")


class InputLines:
    """Lines of a file or of standard input, one at a time as they come: each is text, whatever its bytes are.

    What is no UTF-8 becomes U+FFFD, with a warning on standard error that names the line; halves of UTF-16 pairs, which
    careless programs write, are let in, and controls with NUL among them: normalizing replaces these.

    Args:
        path: Plain text or .gz; None for standard input, which may be the same.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.name = "standard input" if path is None else str(path)
        self._file: BinaryIO | None = None
        self._arriving: ArrivingLines | None = None

    def __iter__(self) -> Iterator[str]:
        """Yields lines without their ends.

        Raises:
            DataError: The file cannot be read, or is UTF-16, where not even the ends of lines can be found.
        """
        if self.path is None:
            if sys.stdin is None:
                raise DataError("standard input is closed: name a file with --input, or pipe lines in")
            self._file = sys.stdin.buffer
            yield from self._text(self._file)
            return
        with open_bytes(self.path) as self._file:
            yield from self._text(self._file)

    def more(self) -> bool:
        """Whether the next line, or the end, is there already; if not, somebody may be waiting for answers first."""
        return self._arriving is None or self._arriving.more()

    def share_read(self) -> float | None:
        """Which part of the bytes has been read, from 0 to 1; None where nobody knows how many there will be."""
        file = self._file
        if file is None or file.closed:
            return None if file is None else 1.0
        try:
            status = os.fstat(file.fileno())
            return file.tell() / status.st_size if stat.S_ISREG(status.st_mode) and status.st_size else None
        except OSError:  # no file of the system's
            return None

    def _text(self, file: BinaryIO) -> Iterator[str]:
        if ArrivingLines.suit(file):
            self._arriving = ArrivingLines(file)
        for number, raw in enumerate(raw_lines(self._arriving or file, self.name), start=1):
            yield self._decoded(raw, number)

    def _decoded(self, raw: bytes, number: int) -> str:
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        if b"\0" in line:
            warn(
                f"{self.name}:{number}: expected text, found a NUL byte at position {line.index(0) + 1} of the line, "
                "which is read as a space: if it is UTF-16, convert it with iconv -t utf-8"
            )
        try:
            return line.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            warn(
                f"{self.name}:{number}: expected UTF-8, found byte 0x{line[error.start]:02x} at position "
                f"{error.start + 1} of the line: what is none is read as U+FFFD; convert it, e.g. with iconv -t utf-8"
            )
            return _LONG_RUN.sub("\ufffd" * _MOST_FOREIGN, line.decode("utf-8", "replace"))


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


class OutputLines:
    """Where lines go, each written through at once, so that whoever reads them waits no longer than needed.

    Args:
        file: A stream of text.
        at_once: Whether each line is written through; a .gz is not, which would make it longer than plain text.
    """

    def __init__(self, file: TextIO, *, at_once: bool = True) -> None:
        self.file = file
        self.at_once = at_once

    def write(self, line: str) -> None:
        """Writes a line and its end.

        Args:
            line: Without its end.
        """
        print(line, file=self.file, flush=self.at_once)


@contextmanager
def written_to(path: Path | None, *, reading: Path | None = None) -> Iterator[OutputLines]:
    """Where lines go: a file, gzipped where its name ends in .gz, or standard output.

    Args:
        path: The file; None for standard output.
        reading: A file that is read meanwhile, and so must be another.

    Yields:
        What takes the lines.

    Raises:
        DataError: The file cannot be opened, or is the one that is read.
        OSError: It cannot be written; the error has its name.
    """
    if path is None:
        yield OutputLines(sys.stdout)
        return
    refuse_overwriting_input(path, [reading])
    try:
        raw = NamedFile(path, str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}; choose another place") from None
    with io.BufferedWriter(raw) as plain:
        if path.suffix == ".gz":  # without name and time in it, so that the same lines give the same bytes
            with gzip.GzipFile("", "wb", fileobj=plain, mtime=0) as packed, _lines(packed) as file:
                yield OutputLines(file, at_once=False)
        else:
            with _lines(plain) as file:
                yield OutputLines(file)


def _lines(file: BinaryIO | gzip.GzipFile) -> io.TextIOWrapper:
    return io.TextIOWrapper(cast("BinaryIO", file), encoding="utf-8", newline="\n")


def write_text(path: Path, text: str) -> None:
    """Writes a whole file: what was there stays until all of it is written.

    Args:
        path: The file; gzipped where its name ends in .gz.
        text: What it shall hold.

    Raises:
        CheckpointError: It cannot be written.
    """
    from regard.files.atomic import write_output

    data = gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode()
    write_output(path, lambda place: place.write_bytes(data))
