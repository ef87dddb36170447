"""Line-by-line input and output: standard streams, pipes and files, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import os
import select
import stat
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from regard.cli.messages import warn
from regard.cli.streams import NamedFile
from regard.errors import DataError
from regard.files.paths import refuse_overwriting_input
from regard.text.lossy import decode_lossy
from regard.text.readers import GZIP, open_bytes, raw_lines, read_lines

LINE_TIMEOUT = 0.005
"""Seconds to wait for the next line of a pipe or terminal before the line counts as not sent yet."""
_BLOCK_SIZE = 1 << 16


class ArrivingLines:
    """Iterator over the lines of a pipe, socket or terminal, read as they arrive.

    A sender may wait for the translation of a line before it sends the next line, so a reader must be able to find out
    whether the next line has arrived, without waiting for it.

    Args:
        file: A pipe, a socket or a terminal, for which `supports` is True.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines: deque[bytes] = deque()
        self._unfinished: list[bytes] = []
        self._ended = False

    @staticmethod
    def supports(file: BinaryIO) -> bool:
        """Whether the operating system can tell if the next line of a file has arrived.

        Args:
            file: An open file.

        Returns:
            False for regular files, gzipped streams and streams without a file descriptor.
        """
        if sys.platform == "win32" or not isinstance(file, io.BufferedReader):
            return False
        try:
            mode = os.fstat(file.fileno()).st_mode
        except OSError:
            return False
        can_wait = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(file.fileno())
        return can_wait and not file.peek(len(GZIP)).startswith(GZIP)

    def __iter__(self) -> Iterator[bytes]:
        """Yields the lines including their line ends; the last line may have none."""
        while self._lines or not self._ended:
            if self._lines:
                yield self._lines.popleft()
            else:
                self._read()

    def more(self) -> bool:
        """Whether the next line, or the end of the input, has arrived; waits at most `LINE_TIMEOUT` seconds."""
        while not (self._lines or self._ended):
            if not select.select([self._file], [], [], LINE_TIMEOUT)[0]:
                return False
            self._read()
        return True

    def _read(self) -> None:
        """Reads what has arrived, and waits only if nothing has."""
        block = self._file.read1(_BLOCK_SIZE)  # type: ignore[attr-defined]
        *complete, rest = block.split(b"\n")
        if complete:
            complete[0] = b"".join((*self._unfinished, complete[0]))
            self._unfinished = []
            self._lines.extend(line + b"\n" for line in complete)
        self._unfinished.append(rest)
        if not block:
            self._ended = True
            if last := b"".join(self._unfinished):
                self._lines.append(last)


class InputLines:
    """Iterator over the lines of a file or of standard input, decoded one at a time as they arrive.

    Bytes that are not valid UTF-8 become U+FFFD, with a warning on standard error that names the line. Unpaired UTF-16
    surrogates, which faulty programs write, and control characters, including NUL, are kept; normalization replaces
    them later.

    Args:
        path: Path of a plain or gzipped text file; None = standard input, which may be gzipped, too.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.name = "standard input" if path is None else str(path)
        self._file: BinaryIO | None = None
        self._arriving: ArrivingLines | None = None

    def __iter__(self) -> Iterator[str]:
        """Yields the lines without their line ends.

        Raises:
            DataError: The file cannot be read, or is UTF-16, whose line ends cannot be found.
        """
        if self.path is None:
            if sys.stdin is None:
                raise DataError("standard input is closed: name a file with --input, or pipe lines in")
            self._file = sys.stdin.buffer
            yield from self._decode_all(self._file)
            return
        with open_bytes(self.path) as self._file:
            yield from self._decode_all(self._file)

    def more(self) -> bool:
        """Whether the next line, or the end of the input, has arrived; always True for regular files."""
        return self._arriving is None or self._arriving.more()

    def fraction_read(self) -> float | None:
        """Fraction of the input file's bytes that have been read, from 0 to 1; None if its size is unknown."""
        file = self._file
        if file is None or file.closed:
            return None if file is None else 1.0
        try:
            status = os.fstat(file.fileno())
            return file.tell() / status.st_size if stat.S_ISREG(status.st_mode) and status.st_size else None
        except OSError:  # a stream without a file descriptor
            return None

    def _decode_all(self, file: BinaryIO) -> Iterator[str]:
        if ArrivingLines.supports(file):
            self._arriving = ArrivingLines(file)
        for number, raw in enumerate(raw_lines(self._arriving or file, self.name), start=1):
            yield self._decode(raw, number)

    def _decode(self, raw: bytes, number: int) -> str:
        line, warnings = decode_lossy(raw, f"{self.name}:{number}")
        for warning in warnings:
            warn(warning)
        return line


def read_parallel(src: Path, tgt: Path) -> tuple[list[str], list[str]]:
    """Reads all lines of two parallel files, and checks that their numbers are equal.

    Args:
        src: File of source sentences, one per line.
        tgt: File of target sentences, one per source sentence.

    Returns:
        The source lines and the target lines, equally many.

    Raises:
        DataError: A file cannot be read, both files are empty, or their numbers of lines differ.
    """
    src_lines, tgt_lines = list(read_lines(src)), list(read_lines(tgt))
    if len(src_lines) != len(tgt_lines):
        raise DataError(
            f"{src} has {len(src_lines)} lines but {tgt} has {len(tgt_lines)}: line n of one file must belong to line "
            "n of the other, so give files with equally many lines"
        )
    if not src_lines:
        raise DataError(f"{src}: expected at least one sentence, found an empty file: name a file with text")
    return src_lines, tgt_lines


class OutputLines:
    """Writes lines to a text stream, and flushes each line at once, so that readers see it without delay.

    Args:
        file: Text stream, open for writing.
        flush: Whether to flush after each line; not useful for .gz files, which flushing would make larger than plain
            text.
    """

    def __init__(self, file: TextIO, *, flush: bool = True) -> None:
        self.file = file
        self.flush = flush

    def write(self, line: str) -> None:
        """Writes a line and a line end.

        Args:
            line: Text of the line, without a line end.
        """
        print(line, file=self.file, flush=self.flush)


@contextmanager
def open_output(path: Path | None, *, reading: Path | None = None) -> Iterator[OutputLines]:
    """Context that opens a file or standard output for writing lines.

    Args:
        path: Path of the file, which is gzipped if its name ends in .gz; None = standard output.
        reading: Input file of the command, which must not be the same file; None = no check.

    Yields:
        The open output.

    Raises:
        DataError: The file cannot be opened, or is the input file.
        OSError: Writing failed; the error contains the file's name.
    """
    if path is None:
        yield OutputLines(sys.stdout)
        return
    refuse_overwriting_input(path, [reading])
    try:
        raw = NamedFile(path, str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}; choose another path") from None
    with io.BufferedWriter(raw) as plain:
        if path.suffix == ".gz":  # without file name and time, so that the same lines give the same bytes
            with gzip.GzipFile("", "wb", fileobj=plain, mtime=0) as packed, _as_text(packed) as file:
                yield OutputLines(file, flush=False)
        else:
            with _as_text(plain) as file:
                yield OutputLines(file)


def _as_text(file: BinaryIO | gzip.GzipFile) -> io.TextIOWrapper:
    return io.TextIOWrapper(cast("BinaryIO", file), encoding="utf-8", newline="\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically: an existing file is replaced only when the new file is complete.

    Args:
        path: Path of the file, which is gzipped if its name ends in .gz.
        text: Content of the file.

    Raises:
        CheckpointError: The file cannot be written.
    """
    from regard.files.atomic import write_output

    data = gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode()
    write_output(path, lambda temporary: temporary.write_bytes(data))
