"""Reading of untrusted safetensors files: the header is checked against the size of the file.

A file consists of the length of the header (eight bytes), the header (JSON: type, shape and offsets of each tensor, and
`__metadata__`), and the bytes of the tensors. No memory is allocated beyond the size of the file.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.files.reading import named_read_errors, open_regular
from regard.store.verified import HashedFile
from regard.text.file_type import LFS_POINTER_MESSAGE, LFS_PREFIX

Shape: TypeAlias = tuple[int, ...]

_TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U64": torch.uint64, "U32": torch.uint32, "U16": torch.uint16, "U8": torch.uint8, "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "C64": torch.complex64,
}  # fmt: skip
_LENGTH = 8
_MAX_HEADER = 16 << 20
# Bytes: enough for a hundred thousand tensors; a model has hundreds.
_MAX_DIMENSIONS, _MAX_SIZE = 8, 1 << 48
# Dimensions of a tensor, and size of a dimension.
_MAX_SHOWN = 80
# Characters of a name in a message.
_METADATA = "__metadata__"
_REMEDY = "it is truncated or damaged; copy it again or train again"


@dataclass(frozen=True, slots=True)
class Entry:
    """The header's entry of one tensor in a safetensors file.

    Attributes:
        dtype: Data type of the tensor.
        shape: Shape of the tensor.
        start: Offset of the tensor's first byte, counted from the end of the header.
        num_bytes: Size of the tensor in bytes.
    """

    dtype: torch.dtype
    shape: Shape
    start: int
    num_bytes: int

    @property
    def numel(self) -> int:
        """Number of elements of the tensor."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """Header of a safetensors file, checked against the size of the file.

    Attributes:
        entries: Entry of each tensor by name, in the order of the file. The tensors fill the file without gaps, from
            `start` to the end.
        metadata: The `__metadata__` of the file: strings by name.
        start: Offset of the first tensor's first byte, counted from the start of the file.
    """

    entries: dict[str, Entry]
    metadata: dict[str, str]
    start: int


def read_header(file: HashedFile) -> Header:
    """Reads and checks the header of a safetensors file.

    Args:
        file: Open file, positioned at its start.

    Returns:
        The header.

    Raises:
        CheckpointError: The file is truncated or not in the safetensors format.
    """
    length = bytearray(_LENGTH)
    if file.fill(memoryview(length)) < _LENGTH:
        raise _damaged(file.path, f"only {file.size} bytes")
    count = int.from_bytes(length, "little")
    room = file.size - _LENGTH
    if bytes(length) == LFS_PREFIX[:_LENGTH]:
        raise CheckpointError(f"{file.path}: {LFS_POINTER_MESSAGE}")
    if count > min(room, _MAX_HEADER):
        raise _damaged(file.path, f"a header of {count:,} bytes in a file of {file.size:,}")
    text = bytearray(count)
    file.fill(memoryview(text))
    tree = parse_json(bytes(text), where=f"{file.path}: not a valid safetensors file", remedy=_REMEDY)
    if not isinstance(tree, dict):
        raise _damaged(file.path, "its header is not a JSON object")
    metadata = tree.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(file.path, f"its {_METADATA} has values that are not text")
    entries = _in_order(file.path, tree)
    end = sum(entry.num_bytes for entry in entries.values())
    if end != room - count:
        raise _damaged(file.path, f"its tensors take {end:,} bytes, but {room - count:,} follow the header")
    return Header(entries, metadata, _LENGTH + count)


def read_body(file: HashedFile, header: Header) -> dict[str, Tensor]:
    """Reads all tensors of a safetensors file into newly allocated memory; `file` hashes the bytes read.

    Args:
        file: Open file, positioned after its header.
        header: Header of the same file, from `read_header`.

    Returns:
        Tensors of any shape, `(...)`, by name.

    Raises:
        CheckpointError: The file ends before the last tensor does: it was truncated after its header was read.
    """
    tensors = {}
    for name, entry in header.entries.items():
        tensor = torch.empty(entry.shape, dtype=entry.dtype)
        if entry.num_bytes:
            buffer = tensor.reshape(-1).view(torch.uint8).numpy().data  # (...) -> (bytes,)
            if file.fill(buffer) < entry.num_bytes:
                raise _damaged(file.path, f"it ends within {name}")
        tensors[name] = tensor
    return tensors


def map_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Maps all tensors of a safetensors file into memory; values are read from disk on access.

    Args:
        path: Path of the file.

    Returns:
        Tensors of any shape, `(...)`, by name, and the file's metadata.

    Raises:
        CheckpointError: The file is missing, truncated or not in the safetensors format.
    """
    with open_regular(path, remedy="copy it again or train again") as file:
        header = read_header(HashedFile(file, path, _REMEDY))
        with named_read_errors(path, remedy=_REMEDY):
            # Copy on write: writing to a tensor does not change the file. The map stays valid if the path is replaced.
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return {name: _mapped(data, header, entry) for name, entry in header.entries.items()}, header.metadata


def _mapped(data: mmap.mmap, header: Header, entry: Entry) -> Tensor:
    start = header.start + entry.start
    if not entry.num_bytes:
        return torch.empty(entry.shape, dtype=entry.dtype)
    if start % entry.dtype.itemsize:  # files of other writers may be unaligned
        copy = torch.frombuffer(bytearray(data[start : start + entry.num_bytes]), dtype=entry.dtype)
        return copy.reshape(entry.shape)
    return torch.frombuffer(data, dtype=entry.dtype, count=entry.numel, offset=start).reshape(entry.shape)


def _in_order(path: Path, tree: Mapping[str, object]) -> dict[str, Entry]:
    entries = [(name, _entry(path, name[:_MAX_SHOWN], value)) for name, value in tree.items()]
    entries.sort(key=lambda item: (item[1].start, item[1].num_bytes))
    end = 0
    for name, entry in entries:
        if entry.start != end:
            raise _damaged(path, f"the bytes of {name[:_MAX_SHOWN]} do not follow those of the previous tensor")
        end += entry.num_bytes
    return dict(entries)


def _entry(path: Path, name: str, value: object) -> Entry:
    if not isinstance(value, Mapping) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _damaged(path, f"{name} has no type, shape and offsets")
    dtype, shape, offsets = _TYPES.get(str(value["dtype"])), value["shape"], value["data_offsets"]
    if dtype is None:
        raise _damaged(path, f"{name} is of unknown type {str(value['dtype'])[:20]!r}")
    if not (_are_sizes(shape) and len(shape) <= _MAX_DIMENSIONS and _are_sizes(offsets) and len(offsets) == 2):
        raise _damaged(path, f"{name} has invalid shape or offsets")
    start, end = offsets
    num_bytes = math.prod(shape) * dtype.itemsize
    if end - start != num_bytes:
        raise _damaged(path, f"{name} takes {num_bytes:,} bytes, but has {end - start:,}")
    return Entry(dtype, tuple(shape), start, num_bytes)


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < _MAX_SIZE for size in value)


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path}: not a valid safetensors file ({reason}): {_REMEDY}")
