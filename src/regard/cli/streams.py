"""The three standard streams as commands use them: UTF-8 throughout, errors that say where, none of them missing."""

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
    """A file to write to, whose errors carry its name: `No space left on device` alone says little.

    Args:
        file: Its name, or the number of an open one, which stays open.
        name: What errors call it.
    """

    def __init__(self, file: Path | int, name: str) -> None:
        super().__init__(file, "w", closefd=not isinstance(file, int))
        self.called = name

    def write(self, data: ReadableBuffer, /) -> int:
        """Writes as much as can be written at once.

        Args:
            data: Bytes.

        Returns:
            How many were written.

        Raises:
            OSError: As the system says, with the name.
        """
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.called) from None


class _Lossy(io.FileIO):
    """Standard error: what cannot be written there is lost, but nothing else is."""

    def write(self, data: ReadableBuffer, /) -> int:
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


@contextmanager
def standard_streams() -> Iterator[None]:
    """Makes standard output and standard error what commands can rely on.

    Both are UTF-8 with plain line ends, whatever the terminal's settings; names of files that are no UTF-8 go out as
    the bytes that they are. Errors of standard output name it; those of standard error are borne. A stream that the
    caller has closed is there: nothing can be read from it or written to it, and no file that is opened later takes its
    place.

    Yields:
        Nothing. Afterwards both are as before.
    """
    _fill_gaps()
    before = sys.stdout, sys.stderr
    if _is_plain(sys.stdout):
        sys.stdout = _text(NamedFile(1, "standard output"), "surrogateescape", line_buffering=os.isatty(1))
    if _is_plain(sys.stderr):
        sys.stderr = _text(_Lossy(2, "w", closefd=False), "backslashreplace", line_buffering=True)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        sys.stdout, sys.stderr = before


def _is_plain(stream: TextIO | None) -> bool:
    """Whether it is the process's own stream, and not what a test or a notebook has put there."""
    return stream is None or stream in (sys.__stdout__, sys.__stderr__)


def _text(raw: io.FileIO, errors: str, *, line_buffering: bool) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors=errors, newline="\n", line_buffering=line_buffering
    )


def _fill_gaps() -> None:
    """Opens what the caller has closed; standard output for reading, so that writing fails as it should."""
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
