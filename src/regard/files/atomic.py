"""Atomic writing: after a crash, a file or directory is complete or absent."""

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
"""Suffix of a file that is written but not yet renamed to its final name."""


def pending_path(path: Path) -> Path:
    """Temporary path of a file until `commit_pending` renames it: `path` with the suffix `.new` added."""
    return path.with_name(path.name + PENDING)


def write_pending(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file at its temporary path, `pending_path(path)`, and syncs it to disk; `commit_pending` renames it.

    Args:
        path: Final path of the file.
        write: Function that writes the content; it is called with the temporary path.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; no temporary file is left behind.
    """
    _write_and_sync(path, pending_path(path), write)


def commit_pending(path: Path, *, previous: Path | None = None) -> None:
    """Renames a file from `write_pending` to its final path, and atomically replaces an existing file there.

    Args:
        path: Final path of the file.
        previous: Path in the same directory to which an existing file is renamed; None = an existing file is deleted.

    Raises:
        CheckpointError: The file cannot be renamed.
    """
    if previous is None or not path.exists():
        move(pending_path(path), path)
        return
    second_name = pending_path(previous)
    try:
        second_name.unlink(missing_ok=True)
        os.link(path, second_name)
    except OSError:  # the file system has no hard links: for a moment there is only the previous file
        move(path, previous)
        move(pending_path(path), path)
        return
    # The new file first: so at every moment both paths have a complete file, and not the same one.
    move(pending_path(path), path)
    move(second_name, previous)


def write_file(path: Path, write: Callable[[Path], object], *, previous: Path | None = None) -> None:
    """Writes a file atomically: a crash leaves the old file or the new one.

    Args:
        path: Path of the file; its directory is created if necessary.
        write: Function that writes the content; it is called with a temporary path.
        previous: Path in the same directory to which an existing file is renamed; None = an existing file is deleted.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    make_directory(path.parent)
    write_pending(path, write)
    commit_pending(path, previous=previous)


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """Writes an output file at a path that the user gave, atomically; see `atomic_output`.

    Args:
        path: Path of the file; its directory must exist.
        write: Function that writes the content; it is called with a temporary path with the same suffix as `path`.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    with atomic_output(path) as temporary, named_errors(path):
        write(temporary)


@contextmanager
def atomic_output(path: Path) -> Iterator[Path]:
    """Context in which an output file at a path that the user gave is written, atomically.

    Unlike `write_file`, it uses a temporary name that cannot be one of the user's files, follows symbolic links, and
    keeps the permissions of an existing file. If the path is not a regular file, such as `/dev/stdout`, it is written
    directly.

    Args:
        path: Path of the file; its directory must exist.

    Yields:
        Temporary path with the same suffix as `path`, of an empty file to be written; at the end of the `with` block,
        it is renamed to `path`. An exception in the block removes it.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield path
        return
    if target.exists() and not os.access(target, os.W_OK):
        raise CheckpointError(f"{path}: cannot be written: it is write-protected; choose another path")
    temporary = target.with_name(f".{uuid4().hex}{PENDING}{target.suffix}")
    try:
        with named_errors(path):
            temporary.touch()
            usual = temporary.stat().st_mode
        yield temporary
        with named_errors(path):
            temporary.chmod(usual)  # safetensors makes files readable by the owner only
            _sync_file(temporary)
        if target.exists():
            _copy_mode(target, temporary)
        move(temporary, target)
    finally:
        _discard(temporary)


def write_shared_text(path: Path, text: str) -> None:
    """Writes a text file atomically while other processes may write the same file.

    Every process uses its own temporary name, and the last one to finish wins. A process that is killed leaves its
    temporary file behind, because no later process reuses the name.

    Args:
        path: Path of the file; its directory is created if necessary.
        text: Content of the file.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    make_directory(path.parent)
    temporary = path.with_name(f"{path.name}.{uuid4().hex}{PENDING}")
    _write_and_sync(path, temporary, lambda file: put_text(file, text))
    try:
        move(temporary, path)
    finally:
        _discard(temporary)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically, in UTF-8 and with unchanged line endings.

    Args:
        path: Path of the file; its directory is created if necessary.
        text: Content of the file.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    write_file(path, lambda file: put_text(file, text))


def put_text(path: Path, text: str) -> None:
    """Writes a text file directly, not atomically, in UTF-8 and with unchanged line endings.

    Use it where another function makes the write atomic, such as in the `write` of `write_file`.

    Args:
        path: Path of the file.
        text: Content of the file.
    """
    path.write_text(text, encoding="utf-8", newline="\n")


def make_directory(path: Path) -> None:
    """Creates a directory and its parents, unless they exist.

    Args:
        path: The directory.

    Raises:
        CheckpointError: A file has this name, or the directory cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise CheckpointError(
            f"{path}: expected a directory or an unused path, but this is a file; choose another path"
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{path}: the directory cannot be created: {error_reason(error)}; {error_remedy(error)}"
        ) from None


def move(path: Path, to: Path) -> None:
    """Renames a file or directory within its directory, atomically and durably.

    Args:
        path: Present path of the file or directory.
        to: New path in the same directory. An existing file is replaced; a directory can only get an unused path.

    Raises:
        CheckpointError: The file or directory cannot be renamed.
    """
    with named_errors(to):
        os.replace(path, to)
        sync_directory(to.parent)


def remove(path: Path) -> None:
    """Removes a file, a symbolic link, or a directory with its content, if it exists.

    Args:
        path: Path of the file, link or directory.

    Raises:
        CheckpointError: The path, or something in the directory, cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be removed: {error_reason(error)}; remove it yourself") from None


@contextmanager
def atomic_directory(path: Path, *, temporary: Path | None = None) -> Iterator[Path]:
    """Creates a directory atomically: after a crash, it is complete or absent.

    Args:
        path: Path of the directory; if it exists, it must be empty.
        temporary: Path of the temporary directory, next to `path`. If the process is killed, the directory remains, and
            the next call with the same `temporary` removes it. By default, each call uses a unique path, so that
            several processes may create the same directory at the same time; the first to finish wins.

    Yields:
        Temporary directory to write the files to; at the end of the `with` block, it is renamed to `path`.

    Raises:
        CheckpointError: The disk is full, or the path is in use or cannot be written; nothing is left behind.
    """
    shared = temporary is None
    directory = temporary or path.with_name(f".{path.name}.{uuid4().hex}{PENDING}")
    remove(directory)
    make_directory(directory)
    try:
        with named_errors(path):
            yield directory
        sync_tree(directory)
        with named_errors(path):
            try:
                os.replace(directory, path)
            except OSError:
                if not (shared and path.exists()):  # otherwise another process was faster
                    raise
            sync_directory(path.parent)
    finally:
        with suppress(CheckpointError):
            remove(directory)


def sync_tree(directory: Path) -> None:
    """Syncs a directory and everything in it to disk, and gives its files the default permissions of new files.

    This corrects the files of libraries such as safetensors, which only their owner can read.

    Args:
        directory: The directory.

    Raises:
        CheckpointError: The disk is full or fails.
    """
    with named_errors(directory):
        usual = 0o666 & ~_umask(directory)
        for parent, _, names in os.walk(directory):
            for name in names:
                with named_errors(Path(parent) / name):
                    os.chmod(os.path.join(parent, name), usual)  # safetensors makes files readable by the owner only
                    _sync_file(Path(parent) / name)
            sync_directory(Path(parent))


def sync_directory(path: Path) -> None:
    """Syncs the entries of a directory to disk, so that they survive a power failure."""
    if sys.platform == "win32":  # directories cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """SHA-256 hash of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Context that converts system errors in its `with` block to a `CheckpointError` with a remedy for the user.

    Args:
        path: The path that the block writes, for the message.

    Yields:
        Nothing.

    Raises:
        CheckpointError: The block raised an `OSError` or a `SafetensorError`.
    """
    # Imported here, because only writing needs it: safetensors reports a full disk as an error of its own.
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        advice = error_remedy(error)
        raise CheckpointError(
            f"{path}: cannot be written: {error_reason(error)}; the previous content is unchanged. "
            f"{advice[0].upper()}{advice[1:]}"
        ) from None


def _write_and_sync(path: Path, temporary: Path, write: Callable[[Path], object]) -> None:
    try:
        with named_errors(path):
            temporary.touch()
            usual = temporary.stat().st_mode
            write(temporary)
            temporary.chmod(usual)  # safetensors makes files readable by the owner only
            _sync_file(temporary)
    except BaseException:
        _discard(temporary)
        raise


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _copy_mode(path: Path, temporary: Path) -> None:
    """Gives the new file the permissions of the file that it replaces."""
    with named_errors(path):
        temporary.chmod(path.stat().st_mode & 0o7777)


def _discard(temporary: Path) -> None:
    """Removes a temporary file; failures are ignored, since an earlier error matters more."""
    with suppress(OSError):
        temporary.unlink(missing_ok=True)


def _umask(directory: Path) -> int:
    """Umask of this process, read from a new file: `os.umask` would change it for all threads."""
    probe = directory / f".{uuid4().hex}"
    probe.touch()
    mode = probe.stat().st_mode
    probe.unlink()
    return ~mode & 0o666
