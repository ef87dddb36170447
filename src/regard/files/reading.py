"""Reading what somebody else may have put there: regular files only, never more than was asked for, and in words."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regard.errors import CheckpointError, RegardError

# A pipe without a writer would otherwise keep whoever opens it waiting for ever.
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
def open_regular(path: Path, *, cure: str, error: type[RegardError] = CheckpointError) -> Iterator[io.FileIO]:
    """Opens a regular file to read it; a pipe, a device or a directory is refused without waiting.

    Args:
        path: The file.
        cure: What to do when it cannot be read, for the message.
        error: What to raise.

    Yields:
        The file without a buffer: it stays this one, whatever its name is given to meanwhile.

    Raises:
        RegardError: An `error`: it is missing, something else, or cannot be read.
    """
    with named_read_errors(path, remedy=cure, error=error):
        handle = os.open(path, _FLAGS)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        found = next((kind for is_it, kind in _KINDS if is_it(mode)), "something else")
        raise error(f"{path}: expected a file, found {found}: {cure}")
    with io.FileIO(handle, "rb") as file:
        yield file


def read_bytes(path: Path, *, most: int, cure: str, error: type[RegardError] = CheckpointError) -> bytes:
    """Reads a regular file.

    Args:
        path: The file.
        most: Bytes that it may have.
        cure: What to do when it cannot be read, for the message.
        error: What to raise.

    Returns:
        All of it.

    Raises:
        RegardError: An `error`: it is missing, larger, no regular file, or cannot be read.
    """
    with open_regular(path, remedy=cure, error=error) as file:
        return read_whole(file, path, max_bytes=most, remedy=cure, error=error)


def read_whole(
    file: io.FileIO, path: Path, *, most: int, cure: str, error: type[RegardError] = CheckpointError
) -> bytes:
    """Reads what is left of an open file.

    Args:
        file: The file.
        path: Its name, for messages.
        most: Bytes that may be left.
        cure: What to do when it cannot be read, for the message.
        error: What to raise.

    Returns:
        All that is left.

    Raises:
        RegardError: An `error`: there is more, or it cannot be read.
    """
    blocks, left = [], most + 1
    with named_read_errors(path, remedy=cure, error=error):
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            blocks.append(block)
            left -= len(block)
    if left <= 0:
        size = os.fstat(file.fileno()).st_size
        raise error(f"{path}: expected at most {most:,} bytes, found {max(size, most + 1):,}: {cure}")
    return b"".join(blocks)


def read_text(path: Path, *, most: int, cure: str, error: type[RegardError] = CheckpointError) -> str:
    """Reads a regular file of UTF-8.

    Args:
        path: The file.
        most: Bytes that it may have.
        cure: What to do when it cannot be read, for the message.
        error: What to raise.

    Returns:
        Its text, as `read_bytes` reads it.

    Raises:
        RegardError: An `error`: it cannot be read, or is no text in UTF-8.
    """
    return decode_utf8(read_bytes(path, max_bytes=most, remedy=cure, error=error), str(path), remedy=cure, error=error)


def decode_utf8(data: bytes, where: str, *, cure: str, error: type[RegardError] = CheckpointError) -> str:
    """Decodes UTF-8.

    Args:
        data: A file's content.
        where: The file, for messages.
        cure: What to do about it.
        error: What to raise.

    Returns:
        The text.

    Raises:
        RegardError: An `error`: it is something else.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        what = "UTF-16" if marked else f"byte 0x{data[fault.start]:02x}, at {fault.start}, which is none"
        raise error(f"{where}: expected text in UTF-8, found {what}: {cure}") from None


@contextmanager
def named_read_errors(path: Path, *, cure: str, error: type[RegardError] = CheckpointError) -> Iterator[None]:
    """Puts into words why a file cannot be opened or read within.

    Args:
        path: The file.
        cure: What to do about it.
        error: What to raise.

    Yields:
        Nothing.

    Raises:
        RegardError: An `error`, in place of what the system raised.
    """
    try:
        yield
    except FileNotFoundError:
        raise error(f"{path}: no such file: {cure}") from None
    except OSError as fault:
        raise error(f"{path}: cannot be read: {fault.strerror or fault}: {cure}") from None
    except ValueError as fault:
        if "\0" not in str(path):
            raise
        raise error(f"{path}: no file can be called so: {fault}: {cure}") from None
