"""The safetensors format as it is read: the header is believed only where it agrees with the file's size.

A file is eight bytes that say how long the header is, the header (JSON: type, shape and place of each tensor, and
`__metadata__`), and the tensors' bytes one after the other. Nothing is allocated that the file does not hold.
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
from regard.files.reading import open_regular, reading
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
_LARGEST_HEADER = 16 << 20
# Room for a hundred thousand tensors; a model has hundreds.
_DIMENSIONS, _LONGEST = 8, 1 << 48
# Of a tensor, and positions along one of them.
_SHOWN = 80
# Characters of a name in a message.
_METADATA = "__metadata__"
_CURE = "it was cut short or damaged; copy it again or train again"


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a file.

    Attributes:
        dtype: Its type.
        shape: Its shape.
        start: Its first byte, counted from the end of the header.
        num_bytes: How many there are.
    """

    dtype: torch.dtype
    shape: Shape
    start: int
    num_bytes: int

    @property
    def numel(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself, found to agree with its size.

    Attributes:
        entries: Tensors by name, in the order of their bytes; they fill the file from `start` to its end.
        metadata: The file's own remarks.
        start: Where the tensors' bytes begin.
    """

    entries: dict[str, Entry]
    metadata: dict[str, str]
    start: int


def read_header(file: HashedFile) -> Header:
    """Reads and checks the header.

    Args:
        file: At its start.

    Returns:
        The header.

    Raises:
        CheckpointError: The file is cut short or not in this format.
    """
    length = bytearray(_LENGTH)
    if file.fill(memoryview(length)) < _LENGTH:
        raise _damaged(file.path, f"{file.size} bytes are too few")
    count = int.from_bytes(length, "little")
    room = file.size - _LENGTH
    if bytes(length) == LFS_PREFIX[:_LENGTH]:
        raise CheckpointError(f"{file.path}: {LFS_POINTER_MESSAGE}")
    if count > min(room, _LARGEST_HEADER):
        raise _damaged(file.path, f"a header of {count:,} bytes in a file of {file.size:,}")
    text = bytearray(count)
    file.fill(memoryview(text))
    tree = parse_json(bytes(text), where=f"{file.path}: not a whole safetensors file", cure=_CURE)
    if not isinstance(tree, dict):
        raise _damaged(file.path, "its header is no object")
    metadata = tree.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(file.path, f"its {_METADATA} should be texts")
    entries = _in_order(file.path, tree)
    end = sum(entry.num_bytes for entry in entries.values())
    if end != room - count:
        raise _damaged(file.path, f"its tensors take {end:,} bytes, but there are {room - count:,}")
    return Header(entries, metadata, _LENGTH + count)


def read_body(file: HashedFile, header: Header) -> dict[str, Tensor]:
    """Reads all tensors into memory of their own, byte by byte what is hashed.

    Args:
        file: Behind its header.
        header: What `read_header` gave.

    Returns:
        Tensors of any shape, `(...)`, by name.

    Raises:
        CheckpointError: The file has become shorter.
    """
    tensors = {}
    for name, entry in header.entries.items():
        tensor = torch.empty(entry.shape, dtype=entry.dtype)
        if entry.num_bytes:
            place = tensor.reshape(-1).view(torch.uint8).numpy().data  # (...) -> (bytes,)
            if file.fill(place) < entry.num_bytes:
                raise _damaged(file.path, f"it ends within {name}")
        tensors[name] = tensor
    return tensors


def map_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a file, as a map of it: numbers come from the disk when they are looked at.

    Args:
        path: The file.

    Returns:
        Tensors of any shape, `(...)`, by name, and the file's metadata.

    Raises:
        CheckpointError: The file is missing, cut short or not in this format.
    """
    with open_regular(path, cure="copy it again or train again") as file:
        header = read_header(HashedFile(file, path, _CURE))
        with reading(path, cure=_CURE):
            # Private: writing to a tensor changes no file. The map outlives the name, and keeps to this very file.
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return {name: _mapped(data, header, entry) for name, entry in header.entries.items()}, header.metadata


def _mapped(data: mmap.mmap, header: Header, entry: Entry) -> Tensor:
    start = header.start + entry.start
    if not entry.num_bytes:
        return torch.empty(entry.shape, dtype=entry.dtype)
    if start % entry.dtype.itemsize:  # other writers may not align them
        own = torch.frombuffer(bytearray(data[start : start + entry.num_bytes]), dtype=entry.dtype)
        return own.reshape(entry.shape)
    return torch.frombuffer(data, dtype=entry.dtype, count=entry.numel, offset=start).reshape(entry.shape)


def _in_order(path: Path, tree: Mapping[str, object]) -> dict[str, Entry]:
    entries = [(name, _entry(path, name[:_SHOWN], told)) for name, told in tree.items()]
    entries.sort(key=lambda one: (one[1].start, one[1].num_bytes))
    end = 0
    for name, entry in entries:
        if entry.start != end:
            raise _damaged(path, f"the bytes of {name[:_SHOWN]} do not follow those before them")
        end += entry.num_bytes
    return dict(entries)


def _entry(path: Path, name: str, told: object) -> Entry:
    if not isinstance(told, Mapping) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise _damaged(path, f"{name} has no type, shape and place")
    dtype, shape, offsets = _TYPES.get(str(told["dtype"])), told["shape"], told["data_offsets"]
    if dtype is None:
        raise _damaged(path, f"{name} is of the type {str(told['dtype'])[:20]!r}")
    if not (_are_sizes(shape) and len(shape) <= _DIMENSIONS and _are_sizes(offsets) and len(offsets) == 2):
        raise _damaged(path, f"{name} has a shape or a place that is none")
    start, end = offsets
    num_bytes = math.prod(shape) * dtype.itemsize
    if end - start != num_bytes:
        raise _damaged(path, f"{name} takes {num_bytes:,} bytes, but has {end - start:,}")
    return Entry(dtype, tuple(shape), start, num_bytes)


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(one) is int and 0 <= one < _LONGEST for one in value)


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path}: not a whole safetensors file ({reason}): {_CURE}")
