"""Reading of untrusted files: regular files only, bounded size, errors with a remedy."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regard.errors import CheckpointError, RegardError

# Without O_NONBLOCK, opening a pipe that has no writer would block forever.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


@contextmanager
def open_regular(path: Path, *, remedy: str, error: type[RegardError] = CheckpointError) -> Iterator[io.FileIO]:
    """Opens a regular file for reading; pipes, devices and directories are refused without blocking.

    Args:
        path: Path of the file.
        remedy: What the user should do if the file cannot be read, for messages.
        error: Class of the errors to raise.

    Yields:
        The open file, unbuffered; it stays the same file even if another file is moved to the path.

    Raises:
        RegardError: An error of the class `error`: the file is missing, is not a regular file, or cannot be read.
    """
    with named_read_errors(path, remedy=remedy, error=error):
        handle = os.open(path, _FLAGS)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
        raise error(f"{path}: expected a file, found {kind}: {remedy}")
    with io.FileIO(handle, "rb") as file:
        yield file


def read_bytes(path: Path, *, max_bytes: int, remedy: str, error: type[RegardError] = CheckpointError) -> bytes:
    """Reads the content of a regular file that is not larger than a limit.

    Args:
        path: Path of the file.
        max_bytes: Largest allowed size in bytes.
        remedy: What the user should do if the file cannot be read, for messages.
        error: Class of the errors to raise.

    Returns:
        Content of the file.

    Raises:
        RegardError: An error of the class `error`: the file is missing, too large, not a regular file, or cannot be
            read.
    """
    with open_regular(path, remedy=remedy, error=error) as file:
        return read_whole(file, path, max_bytes=max_bytes, remedy=remedy, error=error)


def read_whole(
    file: io.FileIO, path: Path, *, max_bytes: int, remedy: str, error: type[RegardError] = CheckpointError
) -> bytes:
    """Reads an open file from its current position to its end.

    Args:
        file: The open file.
        path: Path of the file, for messages.
        max_bytes: Largest allowed number of bytes from the current position to the end.
        remedy: What the user should do if the file cannot be read, for messages.
        error: Class of the errors to raise.

    Returns:
        Content from the current position to the end of the file.

    Raises:
        RegardError: An error of the class `error`: the content is too large or cannot be read.
    """
    blocks, left = [], max_bytes + 1
    with named_read_errors(path, remedy=remedy, error=error):
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            blocks.append(block)
            left -= len(block)
    if left <= 0:
        size = os.fstat(file.fileno()).st_size
        raise error(f"{path}: expected at most {max_bytes:,} bytes, found {max(size, max_bytes + 1):,}: {remedy}")
    return b"".join(blocks)


def read_text(path: Path, *, max_bytes: int, remedy: str, error: type[RegardError] = CheckpointError) -> str:
    """Reads a text file in UTF-8.

    Args:
        path: Path of the file.
        max_bytes: Largest allowed size in bytes.
        remedy: What the user should do if the file cannot be read, for messages.
        error: Class of the errors to raise.

    Returns:
        Text of the file.

    Raises:
        RegardError: An error of the class `error`: the file is missing, too large, not a regular file, cannot be read,
            or is not UTF-8.
    """
    return decode_utf8(
        read_bytes(path, max_bytes=max_bytes, remedy=remedy, error=error), str(path), remedy=remedy, error=error
    )


def decode_utf8(data: bytes, where: str, *, remedy: str, error: type[RegardError] = CheckpointError) -> str:
    """Decodes the bytes of a file as UTF-8.

    Args:
        data: Content of the file.
        where: Name of the file, for messages.
        remedy: What the user should do if the content is not UTF-8, for messages.
        error: Class of the errors to raise.

    Returns:
        The text.

    Raises:
        RegardError: An error of the class `error`: the data is not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as cause:
        marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        found = "UTF-16" if marked else f"invalid byte 0x{data[cause.start]:02x} at offset {cause.start}"
        raise error(f"{where}: expected text in UTF-8, found {found}: {remedy}") from None


@contextmanager
def named_read_errors(path: Path, *, remedy: str, error: type[RegardError] = CheckpointError) -> Iterator[None]:
    """Context that converts system errors in its `with` block into a message for the user with a remedy.

    Args:
        path: Path of the file that the block reads, for the message.
        remedy: What the user should do about the error, for the message.
        error: Class of the errors to raise.

    Yields:
        Nothing.

    Raises:
        RegardError: An error of the class `error`, in place of an `OSError` or of the `ValueError` for a path with a
            null byte.
    """
    try:
        yield
    except FileNotFoundError:
        raise error(f"{path}: no such file: {remedy}") from None
    except OSError as cause:
        raise error(f"{path}: cannot be read: {cause.strerror or cause}: {remedy}") from None
    except ValueError as cause:
        if "\0" not in str(path):
            raise
        raise error(f"{path}: not a valid file name: {cause}: {remedy}") from None
