"""Bytes that are hashed as they are used, and directories that may be written anew while they are read.

To hash a file by its name and then to open it by its name is to check one file and to use another: a save between the
two gives the old description with the new weights, and nothing tells. Here a file is opened once, what is used of it is
what was hashed, and a reader that met half of a save begins again.
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
from regard.files.reading import open_regular, read_whole, named_read_errors

T = TypeVar("T")

_BLOCK = 1 << 20
# Bytes that are read and hashed at a time: they are still in the processor's cache when they are hashed.
_TRIES = 100
# Saves that a reader outlasts, each of which came in the middle of its reading.


class HashedFile:
    """An open file that is read once from its start to its end, and hashed on the way.

    Args:
        file: The file, at its start.
        path: Its name, for messages.
        cure: What to do when it cannot be read, for messages.
    """

    def __init__(self, file: io.FileIO, path: Path, cure: str) -> None:
        self.path, self.remedy = path, cure
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, *, most: int) -> bytes:
        """All that is left of it, which may be so many bytes."""
        data = read_whole(self._file, self.path, max_bytes=most, remedy=self.remedy)
        self._digest.update(data)
        return data

    def fill(self, place: memoryview) -> int:
        """Reads the next bytes into a place.

        Args:
            place: Of single bytes, writable.

        Returns:
            How many they were: fewer than there is room for at the end of the file.
        """
        done = 0
        with named_read_errors(self.path, remedy=self.remedy):
            while done < len(place):
                block = place[done : done + _BLOCK]
                count = self._file.readinto(block)
                if not count:
                    break
                self._digest.update(block[:count])
                done += count
        return done

    def hexdigest(self) -> str:
        """SHA-256 of the whole file; what was not read is read for it."""
        block = memoryview(bytearray(_BLOCK))
        while self.fill(block):
            pass
        return self._digest.hexdigest()


@dataclass(frozen=True)
class HashedResult(Generic[T]):
    """What came of using a file, and which file it was.

    Attributes:
        sha256: Hash of the whole file, in hexadecimal.
        outcome: What was made of it, or why nothing could be.
    """

    sha256: str
    outcome: T | RegardError

    def get(self) -> T:
        """What was made of it.

        Returns:
            The result.

        Raises:
            RegardError: The file was of no use.
        """
        if isinstance(self.outcome, RegardError):
            raise self.outcome
        return self.outcome


def use_hashed(path: Path, use: Callable[[HashedFile], T], *, cure: str) -> HashedResult[T]:
    """Opens a file once, uses it, and hashes the very bytes that were used.

    Args:
        path: The file.
        use: Makes something of it. What it makes is worth nothing before the hash is compared.
        cure: What to do when the file cannot be read, for messages.

    Returns:
        The result and the hash. Why `use` failed is kept as well: a file with another hash is none to complain about.

    Raises:
        CheckpointError: The file is missing, no regular file, or cannot be read.
    """
    with open_regular(path, remedy=cure) as file:
        hashed = HashedFile(file, path, cure)
        outcome: T | RegardError
        try:
            outcome = use(hashed)
        except RegardError as error:
            outcome = error
        return HashedResult(hashed.hexdigest(), outcome)


def read_consistently(read: Callable[[], T], files: Sequence[Path]) -> T:
    """Reads files that belong together while somebody may be replacing them.

    Args:
        read: Reads all of them, and fails where they do not agree.
        files: Those that are replaced, waiting ones among them.

    Returns:
        What was read, from one state of the files.

    Raises:
        RegardError: What `read` raised although no file had changed meanwhile.
    """
    for _ in range(_TRIES):
        before = _stamps(files)
        try:
            return read()
        except RegardError:
            if _stamps(files) == before:
                raise
    return read()


def changed_error(path: Path, found: str, expected: str, *, since: str, cure: str) -> CheckpointError:
    """What to say of a file that has another hash than it had.

    Args:
        path: The file.
        found: Its hash.
        expected: The one that it should have.
        since: Since when it has changed, in words, such as `the model was saved`.
        cure: What to do about it, a sentence.

    Returns:
        The error to raise.
    """
    return CheckpointError(
        f"{path}: changed since {since}: its hash should begin with {expected[:12]}, but begins with {found[:12]}. "
        f"{cure}"
    )


def _stamps(files: Sequence[Path]) -> list[tuple[int, ...] | None]:
    return [_stamp(path) for path in files]


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
