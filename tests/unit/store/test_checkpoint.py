"""Training states are restored exactly, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from regard.errors import CheckpointError
from regard.store.checkpoint import Plain, load_state, save_state

TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "scalar": torch.tensor(3),
    "half": torch.tensor([1.5, float("nan")], dtype=torch.bfloat16),
    "empty": torch.zeros(0, 4),
    "flags": torch.tensor([True, False]),
    "bytes": torch.arange(5, dtype=torch.uint8),
}
SCALARS: dict[str, Plain] = {"step": 3, "best": None, "name": "é", "list": [1, 2.5, {"x": True}]}


def test_a_loaded_state_equals_the_saved_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.safetensors"
    view = torch.arange(10.0)
    save_state(path, {**TENSORS, "view": view[::2], "tied": view}, SCALARS)
    tensors, scalars = load_state(path)
    assert scalars == SCALARS
    assert tensors.keys() == {*TENSORS, "view", "tied"}
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name].nan_to_num(7), tensor.nan_to_num(7))
    assert tensors["view"].tolist() == [0, 2, 4, 6, 8]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_equal_states_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        save_state(tmp_path / name, TENSORS, SCALARS)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_missing_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"state: expected the state of an interrupted training, found no"):
        load_state(tmp_path / "state")


@pytest.mark.parametrize("offset", [-1, 120])
def test_a_flipped_bit_is_detected(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "state"
    save_state(path, TENSORS, SCALARS)
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match=str(path)):
        load_state(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, TENSORS, SCALARS)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="not a valid safetensors file"):
        load_state(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "expected a training state written by regard"),
        ({"regard": "{"}, "expected a training state written by regard"),
        ({"regard": "[]"}, "expected a training state written by regard"),
        (
            {"regard": '{"format_version": 9, "sha256": "", "scalars": {}}'},
            "a training state of format version 9, but this",
        ),
        ({"regard": '{"format_version": 1, "sha256": "", "scalars": {}}'}, "does not match its hash"),
        ({"regard": '{"format_version": 2, "sha256": "", "scalars": {}}'}, "does not match its hash"),
    ],
)
def test_other_safetensors_files_are_refused(tmp_path: Path, metadata: dict[str, str] | None, message: str) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "state", metadata=metadata)
    with pytest.raises(CheckpointError, match=message):
        load_state(tmp_path / "state")


def test_a_failed_write_keeps_the_old_state(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, TENSORS, SCALARS)
    (tmp_path / "state.new").mkdir()  # where the new state would be written
    with pytest.raises((CheckpointError, OSError)):
        save_state(path, TENSORS, {"step": 4})
    assert load_state(path)[1] == SCALARS
