"""Files of integer arrays in the layout of safetensors, mapped into memory when they are read."""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.files.reading import open_regular

ALIGNMENT = 8
"""Every array begins at a multiple of this number of bytes."""
_TYPES = {"U8": "u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "I64": "<i8"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
_MAX_HEADER = 1 << 20
_METADATA, _DIGEST = "__metadata__", "sha256"

Array = NDArray[np.integer]


def write_arrays(path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, object]) -> None:
    """Writes arrays to a file.

    Equal arrays and metadata give equal bytes. The file is written under its final name, so an interrupted call leaves
    an incomplete file; `regard.files.atomic.write_file` prevents this.

    Args:
        path: Path of the file.
        arrays: Unsigned integers of 8 to 64 bits, or int64, of any shape, by name.
        metadata: Values that JSON can hold, by name.
    """
    # Larger items first, so that no gaps are needed between the arrays.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0]))
    digest, end = hashlib.sha256(), 0
    for _, array in ordered:
        digest.update(np.ascontiguousarray(array).data)
    stored = {**metadata, _DIGEST: digest.hexdigest()}
    header: dict[str, object] = {_METADATA: {"regard": json.dumps(stored, sort_keys=True)}}
    for name, array in ordered:
        start, end = end, end + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, array in ordered:
            file.write(np.ascontiguousarray(array).data)


class ArrayFile:
    """A file of arrays, mapped into memory.

    Args:
        path: Path of the file.
        remedy: What the user should do if the file is damaged, for messages.

    Attributes:
        path: Path of the file.
        metadata: The values that were stored with the arrays, by name.

    Raises:
        CheckpointError: The file is missing, cut short, or not a file of arrays.
    """

    def __init__(self, path: Path, *, remedy: str) -> None:
        self.path = path
        self._remedy = remedy
        with open_regular(path, remedy=remedy) as file:
            size = file.seek(0, 2)
            file.seek(0)
            head = file.read(8) or b""
            length = struct.unpack("<Q", head)[0] if len(head) == 8 else -1
            if not 0 <= length <= min(_MAX_HEADER, size - 8):
                raise self.damaged("the first bytes are not those of a safetensors file")
            header = file.read(length) or b""
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        tree: Any = parse_json(header, where=str(path), remedy=remedy)
        self._arrays: dict[str, Array] = {}
        try:
            self.metadata = self._parse_metadata(tree.pop(_METADATA)["regard"])
            self._first = 8 + length
            self._parse_arrays(tree, self._first, size)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.close()
            raise self.damaged(f"the header is not that of a file that regard wrote ({type(error).__name__})") from None

    def damaged(self, reason: str) -> CheckpointError:
        """Error to raise if the content is not what it should be.

        Args:
            reason: What is wrong.

        Returns:
            The error, which names the file and the remedy.
        """
        return CheckpointError(f"{self.path}: damaged: {reason}: {self._remedy}")

    def array(self, name: str, *, dtypes: tuple[str, ...], shape: tuple[int | None, ...]) -> Array:
        """Returns an array, which is read from disk where it is accessed.

        Args:
            name: Name of the array.
            dtypes: Allowed types, such as `U16`.
            shape: Expected shape, `(...)`; None = any size.

        Returns:
            The array, read-only.

        Raises:
            CheckpointError: There is no such array, or it has another type or shape.
        """
        array = self._arrays.get(name)
        if array is None:
            raise self.damaged(
                f"expected the file to contain an array named {name}, found {', '.join(sorted(self._arrays)) or 'none'}"
            )
        fits = len(array.shape) == len(shape) and all(
            size is None or size == found for size, found in zip(shape, array.shape, strict=True)
        )
        if not fits or _NAMES[array.dtype] not in dtypes:
            raise self.damaged(
                f"expected the array {name} of type {' or '.join(dtypes)} and shape {shape}, found "
                f"{_NAMES[array.dtype]} {array.shape}"
            )
        return array

    def has(self, name: str) -> bool:
        """Whether the file has an array of this name."""
        return name in self._arrays

    def verify(self) -> None:
        """Checks the arrays against their hash, which is stored with them.

        Raises:
            CheckpointError: The arrays do not match their hash.
        """
        if hashlib.sha256(memoryview(self._map)[self._first :]).hexdigest() != self.metadata.get(_DIGEST):
            raise self.damaged("its content does not match its hash, which is stored in the file")
        self.release()

    def release(self) -> None:
        """Lets the operating system free the memory of the arrays read so far; they stay usable, and are read again."""
        if sys.platform != "win32":
            self._map.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Closes the file; arrays that are still in use stay readable until they are deleted."""
        self._arrays = {}
        with suppress(BufferError):  # an array is in use; the map is closed with it
            self._map.close()

    def _parse_metadata(self, text: str) -> dict[str, Any]:
        metadata = parse_json(text.encode(), where=str(self.path), remedy=self._remedy)
        if not isinstance(metadata, dict):
            raise TypeError("not an object")
        return metadata

    def _parse_arrays(self, tree: dict[str, Any], first: int, size: int) -> None:
        end = 0
        for name, entry in sorted(tree.items(), key=lambda item: tuple(map(int, item[1]["data_offsets"]))):
            dtype, shape = np.dtype(_TYPES[entry["dtype"]]), [int(length) for length in entry["shape"]]
            start, stop = (int(offset) for offset in entry["data_offsets"])
            count = 1
            for length in shape:
                count *= length
            if min(shape, default=0) < 0 or start != end or stop - start != count * dtype.itemsize:
                raise ValueError(f"the offsets of the array {name[:40]} do not match its shape and type")
            if (first + start) % dtype.itemsize or first + stop > size:
                raise self.damaged(
                    f"the array {name[:40]} ends after the end of the file, which has {size} bytes, or is misaligned"
                )
            self._arrays[name] = np.frombuffer(self._map, dtype, count, first + start).reshape(shape)
            end = stop
        if first + end != size:
            raise self.damaged(
                f"the file has another size than its header says: expected {first + end} bytes, found {size}"
            )
