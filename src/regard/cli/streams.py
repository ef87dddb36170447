"""Standard streams for commands: UTF-8 throughout, errors that name the stream, closed streams replaced."""

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
    """A writable file whose errors carry its name: `No space left on device` alone does not say where.

    Args:
        file: Its path, or the file descriptor of an open file, which stays open.
        name: Name for error messages.
    """

    def __init__(self, file: Path | int, name: str) -> None:
        super().__init__(file, "w", closefd=not isinstance(file, int))
        self.display_name = name

    def write(self, data: ReadableBuffer, /) -> int:
        """Writes as many bytes as the system accepts at once.

        Args:
            data: Bytes.

        Returns:
            Number of bytes written.

        Raises:
            OSError: The system's error, with the file's name.
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
    """Replaces standard output and standard error by streams that commands can rely on.

    Both are UTF-8 with plain line ends, regardless of the terminal settings; file names that are not UTF-8 are written
    as their original bytes. Write errors of standard output name it; those of standard error are ignored. Streams that
    the caller has closed are opened on the null device: reading standard input gives nothing, writing to standard
    output fails, and no file that is opened later gets their descriptors.

    Yields:
        Nothing. Afterwards, both streams are as before.
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
