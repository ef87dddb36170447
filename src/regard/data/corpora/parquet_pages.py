"""Columns of a Parquet file whose dictionary may hold a large value that is repeated in many rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MAX_DICTIONARY = 1 << 20
"""Largest number of bytes of a dictionary whose values are copied to each row; the usual limit of programs that write
Parquet files."""
_HEADER_SIZE = 16
_DICTIONARY_PAGE = 2
_FIRST_FIELD, _NEXT_FIELD = b"\x15", b"\x15"
# The first two fields of a page header in Thrift's compact protocol: numbers of 32 bits, type and uncompressed size.


def large_dictionaries(metadata: pq.FileMetaData, file: BinaryIO, names: Collection[str]) -> list[str]:
    """Finds the columns with a dictionary of more than 1 MiB, or whose pages cannot be understood.

    Args:
        metadata: Metadata of the file.
        file: The file, open for reading.
        names: Names of the columns to look at, with all their fields.

    Returns:
        Paths of the columns, such as `translation.en`.
    """
    found = {}
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            path = chunk.path_in_schema
            if path.partition(".")[0] in names and path not in found and chunk.total_uncompressed_size > MAX_DICTIONARY:
                file.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
                if _dictionary_size(file.read(_HEADER_SIZE)) > MAX_DICTIONARY:
                    found[path] = True
    return list(found)


def _dictionary_size(header: bytes) -> float:
    """Uncompressed size of a page if it is a dictionary, otherwise 0; infinite if the header is not understood."""
    if not header.startswith(_FIRST_FIELD):
        return float("inf")
    kind, end = _number(header, 1)
    if header[end : end + 1] != _NEXT_FIELD:
        return float("inf")
    return _number(header, end + 1)[0] if kind == _DICTIONARY_PAGE else 0


def _number(data: bytes, start: int) -> tuple[int, int]:
    """A number in seven bits per byte, of which the lowest is the sign, and where it ends."""
    value = shift = 0
    for end in range(start, len(data)):
        value |= (data[end] & 127) << shift
        shift += 7
        if data[end] < 128:
            return value >> 1 ^ -(value & 1), end + 1
    return MAX_DICTIONARY + 1, len(data)
