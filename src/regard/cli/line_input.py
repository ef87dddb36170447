"""Lines of a pipe or a terminal, and whether the next one has arrived: who sends one may be waiting for its answer."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from regard.text.readers import GZIP

PATIENCE = 0.005
"""Seconds after which a line that has not come is taken for one that nobody has sent yet."""
_BLOCK = 1 << 16


class ArrivingLines:
    """Reads lines as they come.

    Args:
        file: A pipe, a socket or a terminal; see `suit`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines: deque[bytes] = deque()
        self._rest: list[bytes] = []
        self._ended = False

    @staticmethod
    def suit(file: BinaryIO) -> bool:
        """Whether lines of this file may be waited for, and the system can say so; a gzipped stream's cannot.

        Args:
            file: An open file.

        Returns:
            False where it is a plain file, or none of the system's.
        """
        if sys.platform == "win32" or not isinstance(file, io.BufferedReader):
            return False
        try:
            kind = os.fstat(file.fileno()).st_mode
        except OSError:
            return False
        waits = stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or os.isatty(file.fileno())
        return waits and not file.peek(len(GZIP)).startswith(GZIP)

    def __iter__(self) -> Iterator[bytes]:
        """Yields lines with their ends; the last may have none."""
        while self._lines or not self._ended:
            if self._lines:
                yield self._lines.popleft()
            else:
                self._read()

    def more(self) -> bool:
        """Whether the next line, or the end, is here."""
        while not (self._lines or self._ended):
            if not select.select([self._file], [], [], PATIENCE)[0]:
                return False
            self._read()
        return True

    def _read(self) -> None:
        """Takes what has come, and waits only where nothing has."""
        block = self._file.read1(_BLOCK)  # type: ignore[attr-defined]
        *whole, rest = block.split(b"\n")
        if whole:
            whole[0] = b"".join((*self._rest, whole[0]))
            self._rest = []
            self._lines.extend(line + b"\n" for line in whole)
        self._rest.append(rest)
        if not block:
            self._ended = True
            if last := b"".join(self._rest):
                self._lines.append(last)
