"""Line-by-line input and output: standard streams, pipes and files, plain or compressed."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from regard.cli.messages import warn
from regard.cli.streams import NamedFile
from regard.errors import DataError
from regard.files.compressed_output import compressor_of
from regard.files.compression import InputFile, open_input, source_name
from regard.files.paths import refuse_overwriting_input
from regard.text.lossy import decode_lossy
from regard.text.readers import MAX_LINE, raw_lines

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

    def __init__(self, file: InputFile) -> None:
        self._file = file
        self._lines: deque[bytes] = deque()
        self._unfinished: list[bytes] = []
        self._unfinished_size = 0
        self._ended = False

    @staticmethod
    def supports(file: InputFile) -> bool:
        """Whether the operating system can tell if the next line of a file has arrived.

        Args:
            file: An open file.

        Returns:
            False for regular files, compressed streams and streams without a file descriptor.
        """
        if sys.platform == "win32" or file.compression is not None:
            return False
        try:
            mode = os.fstat(file.fileno()).st_mode
        except OSError:
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(file.fileno())

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
        if self._unfinished_size > MAX_LINE:
            raise DataError(
                f"{self._file.name}: expected lines of at most {MAX_LINE:,} bytes, found a longer one: check that it "
                "is text with one sentence per line"
            )
        block = self._file.read1(_BLOCK_SIZE)
        *complete, rest = block.split(b"\n")
        if complete:
            complete[0] = b"".join((*self._unfinished, complete[0]))
            self._unfinished, self._unfinished_size = [], 0
            self._lines.extend(line + b"\n" for line in complete)
        self._unfinished.append(rest)
        self._unfinished_size += len(rest)
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
        path: Path of a text file, plain or compressed (.gz, .bz2, .xz, .zst); None = standard input, which may be
            compressed, too.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.name = source_name(path)
        self._file: InputFile | None = None
        self._num_bytes = 0
        self._arriving: ArrivingLines | None = None

    def __iter__(self) -> Iterator[str]:
        """Reads the lines as they arrive.

        Yields:
            Lines without their line ends.

        Raises:
            DataError: The file cannot be read, or is UTF-16, whose line ends cannot be found.
        """
        if self.path is None and sys.stdin is None:
            raise DataError("standard input is closed: name a file with --input, or pipe lines in")
        with open_input(self.path) as self._file:
            yield from self._decode_all(self._file)

    def more(self) -> bool:
        """Whether the next line, or the end of the input, has arrived; always True for regular files."""
        return self._arriving is None or self._arriving.more()

    def fraction_read(self) -> float | None:
        """Fraction of the input file's bytes that have been read, from 0 to 1; None if its size is unknown."""
        file = self._file
        if file is None:
            return None
        if file.compression is not None or (file.closed and self.path is not None):
            return file.fraction_read()
        try:
            status = os.fstat(file.fileno())
        except OSError:  # a stream without a file descriptor
            return None
        return min(self._num_bytes / status.st_size, 1.0) if stat.S_ISREG(status.st_mode) and status.st_size else None

    def _decode_all(self, file: InputFile) -> Iterator[str]:
        if ArrivingLines.supports(file):
            self._arriving = ArrivingLines(file)
        for number, raw in enumerate(raw_lines(self._arriving or file, self.name), start=1):
            self._num_bytes += len(raw)
            yield self._decode(raw, number)

    def _decode(self, raw: bytes, number: int) -> str:
        line, warnings = decode_lossy(raw, f"{self.name}:{number}")
        for warning in warnings:
            warn(warning)
        return line


class OutputLines:
    """Writes lines to a text stream, and flushes each line at once, so that readers see it without delay.

    Args:
        file: Text stream, open for writing.
        flush: Whether to flush after each line; not useful for compressed files, which flushing would make larger than
            plain text.
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
        path: Path of the file, which is compressed if its suffix is `.gz`, `.bz2`, `.xz` or `.zst`; None = standard
            output.
        reading: Input file of the command, which must not be the same file; None = no check.

    Yields:
        The open output.

    Raises:
        ConfigError: The package for .zst files is not installed.
        DataError: The file cannot be opened, or is the input file.
        OSError: Writing failed; the error contains the file's name.
    """
    if path is None:
        yield OutputLines(sys.stdout)
        return
    refuse_overwriting_input(path, [reading])
    compressor = compressor_of(path)
    try:
        raw = NamedFile(path, str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}; choose another path") from None
    with io.BufferedWriter(raw) as plain:
        if compressor is None:
            with _as_text(plain) as file:
                yield OutputLines(file)
        else:
            with compressor(plain) as packed, _as_text(packed) as file:
                yield OutputLines(file, flush=False)


def _as_text(file: BinaryIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8", newline="\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically: an existing file is replaced only when the new file is complete.

    Args:
        path: Path of the file, which is compressed if its suffix is `.gz`, `.bz2`, `.xz` or `.zst`.
        text: Content of the file.

    Raises:
        CheckpointError: The file cannot be written.
        ConfigError: The package for .zst files is not installed.
    """
    from regard.files.atomic import write_output

    data, compressor = io.BytesIO(text.encode()), compressor_of(path)
    if compressor is not None:
        plain, data = data, io.BytesIO()
        with compressor(data) as packed:
            packed.write(plain.getvalue())
    write_output(path, lambda temporary: temporary.write_bytes(data.getvalue()))
