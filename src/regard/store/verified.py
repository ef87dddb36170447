"""Reading of files that are hashed as they are used and may be replaced while they are read.

Hashing a file and then opening it again by its name could check one file and use another: a save in between would give
the old description with the new weights, unnoticed. So each file is opened once, the bytes used are the bytes hashed,
and a reader that encounters a save in progress starts again.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from regard.errors import CheckpointError, RegardError
from regard.files.reading import named_read_errors, open_regular, read_whole

T = TypeVar("T")

_BLOCK = 1 << 20
# Bytes that are read and hashed at a time: few enough to be in the CPU cache when they are hashed.
_TRIES = 100
# Attempts to read while other processes save.


class HashedFile:
    """An open file that is hashed while it is read from start to end.

    Args:
        file: Open file, positioned at its start.
        path: Path of the file, for messages.
        remedy: What to do if the file cannot be read, for messages.
    """

    def __init__(self, file: io.FileIO, path: Path, remedy: str) -> None:
        self.path, self.remedy = path, remedy
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, *, max_bytes: int) -> bytes:
        """Reads the rest of the file; raises a `CheckpointError` if there are more than `max_bytes` bytes."""
        data = read_whole(self._file, self.path, max_bytes=max_bytes, remedy=self.remedy)
        self._digest.update(data)
        return data

    def fill(self, buffer: memoryview) -> int:
        """Reads the next bytes of the file into a buffer, until the buffer is full or the file ends.

        Args:
            buffer: Writable buffer of bytes.

        Returns:
            Number of bytes read: less than the size of the buffer only at the end of the file.
        """
        done = 0
        with named_read_errors(self.path, remedy=self.remedy):
            while done < len(buffer):
                block = buffer[done : done + _BLOCK]
                count = self._file.readinto(block)
                if not count:
                    break
                self._digest.update(block[:count])
                done += count
        return done

    def hexdigest(self) -> str:
        """SHA-256 of the whole file in hexadecimal; reads the rest of the file first."""
        block = memoryview(bytearray(_BLOCK))
        while self.fill(block):
            pass
        return self._digest.hexdigest()


@dataclass(frozen=True)
class HashedResult(Generic[T]):
    """Result of a function that read a file, with the hash of the file.

    Attributes:
        sha256: SHA-256 of the whole file, in hexadecimal.
        outcome: Return value of the function, or the error that it raised.
    """

    sha256: str
    outcome: T | RegardError

    def get(self) -> T:
        """Returns what the function that read the file returned, or raises the error that it raised.

        Returns:
            The return value of that function.

        Raises:
            RegardError: That function raised this error.
        """
        if isinstance(self.outcome, RegardError):
            raise self.outcome
        return self.outcome


def use_hashed(path: Path, use: Callable[[HashedFile], T], *, remedy: str) -> HashedResult[T]:
    """Opens a file, calls a function that reads it, and hashes the whole file from the same bytes.

    Args:
        path: Path of the file.
        use: Function that reads the file. The caller must compare the hash before using the result.
        remedy: What to do if the file cannot be read, for messages.

    Returns:
        The result of `use` and the file's hash. If `use` raises an error, the error is stored as the result instead of
        being raised, because the hash may show that this is not the expected file.

    Raises:
        CheckpointError: The file is missing, not a regular file, or cannot be read.
    """
    with open_regular(path, remedy=remedy) as file:
        hashed = HashedFile(file, path, remedy)
        outcome: T | RegardError
        try:
            outcome = use(hashed)
        except RegardError as error:
            outcome = error
        return HashedResult(hashed.hexdigest(), outcome)


def read_consistently(read: Callable[[], T], files: Sequence[Path]) -> T:
    """Reads files that belong together, and reads them again if another process replaces one of them.

    Args:
        read: Function that reads all files, and raises an error if they are inconsistent.
        files: Paths of all files that may be replaced: their final names, and their temporary names during a save.

    Returns:
        Result of `read`, from one consistent state of the files.

    Raises:
        RegardError: The error of `read`, raised although no file changed in the meantime.
    """
    for _ in range(_TRIES):
        before = _stamps(files)
        try:
            return read()
        except RegardError:
            if _stamps(files) == before:
                raise
    return read()


def changed_error(path: Path, found: str, expected: str, *, since: str, remedy: str) -> CheckpointError:
    """Makes the error for a file whose hash is not the expected one.

    Args:
        path: Path of the file.
        found: Actual hash of the file, in hexadecimal.
        expected: Expected hash, in hexadecimal.
        since: Event since which the file has changed, such as `the model was saved`.
        remedy: What the user should do, as a sentence.

    Returns:
        The error to raise.
    """
    return CheckpointError(
        f"{path}: changed since {since}: expected a hash that starts with {expected[:12]}, found {found[:12]}. {remedy}"
    )


def _stamps(files: Sequence[Path]) -> list[tuple[int, ...] | None]:
    return [_stamp(path) for path in files]


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
