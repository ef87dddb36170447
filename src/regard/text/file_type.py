"""Detects file types by their first bytes, to refuse a wrong file with a helpful message."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError
from regard.files.reading import named_read_errors, open_regular, read_bytes

HEAD_SIZE = 512
"""Number of leading bytes that `detect_file_type` needs."""
LFS_PREFIX = b"version https://git-lfs.github.com/spec/"
LFS_POINTER_MESSAGE = "a Git LFS pointer instead of the file itself: fetch it with `git lfs pull`"
"""First bytes of a Git LFS pointer file, and how messages describe such a file."""
_UNPACK = "unpack it first"
_MAGIC_NUMBERS = (
    (LFS_PREFIX, LFS_POINTER_MESSAGE),
    (b"\xfd7zXZ\0", f"an .xz archive: {_UNPACK}, e.g. with xz -d"),
    (b"BZh", f"a .bz2 archive: {_UNPACK}, e.g. with bzip2 -d"),
    (b"PK\3\4", f"a .zip archive: {_UNPACK}, e.g. with unzip"),
    (b"PK\5\6", "an empty .zip archive: download it again"),
    (b"\x28\xb5\x2f\xfd", f"a .zst archive: {_UNPACK}, e.g. with zstd -d"),
    (b"7z\xbc\xaf\x27\x1c", f"a .7z archive: {_UNPACK}, e.g. with 7z x"),
    (b"Rar!\x1a\x07", f"a .rar archive: {_UNPACK}, e.g. with unrar x"),
    (b"\x04\x22\x4d\x18", f"an .lz4 archive: {_UNPACK}, e.g. with lz4 -d"),
    (b"\x1f\x9d", f"a .Z archive: {_UNPACK}, e.g. with uncompress"),
    (b"LZIP", f"an .lz archive: {_UNPACK}, e.g. with lzip -d"),
    (b"PAR1", "a Parquet table: write its columns as text first, one sentence per line"),
    (b"%PDF-", "a PDF: extract its text first"),
    (b"\x93NUMPY", "a NumPy array: check the file name"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file: check the file name"),
)
_BZ2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_TAR_OFFSET, _TAR = 257, b"ustar"


def detect_file_type(head: bytes) -> str:
    r"""Detects archives and other files that users often pass in place of text or weights.

    >>> detect_file_type(b"PK\3\4 and so on")
    'a .zip archive: unpack it first, e.g. with unzip'
    >>> detect_file_type(b"PK is short for Peter Klein.")
    ''

    Args:
        head: The first `HEAD_SIZE` bytes of the file, or all of them if there are fewer.

    Returns:
        Description of the file type for an error message, and advice on how to convert the file; empty if no such type
        is detected. A .gz is not reported, because text may be compressed with gzip.
    """
    if head[_TAR_OFFSET : _TAR_OFFSET + len(_TAR)] == _TAR:
        return f"a .tar archive: {_UNPACK}, e.g. with tar -xf"
    file_type = next((description for magic, description in _MAGIC_NUMBERS if head.startswith(magic)), "")
    if head.startswith(b"BZh") and not (head[3:4].isdigit() and head[4:10] in _BZ2_BLOCKS):
        return ""  # text that begins with "BZh"
    return file_type


def read_file(path: Path, *, expected: str, most: int) -> bytes:
    """Reads the whole content of a regular file, and refuses archives and other files of a wrong type.

    Args:
        path: Path of the file.
        expected: Description of the expected file, for messages, such as `a Marian model`.
        most: Largest allowed size in bytes.

    Returns:
        Content of the file.

    Raises:
        CheckpointError: The file is missing, cannot be read, is too large, or is of a type that `detect_file_type`
            detects.
    """
    data = read_bytes(path, max_bytes=most, remedy=_remedy(expected))
    _check_type(path, data[:HEAD_SIZE], expected)
    return data


def check_file(path: Path, *, expected: str) -> bytes:
    """Refuses archives and other files of a wrong type, before another library opens the file.

    Args:
        path: Path of the file.
        expected: Description of the expected file, for messages, such as `a Marian model`.

    Returns:
        The first `HEAD_SIZE` bytes of the file, or all bytes if there are fewer.

    Raises:
        CheckpointError: The file is missing, cannot be read, is not a regular file, or is of a type that
            `detect_file_type` detects.
    """
    head = read_head(path, expected=expected)
    _check_type(path, head, expected)
    return head


def read_head(path: Path, *, expected: str) -> bytes:
    """Reads the first bytes of a regular file of any type.

    Args:
        path: Path of the file.
        expected: Description of the expected file, for messages, such as `a Marian model`.

    Returns:
        The first `HEAD_SIZE` bytes of the file, or all bytes if there are fewer.

    Raises:
        CheckpointError: The file is missing, cannot be read, or is not a regular file.
    """
    cure = _remedy(expected)
    with open_regular(path, remedy=cure) as file, named_read_errors(path, remedy=cure):
        return file.read(HEAD_SIZE) or b""


def _check_type(path: Path, head: bytes, expected: str) -> None:
    if type_and_remedy := detect_file_type(head):
        raise CheckpointError(f"{path}: expected {expected}, found {type_and_remedy}")


def _remedy(expected: str) -> str:
    return f"expected {expected}; check the name, or copy the file again"
