"""What a file is, by its first bytes, and files that must be regular ones: pipes and devices would be waited for."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from regard.errors import CheckpointError

HEAD = 512
"""Bytes that `recognised` wants to see."""
_LFS = b"version https://git-lfs.github.com/spec/"
_UNPACK = "unpack it first"
_SIGNS = (
    (_LFS, "a pointer of Git LFS in place of the file itself: fetch it with `git lfs pull`"),
    (b"\xfd7zXZ\0", f"an .xz archive: {_UNPACK}, e.g. with xz -d"),
    (b"BZh", f"a .bz2 archive: {_UNPACK}, e.g. with bzip2 -d"),
    (b"PK\3\4", f"a .zip archive: {_UNPACK}, e.g. with unzip"),
    (b"PK\5\6", "a .zip archive with nothing in it: fetch it again"),
    (b"\x28\xb5\x2f\xfd", f"a .zst archive: {_UNPACK}, e.g. with zstd -d"),
    (b"7z\xbc\xaf\x27\x1c", f"a .7z archive: {_UNPACK}, e.g. with 7z x"),
    (b"Rar!\x1a\x07", f"a .rar archive: {_UNPACK}, e.g. with unrar x"),
    (b"\x04\x22\x4d\x18", f"an .lz4 archive: {_UNPACK}, e.g. with lz4 -d"),
    (b"\x1f\x9d", f"a .Z archive: {_UNPACK}, e.g. with uncompress"),
    (b"LZIP", f"an .lz archive: {_UNPACK}, e.g. with lzip -d"),
    (b"PAR1", "a Parquet table: write its columns as text first, one sentence a line"),
    (b"%PDF-", "a PDF: take the text out of it first"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
)
_BZ2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_TAR_AT, _TAR = 257, b"ustar"


def recognised(head: bytes) -> str:
    """What a file is that begins so, if it is one of those that are often given in place of text or of weights.

    >>> recognised(b"PK\\3\\4 and so on")
    'a .zip archive: unpack it first, e.g. with unzip'
    >>> recognised(b"PK is short for Peter Klein.")
    ''

    Args:
        head: Its first bytes, `HEAD` of them if there are so many.

    Returns:
        Its name with what to do about it; empty where it is nothing of the kind. A .gz is none: text may be packed so.
    """
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return f"a .tar archive: {_UNPACK}, e.g. with tar -xf"
    told = next((told for sign, told in _SIGNS if head.startswith(sign)), "")
    if head.startswith(b"BZh") and not (head[3:4].isdigit() and head[4:10] in _BZ2_BLOCKS):
        return ""  # a word of somebody's
    return told


@contextmanager
def opened(path: Path, *, wanted: str) -> Iterator[BinaryIO]:
    """Opens a regular file of a model, and nothing that would have to be waited for.

    Args:
        path: Its name.
        wanted: What it should be, with its article, for messages.

    Yields:
        The open file.

    Raises:
        CheckpointError: It is not there, is something else than a regular file, or cannot be opened.
    """
    try:
        # A pipe that nobody writes to would be waited for even while it is opened.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise CheckpointError(_unopened(path, error, wanted)) from None
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise CheckpointError(f"{path}: expected {wanted}, found {_kind(mode)}: name a file")
        yield file


def read_whole(path: Path, *, wanted: str, most: int) -> bytes:
    """The content of a regular file.

    Args:
        path: Its name.
        wanted: What it should be, with its article, for messages.
        most: Bytes that it may have.

    Returns:
        All of it.

    Raises:
        CheckpointError: It is not there, cannot be read, is too large, or is evidently something else.
    """
    with opened(path, wanted=wanted) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise CheckpointError(f"{path}: expected {wanted}, of at most {most} bytes, found {size}: copy it again")
        try:
            data = file.read(most + 1)
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read: {error.strerror}; copy it again") from None
    if told := recognised(data[:HEAD]):
        raise CheckpointError(f"{path}: expected {wanted}, found {told}")
    return data


def check_file(path: Path, *, wanted: str) -> None:
    """Refuses what is no regular file, or evidently another than it should be, before a library opens it by its name.

    Args:
        path: Its name.
        wanted: What it should be, with its article, for messages.

    Raises:
        CheckpointError: It is not there, cannot be read, or is something else.
    """
    with opened(path, wanted=wanted) as file:
        told = recognised(file.read(HEAD))
    if told:
        raise CheckpointError(f"{path}: expected {wanted}, found {told}")


def _unopened(path: Path, error: OSError | ValueError, wanted: str) -> str:
    if isinstance(error, FileNotFoundError) and not os.path.lexists(path):
        return f"{path}: no such file: expected {wanted}; check the name, or copy it again"
    if isinstance(error, (FileNotFoundError, NotADirectoryError)) or getattr(error, "errno", None) == errno.ELOOP:
        return f"{path}: leads to no file: expected {wanted}; check the name, or copy it again"
    told = getattr(error, "strerror", None) or error
    return f"{path}: cannot be opened: {told}; expected {wanted}, which you may read"


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or something else that is no file"
