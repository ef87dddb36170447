"""Reads and writes zip archives in memory, with limits that bound the work that a hostile archive causes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from regard.errors import DataError

MAX_ENTRIES = 10_000
"""Largest number of files in an archive."""
MAX_EXPANDED = 512 * 2**20
"""Largest size of all files of an archive together, in bytes."""
MAX_TEXT = 16 * 2**20
"""Largest size of a text file, or of all translated files of an archive together, in bytes: some minutes of work."""
MAX_RATIO = 200
"""Largest ratio of the expanded to the compressed size of an archive of more than `_SMALL` expanded bytes."""
_SMALL = 16 * 2**20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip archive.

    Attributes:
        data: The bytes of the archive.
        names: Names of the files in the archive, in order.
        contents: Content of the files that were read, by index in `names`.
    """

    data: bytes
    names: tuple[str, ...]
    contents: Mapping[int, bytes]


def read_archive(name: str, data: bytes, contains_text: Callable[[str], bool]) -> Archive:
    """Reads the files of an archive that contain text, and checks the others.

    Nothing is written to disk, so the names in the archive cannot do harm. Of a file without text, only a part is in
    memory at a time.

    Args:
        name: Name of the archive, for messages.
        data: The archive.
        contains_text: Whether to read a file, given its name; called once per file.

    Returns:
        The archive with the contents of the files with text.

    Raises:
        DataError: The archive is damaged, encrypted or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _check(name, infos, len(data))
            selection = [contains_text(info.filename) for info in infos]
            text_size = sum(info.file_size for info, selected in zip(infos, selection, strict=True) if selected)
            if text_size > MAX_TEXT:
                raise DataError(f"{name}: contains {text_size} bytes of text; at most {MAX_TEXT} are read: split it")
            contents: dict[int, bytes] = {}
            for position, (info, selected) in enumerate(zip(infos, selection, strict=True)):
                chunks = list(_chunks(archive, info)) if selected else deque(_chunks(archive, info), maxlen=0)
                if selected:
                    contents[position] = b"".join(chunks)
            return Archive(data, tuple(info.filename for info in infos), contents)
    except _DAMAGED as error:
        raise DataError(f"{name}: damaged archive ({error}): open it in its program and save it again") from None


def write_archive(archive: Archive, changed: Mapping[int, bytes]) -> bytes:
    """Writes an archive with some files replaced; names, dates, order and compression stay.

    Args:
        archive: The original archive.
        changed: New contents of files. Each key is the index of the file's name in `archive.names`, from 0.

    Returns:
        The new archive.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive.data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for position, original in enumerate(source.infolist()):
            info = zipfile.ZipInfo(original.filename, original.date_time)
            info.compress_type, info.comment = original.compress_type, original.comment
            info.external_attr, info.create_system = original.external_attr, original.create_system
            content = changed[position] if position in changed else source.read(original)
            target.writestr(info, content)
    return buffer.getvalue()


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a file; reading it to the end checks its sum."""
    with archive.open(info) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _check(name: str, infos: Sequence[zipfile.ZipInfo], size: int) -> None:
    if len(infos) > MAX_ENTRIES:
        raise DataError(f"{name}: expected an archive of at most {MAX_ENTRIES} files, found {len(infos)}: split it")
    if any(info.flag_bits & 1 for info in infos):
        raise DataError(f"{name}: encrypted: save it without a password, then translate it again")
    if len({info.filename for info in infos}) < len(infos):
        raise DataError(f"{name}: damaged archive (two files of one name): open it in its program and save it again")
    expanded = sum(info.file_size for info in infos)
    if expanded > MAX_EXPANDED or (expanded > _SMALL and expanded > MAX_RATIO * size):
        raise DataError(
            f"{name}: expected an archive that expands to at most {MAX_EXPANDED} bytes and {MAX_RATIO} times its size, "
            f"found {size} bytes that expand to {expanded}: remove large pictures or split it"
        )
