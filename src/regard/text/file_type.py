"""What a file is, by its first bytes: said where it is another than it should be."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError
from regard.files.reading import named_read_errors, open_regular, read_bytes

HEAD = 512
"""Bytes that `recognized` wants to see."""
LFS = b"version https://git-lfs.github.com/spec/"
LFS_POINTER = "a pointer of Git LFS in place of the file itself: fetch it with `git lfs pull`"
"""How a file begins that Git LFS has put in place of a large one, and what is said of it."""
_UNPACK = "unpack it first"
_SIGNS = (
    (LFS, LFS_POINTER),
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


def recognized(head: bytes) -> str:
    r"""What a file is that begins so, if it is one of those that are often given in place of text or of weights.

    >>> recognized(b"PK\3\4 and so on")
    'a .zip archive: unpack it first, e.g. with unzip'
    >>> recognized(b"PK is short for Peter Klein.")
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


def read_file(path: Path, *, wanted: str, most: int) -> bytes:
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
    data = read_bytes(path, max_bytes=most, remedy=_cure(wanted))
    _refuse(path, data[:HEAD], wanted)
    return data


def check_file(path: Path, *, wanted: str) -> bytes:
    """Refuses what is no regular file, or evidently another than it should be, before a library opens it by its name.

    Args:
        path: Its name.
        wanted: What it should be, with its article, for messages.

    Returns:
        Its first bytes.

    Raises:
        CheckpointError: It is not there, cannot be read, or is something else.
    """
    head = read_head(path, wanted=wanted)
    _refuse(path, head, wanted)
    return head


def read_head(path: Path, *, wanted: str) -> bytes:
    """Reads the first bytes of a regular file, whatever they are.

    Args:
        path: Its name.
        wanted: As for `check_file`.

    Returns:
        `HEAD` of them, if there are so many.

    Raises:
        CheckpointError: It is not there, cannot be read, or is no file.
    """
    remedy = _cure(wanted)
    with open_regular(path, remedy=remedy) as file, named_read_errors(path, remedy=remedy):
        return file.read(HEAD) or b""


def _refuse(path: Path, head: bytes, wanted: str) -> None:
    if told := recognized(head):
        raise CheckpointError(f"{path}: expected {wanted}, found {told}")


def _cure(wanted: str) -> str:
    return f"expected {wanted}; check the name, or copy it again"
