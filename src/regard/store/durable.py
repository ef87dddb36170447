"""Files that are either wholly there or not at all, whatever happens while they are written."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from regard.errors import CheckpointError

PENDING = ".new"
"""Ending of a file that is written but has not taken its place yet."""


def pending(path: Path) -> Path:
    """The name under which a file waits to take its place."""
    return path.with_name(path.name + PENDING)


def write_pending(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file under its waiting name, down to the disk.

    Args:
        path: Where the file will be.
        write: Writes the content to the path that it is given.

    Raises:
        CheckpointError: The disk is full, or the place cannot be written; nothing is left behind.
    """
    _write_down(path, pending(path), write)


def take_place(path: Path) -> None:
    """Moves a waiting file to its place, over an older one, in one step.

    Args:
        path: Where the file will be.

    Raises:
        CheckpointError: The place cannot be written.
    """
    _move(pending(path), path)


def write_file(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file such that a crash leaves the old one or the new one, never half of it.

    Args:
        path: Where the file will be.
        write: Writes the content to the path that it is given.

    Raises:
        CheckpointError: The disk is full, or the place cannot be written; an older file is still there.
    """
    make_directory(path.parent)
    write_pending(path, write)
    take_place(path)


def write_output(path: Path, data: bytes) -> None:
    """Writes a file that a user has named: as `write_file` does, but through links, and into pipes and devices.

    Directories are not made: a name that leads nowhere is most likely a slip.

    Args:
        path: Where the file will be.
        data: Its content.

    Raises:
        CheckpointError: As for `write_file`.
    """
    if path.exists() and not path.is_file():
        with _named_failures(path):
            path.write_bytes(data)
    else:
        place = path.resolve()
        write_pending(place, lambda waiting: _put_bytes(waiting, data))
        take_place(place)


def write_shared_text(path: Path, text: str) -> None:
    """Writes a text as `write_file` would, though other processes may write the same file at the same moment.

    Each has a waiting name of its own, so that nobody takes away what another is writing, and the last one counts. The
    price: a process that is killed leaves its waiting file behind, which no later one writes over.

    Args:
        path: Where the file will be.
        text: Its content.

    Raises:
        CheckpointError: The disk is full, or the place cannot be written; an older file is still there.
    """
    make_directory(path.parent)
    waiting = path.with_name(f"{path.name}.{uuid4().hex}{PENDING}")
    _write_down(path, waiting, lambda file: _put(file, text))
    try:
        _move(waiting, path)
    finally:
        waiting.unlink(missing_ok=True)


def make_directory(path: Path) -> None:
    """Makes a directory and those above it.

    Args:
        path: The directory.

    Raises:
        CheckpointError: A file stands in the way, or the place cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise CheckpointError(
            f"{path}: expected a directory or a free name, but a file is there; choose another"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: the directory cannot be made: {error.strerror}; choose another place") from None


def sync_directory(path: Path) -> None:
    """Makes the names in a directory last through a power failure."""
    if sys.platform == "win32":  # directories cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _put_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _write_down(path: Path, waiting: Path, write: Callable[[Path], None]) -> None:
    try:
        with _named_failures(path):
            waiting.touch()
            usual = waiting.stat().st_mode
            write(waiting)
            waiting.chmod(usual)  # safetensors lets nobody but the owner read
            with waiting.open("rb+") as file:
                os.fsync(file.fileno())
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise


def _move(waiting: Path, path: Path) -> None:
    with _named_failures(path):
        os.replace(waiting, path)
        sync_directory(path.parent)


@contextmanager
def _named_failures(path: Path) -> Iterator[None]:
    # safetensors reports a full disk as an error of its own, so its module is asked at this one place.
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CheckpointError(
            f"{path}: cannot be written: {reason}; what was there is unchanged. Make room, or choose another place"
        ) from None
