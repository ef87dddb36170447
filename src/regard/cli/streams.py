"""Standard streams for commands: always UTF-8, with errors that name the stream, and replacements of closed streams."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class NamedFile(io.FileIO):
    """A file to write to; its name is added to write errors, such as `No space left on device`.

    Args:
        file: Path of the file, or the file descriptor of an open file, which stays open.
        name: Name of the file in error messages.
    """

    def __init__(self, file: Path | int, name: str) -> None:
        super().__init__(file, "w", closefd=not isinstance(file, int))
        self.display_name = name

    def write(self, data: ReadableBuffer, /) -> int:
        """Writes as many of the bytes as the operating system accepts at once.

        Args:
            data: Bytes to write.

        Returns:
            Number of bytes written.

        Raises:
            OSError: The error of the operating system, with the name of the file added.
        """
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.display_name) from None


class _LossyFile(io.FileIO):
    """Standard error: output that cannot be written is dropped, and the command continues."""

    def write(self, data: ReadableBuffer, /) -> int:
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


@contextmanager
def standard_streams() -> Iterator[None]:
    """Context in which standard output and standard error are replaced by streams with defined behavior.

    Both streams are UTF-8 with plain line ends, regardless of the terminal settings; file names that are not UTF-8 are
    written as their original bytes. Write errors of standard output name the stream; write errors of standard error are
    ignored. Streams that the caller of the program has closed are opened on the null device: reading standard input
    gives nothing, writing to standard output fails, and no file that is opened later gets one of their descriptors.

    Yields:
        Nothing. After the context, both streams are the same as before.
    """
    _open_closed_streams()
    before = sys.stdout, sys.stderr
    if _is_process_stream(sys.stdout):
        sys.stdout = _as_text(NamedFile(1, "standard output"), "surrogateescape", line_buffering=os.isatty(1))
    if _is_process_stream(sys.stderr):
        sys.stderr = _as_text(_LossyFile(2, "w", closefd=False), "backslashreplace", line_buffering=True)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        sys.stdout, sys.stderr = before


def _is_process_stream(stream: TextIO | None) -> bool:
    """Whether this is the process's own stream rather than a replacement by a test or a notebook."""
    return stream is None or stream in (sys.__stdout__, sys.__stderr__)


def _as_text(raw: io.FileIO, errors: str, *, line_buffering: bool) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors=errors, newline="\n", line_buffering=line_buffering
    )


def _open_closed_streams() -> None:
    """Opens descriptors that the caller has closed; standard output for reading, so that writing to it fails."""
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
