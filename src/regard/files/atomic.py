"""Files that are either wholly there or not at all, whatever happens while they are written."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from regard.errors import CheckpointError
from regard.files.paths import error_reason, error_remedy

PENDING = ".new"
"""Ending of a file that is written but has not taken its place yet."""


def pending_path(path: Path) -> Path:
    """The name under which a file waits to take its place."""
    return path.with_name(path.name + PENDING)


def write_pending(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file under its waiting name, down to the disk.

    Args:
        path: Where the file will be.
        write: Writes the content to the path that it is given.

    Raises:
        CheckpointError: The disk is full, or the place cannot be written; nothing is left behind.
    """
    _write_down(path, pending_path(path), write)


def commit_pending(path: Path) -> None:
    """Moves a waiting file to its place, over an older one, in one step.

    Args:
        path: Where the file will be.

    Raises:
        CheckpointError: The place cannot be written.
    """
    move(pending_path(path), path)


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file such that a crash leaves the old one or the new one, never half of it.

    Args:
        path: Where the file will be.
        write: Writes the content to the path that it is given.

    Raises:
        CheckpointError: The disk is full, or the place cannot be written; an older file is still there.
    """
    make_directory(path.parent)
    write_pending(path, write)
    commit_pending(path)


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file that a user named, such that a crash or a full disk leaves the old one or the new one.

    Unlike `write_file` it takes no name that may be the user's for the time of writing, writes through a link to what
    it points at, and hands over what is no file, such as `/dev/stdout`, as it is.

    Args:
        path: Where the file will be; its directory must be there.
        write: Writes the content to the path that it is given, whose ending is that of `path`.

    Raises:
        CheckpointError: The disk is full, or the place cannot be written; an older file is still there.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        with named_errors(path):
            write(path)
        return
    if place.exists() and not os.access(place, os.W_OK):
        raise CheckpointError(f"{path}: cannot be written: it is write-protected; choose another place")
    waiting = place.with_name(f".{uuid4().hex}{PENDING}{place.suffix}")
    try:
        _write_down(place, waiting, write)
        if place.exists():
            _keep_mode(place, waiting)
        move(waiting, place)
    finally:
        _forget(waiting)


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
    _write_down(path, waiting, lambda file: put_text(file, text))
    try:
        move(waiting, path)
    finally:
        _forget(waiting)


def write_text(path: Path, text: str) -> None:
    """Writes a text in UTF-8 with its line ends as they are, as `write_file` does.

    Args:
        path: Where the file will be.
        text: Its content.

    Raises:
        CheckpointError: The disk is full, or the place cannot be written; an older file is still there.
    """
    write_file(path, lambda file: put_text(file, text))


def put_text(path: Path, text: str) -> None:
    """Writes a text in UTF-8 with its line ends as they are, straight to its place: for a file that still waits for it.

    Args:
        path: The file.
        text: Its content.
    """
    path.write_text(text, encoding="utf-8", newline="\n")


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
        raise CheckpointError(
            f"{path}: the directory cannot be made: {error_reason(error)}; {error_remedy(error)}"
        ) from None


def move(place: Path, to: Path) -> None:
    """Gives a file or directory another name in the same directory, in one step that lasts.

    Args:
        place: What is there.
        to: Its new name, of a file perhaps that is there; where it is a directory's, nothing may be there.

    Raises:
        CheckpointError: It cannot be moved.
    """
    with named_errors(to):
        os.replace(place, to)
        sync_directory(to.parent)


def remove(place: Path) -> None:
    """Removes a file, a link or a directory with all that is in it, if it is there.

    Args:
        place: What to remove.

    Raises:
        CheckpointError: Some of it cannot be removed.
    """
    try:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"{place}: cannot be removed: {error_reason(error)}; remove it by hand") from None


@contextmanager
def atomic_directory(place: Path, *, waiting: Path | None = None) -> Iterator[Path]:
    """Makes a directory that is there wholly or not at all, whatever happens meanwhile.

    Args:
        place: Where it will be; an empty directory may be there.
        waiting: Where it is made, beside its place; one that was killed leaves it there, and the next one clears it
            away. When not given, several processes may make the same directory at once, and the first counts.

    Yields:
        Where to write its files.

    Raises:
        CheckpointError: The disk is full, or the place is taken or cannot be written; nothing is left behind.
    """
    shared = waiting is None
    making = waiting or place.with_name(f".{place.name}.{uuid4().hex}{PENDING}")
    remove(making)
    make_directory(making)
    try:
        with named_errors(place):
            yield making
        sync_tree(making)
        with named_errors(place):
            try:
                os.replace(making, place)
            except OSError:
                if not (shared and place.exists()):  # else somebody else was quicker
                    raise
            sync_directory(place.parent)
    finally:
        with suppress(CheckpointError):
            remove(making)


def sync_tree(directory: Path) -> None:
    """Brings a directory that others have written down to the disk, its files with the usual permissions.

    Args:
        directory: All that is in it is looked at.

    Raises:
        CheckpointError: The disk is full or fails.
    """
    with named_errors(directory):
        usual = 0o666 & ~_umask(directory)
        for place, _, names in os.walk(directory):
            for name in names:
                with named_errors(Path(place) / name):
                    os.chmod(os.path.join(place, name), usual)  # safetensors lets nobody but the owner read
                    _sync_file(Path(place) / name)
            sync_directory(Path(place))


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


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Says in words what the system refused while a place was written, and what to do about it.

    Args:
        path: The place.

    Yields:
        Nothing.

    Raises:
        CheckpointError: In place of an error of the system's.
    """
    # safetensors reports a full disk as an error of its own, so its module is asked at this one place.
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        advice = error_remedy(error)
        raise CheckpointError(
            f"{path}: cannot be written: {error_reason(error)}; what was there is unchanged. "
            f"{advice[0].upper()}{advice[1:]}"
        ) from None


def _write_down(path: Path, waiting: Path, write: Callable[[Path], object]) -> None:
    try:
        with named_errors(path):
            waiting.touch()
            usual = waiting.stat().st_mode
            write(waiting)
            waiting.chmod(usual)  # safetensors lets nobody but the owner read
            _sync_file(waiting)
    except BaseException:
        _forget(waiting)
        raise


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _keep_mode(path: Path, waiting: Path) -> None:
    """Whoever may read the older file may read the new one, and nobody else."""
    with named_errors(path):
        waiting.chmod(path.stat().st_mode & 0o7777)


def _forget(waiting: Path) -> None:
    """Leaves nothing behind where that is possible: what went wrong before counts more."""
    with suppress(OSError):
        waiting.unlink(missing_ok=True)


def _umask(directory: Path) -> int:
    """Of this process; it can be asked only by changing it, which other threads would notice, or by making a file."""
    probe = directory / f".{uuid4().hex}"
    probe.touch()
    mode = probe.stat().st_mode
    probe.unlink()
    return ~mode & 0o666
