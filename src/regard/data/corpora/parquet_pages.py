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


def large_dictionaries(table: pq.ParquetFile, file: BinaryIO, names: Collection[str]) -> list[str]:
    """Finds the columns with a dictionary of more than 1 MiB, or whose pages cannot be understood.

    Args:
        table: The file, opened by pyarrow.
        file: The same file, open for reading.
        names: Names of the columns to look at, with all their fields.

    Returns:
        Paths of the columns, such as `translation.en`.

    Raises:
        OSError: The metadata of a column are damaged.
    """
    schema = table.metadata.schema
    columns = [index for index in range(len(schema)) if schema.column(index).path.partition(".")[0] in names]
    found = {}
    for group in range(table.num_row_groups):
        row_group = table.metadata.row_group(group)
        if row_group.total_byte_size <= MAX_DICTIONARY:
            continue
        # Damaged metadata of a column end the process when they are read by `column`, but here raise an error.
        next(table.iter_batches(1, row_groups=[group], columns=list(names), use_threads=False), None)
        for index in columns:
            chunk = row_group.column(index)
            path = chunk.path_in_schema
            if path not in found and chunk.total_uncompressed_size > MAX_DICTIONARY:
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
