"""Reads and writes zip archives in memory, with limits that bound the work that a hostile archive causes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regard.errors import DataError

MAX_ENTRIES = 10_000
"""Largest number of files in an archive."""
MAX_EXPANDED = 512 * 2**20
"""Largest size of all files of an archive together, in bytes."""
MAX_RATIO = 200
"""Largest ratio of the expanded to the compressed size of an archive of more than `_SMALL` expanded bytes."""
_SMALL = 16 * 2**20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in an archive.

    Attributes:
        info: Its name, date and compression.
        data: Its content.
    """

    info: zipfile.ZipInfo
    data: bytes


def read_archive(name: str, data: bytes) -> list[Entry]:
    """Reads all files of an archive; nothing is written to disk, so names cannot do harm.

    Args:
        name: Name of the archive, for messages.
        data: The archive.

    Returns:
        The files in order.

    Raises:
        DataError: The archive is damaged, encrypted or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _check(name, infos, len(data))
            return [Entry(info, _read(name, archive, info)) for info in infos]
    except _DAMAGED as error:
        raise DataError(f"{name}: damaged archive ({error}): open it in its program and save it again") from None


def write_archive(entries: Sequence[Entry], changed: Mapping[int, bytes]) -> bytes:
    """Writes an archive with some files replaced; names, dates, order and compression stay.

    Args:
        entries: The files of the original archive.
        changed: New content by position in `entries`.

    Returns:
        The archive.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for position, entry in enumerate(entries):
            info = zipfile.ZipInfo(entry.info.filename, entry.info.date_time)
            info.compress_type = entry.info.compress_type
            info.external_attr, info.create_system = entry.info.external_attr, entry.info.create_system
            info.comment = entry.info.comment
            archive.writestr(info, changed.get(position, entry.data))
    return buffer.getvalue()


def _check(name: str, infos: Sequence[zipfile.ZipInfo], size: int) -> None:
    if len(infos) > MAX_ENTRIES:
        raise DataError(f"{name}: {len(infos)} files in the archive, at most {MAX_ENTRIES} are read: split it")
    if any(info.flag_bits & 1 for info in infos):
        raise DataError(f"{name}: encrypted: remove the password, then upload it again")
    if len({info.filename for info in infos}) < len(infos):
        raise DataError(f"{name}: damaged archive (two files of one name): open it in its program and save it again")
    expanded = sum(info.file_size for info in infos)
    if expanded > MAX_EXPANDED or (expanded > _SMALL and expanded > MAX_RATIO * size):
        raise DataError(
            f"{name}: expands from {size} to {expanded} bytes; at most {MAX_EXPANDED} bytes and {MAX_RATIO} times the "
            f"size are read: remove large pictures or split it"
        )


def _read(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Reads a file, whose stated size may be wrong."""
    with archive.open(info) as file:
        content = file.read(info.file_size + 1)
    if len(content) > info.file_size:
        raise DataError(f"{name}: damaged archive ({info.filename!r:.80} has another size than stated): save it again")
    return content
