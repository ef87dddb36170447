"""Files of arrays: what is written is read, and any damage is an error for the user."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from regard.data.prepared.array_file import ArrayFile, write_arrays
from regard.errors import CheckpointError

ARRAYS: dict[str, NDArray[np.integer]] = {
    "b": np.array([[1, 2], [3, 65_535]], np.uint16),
    "a": np.array([2**40], np.uint64),
    "none": np.zeros((0, 2), np.uint32),
    "bytes": np.frombuffer(b"abc", np.uint8),
    "offsets": np.array([0, 7], np.int64),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "file", ARRAYS, {"job": "x", "count": 3})
    return tmp_path / "file"


def test_arrays_are_read_as_they_were_written(path: Path) -> None:
    file = ArrayFile(path, remedy="remedy")
    file.verify()
    for name, dtype in (("b", "U16"), ("a", "U64"), ("none", "U32"), ("bytes", "U8"), ("offsets", "I64")):
        array = file.array(name, dtypes=(dtype,), shape=ARRAYS[name].shape)
        assert array.tolist() == ARRAYS[name].tolist()
        assert not array.flags.writeable
    file.release()
    assert file.array("b", dtypes=("U16",), shape=(None, 2)).tolist() == [[1, 2], [3, 65_535]]
    assert file.metadata.keys() == {"job", "count", "sha256"}
    file.close()


def test_other_libraries_read_the_file(path: Path) -> None:
    loaded = load_file(path)
    assert {name: array.tolist() for name, array in loaded.items()} == {
        name: array.tolist() for name, array in ARRAYS.items()
    }


def test_equal_arrays_give_equal_bytes(path: Path, tmp_path: Path) -> None:
    write_arrays(tmp_path / "again", dict(reversed(ARRAYS.items())), {"count": 3, "job": "x"})
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_truncation_is_an_error(path: Path) -> None:
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(CheckpointError, match=f"{path.name}.*: remedy"):
            ArrayFile(path, remedy="remedy")
    path.write_bytes(data + b"\0")
    with pytest.raises(CheckpointError, match=r"expected \d+ bytes, found \d+: remedy"):
        ArrayFile(path, remedy="remedy")


def test_every_changed_byte_of_the_content_is_an_error(path: Path) -> None:
    data = path.read_bytes()
    first = 8 + struct.unpack("<Q", data[:8])[0]
    for position in range(first, len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match="its content does not match its hash"):
            ArrayFile(path, remedy="remedy").verify()


@pytest.mark.parametrize(
    "change",
    [
        {"b": None},
        {"b": {"dtype": "F32", "shape": [2, 2], "data_offsets": [24, 32]}},
        {"b": {"dtype": "U16", "shape": [-1, -4], "data_offsets": [24, 32]}},
        {"b": {"dtype": "U16", "shape": [2**62, 2**62], "data_offsets": [24, 32]}},
        {"b": {"dtype": "U16", "shape": [3], "data_offsets": [24, 32]}},
        {"b": {"dtype": "U16", "shape": [2, 2], "data_offsets": [0, 8]}},
        {"b": {"dtype": "U16", "shape": [2, 2], "data_offsets": [24]}},
        {"b": 7},
        {"__metadata__": None},
        {"__metadata__": {"regard": "[]"}},
        {"__metadata__": {"regard": "{"}},
        {"__metadata__": {"regard": 4}},
    ],
)
def test_hostile_headers_are_errors(path: Path, change: dict[str, object]) -> None:
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = {**json.loads(data[8 : 8 + length]), **change}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    with pytest.raises(CheckpointError, match="remedy"):
        ArrayFile(path, remedy="remedy")


@pytest.mark.parametrize("data", [b"", b"1234567", struct.pack("<Q", 2**63) + b"{}", b"\2\0\0\0\0\0\0\0{}", b"x" * 99])
def test_other_files_are_errors(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="remedy"):
        ArrayFile(path, remedy="remedy")


def test_an_unexpected_array_is_an_error(path: Path) -> None:
    file = ArrayFile(path, remedy="remedy")
    for name, dtypes, shape in (("c", ("U16",), (2, 2)), ("b", ("U32",), (2, 2)), ("b", ("U16",), (3, 2))):
        with pytest.raises(CheckpointError, match=r"expected .* array"):
            file.array(name, dtypes=dtypes, shape=shape)
    with pytest.raises(CheckpointError, match="no such file: remedy"):
        ArrayFile(path.with_name("other"), remedy="remedy")
