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
    """Temporary name of a file before it is committed."""
    return path.with_name(path.name + PENDING)


def write_pending(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file under its pending name and syncs it to disk.

    Args:
        path: Final path of the file.
        write: Writes the content to the path it is called with.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; no file is left behind.
    """
    _write_and_sync(path, pending_path(path), write)


def commit_pending(path: Path) -> None:
    """Renames a pending file to its final name, replacing an existing file atomically.

    Args:
        path: Final path of the file.

    Raises:
        CheckpointError: The path cannot be written.
    """
    move(pending_path(path), path)


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file atomically: a crash leaves the old file or the new one.

    Args:
        path: Path of the file.
        write: Writes the content to the path it is called with.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    make_directory(path.parent)
    write_pending(path, write)
    commit_pending(path)


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """Writes an output file that the user named, atomically.

    Unlike `write_file`, it uses a temporary name that cannot be one of the user's files, follows symbolic links, keeps
    the permissions of an existing file, and writes directly to anything but a regular file, such as `/dev/stdout`.

    Args:
        path: Path of the file; its directory must exist.
        write: Writes the content to the path it is called with, which has the suffix of `path`.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with named_errors(path):
            write(path)
        return
    if target.exists() and not os.access(target, os.W_OK):
        raise CheckpointError(f"{path}: cannot be written: it is write-protected; choose another path")
    temporary = target.with_name(f".{uuid4().hex}{PENDING}{target.suffix}")
    try:
        _write_and_sync(target, temporary, write)
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
        path: Path of the file.
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
        path: Path of the file.
        text: Content of the file.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written; an existing file is unchanged.
    """
    write_file(path, lambda file: put_text(file, text))


def put_text(path: Path, text: str) -> None:
    """Writes a text file in place, in UTF-8 and with unchanged line endings; for pending files.

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
            f"{path}: expected a directory or an unused name, but it is a file; choose another"
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{path}: the directory cannot be created: {error_reason(error)}; {error_remedy(error)}"
        ) from None


def move(path: Path, to: Path) -> None:
    """Renames a file or directory within its directory, atomically and durably.

    Args:
        path: The file or directory.
        to: New path. An existing file is replaced; a directory can only be moved to an unused name.

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
        CheckpointError: `path`, or a file within it, cannot be removed.
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
        path: Path of the directory; an empty directory may exist there.
        temporary: Temporary path in the same parent directory. A killed process leaves it behind, and the next one
            removes it. By default, the name is unique: several processes may create the same directory at the same
            time, and the first to finish wins.

    Yields:
        Temporary directory to write files to.

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
    """Syncs a directory tree to disk, and gives its files the usual permissions.

    Args:
        directory: The directory, as written by other libraries.

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
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Converts system errors during writing into messages with a remedy.

    Args:
        path: The path that is written.

    Yields:
        Nothing.

    Raises:
        CheckpointError: Instead of an `OSError` or an error of safetensors.
    """
    # Imported here, because only writing needs it: safetensors reports a full disk as an error of its own.
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        advice = error_remedy(error)
        raise CheckpointError(
            f"{path}: cannot be written: {error_reason(error)}; what was there is unchanged. "
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
