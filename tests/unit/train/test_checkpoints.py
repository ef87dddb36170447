"""Which checkpoints stay on disk, which is the best, which are averaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from regard.errors import CheckpointError
from regard.train.checkpoints import WORST, CheckpointDirectory
from regard.train.reporter import Sample, Validation

SCORES = {10: 5.0, 20: 9.0, 30: 7.0, 40: 9.0, 50: 6.0}


def filled(directory: Path, prefer: str, keep: int = 2) -> CheckpointDirectory:
    folder = CheckpointDirectory(directory, keep=keep, prefer=prefer)  # type: ignore[arg-type]
    for step, bleu in SCORES.items():
        validation = Validation(1.0, 1.0, bleu, samples=(Sample("a", "b", "c"),))
        folder.add(step, validation, "bleu", {"w": torch.tensor([float(step)])})
        folder.prune()
    return folder


def steps_on_disk(directory: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step-")) for path in directory.iterdir())


@pytest.mark.parametrize(
    ("prefer", "kept", "averaged"),
    [("last", [20, 40, 50], [40, 50]), ("best", [20, 40], [20, 40]), ("none", [20, 40, 50], [])],
)
def test_what_is_kept(tmp_path: Path, prefer: str, kept: list[int], averaged: list[int]) -> None:
    folder = filled(tmp_path, prefer)
    assert steps_on_disk(tmp_path) == kept
    assert [entry.step for entry in folder.averaged()] == averaged
    assert folder.best is not None
    assert folder.best.step == 20  # the earlier of two equals
    assert folder.weights(folder.best)["w"].item() == 20


def test_it_is_remembered_without_samples(tmp_path: Path) -> None:
    folder = filled(tmp_path, "last")
    again = CheckpointDirectory(tmp_path, keep=2, prefer="last")
    again.restore(folder.state())
    assert again.entries == folder.entries
    assert all(entry.validation.samples == () for entry in again.entries)


def test_leftovers_of_an_interrupted_run_go(tmp_path: Path) -> None:
    folder = filled(tmp_path, "last")
    (tmp_path / "step-00000099.safetensors").write_bytes(b"left over")
    (tmp_path / "state.safetensors").write_bytes(b"not a checkpoint")
    folder.prune()
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "state.safetensors"
    assert not (tmp_path / "step-00000099.safetensors").exists()


def test_a_step_done_again_replaces_the_first(tmp_path: Path) -> None:
    folder = filled(tmp_path, "last")
    folder.add(50, Validation(1.0, 1.0, 99.0), "bleu", {"w": torch.zeros(1)})
    assert [entry.step for entry in folder.entries] == [20, 40, 50]
    assert folder.best is not None
    assert folder.best.score == 99.0


def test_no_number_is_the_worst(tmp_path: Path) -> None:
    folder = CheckpointDirectory(tmp_path, keep=2, prefer="last")
    assert folder.best is None
    folder.add(1, Validation(float("nan"), float("nan")), "loss", {"w": torch.zeros(1)})
    assert folder.best is not None
    assert folder.best.score == WORST


@pytest.mark.parametrize("state", [None, 3, [{}], [{"step": 1, "score": "high", "validation": {}}], ["x"]])
def test_a_damaged_list_is_refused(tmp_path: Path, state: object) -> None:
    folder = CheckpointDirectory(tmp_path, keep=2, prefer="last")
    with pytest.raises(CheckpointError, match="list of checkpoints is damaged"):
        folder.restore(state)  # type: ignore[arg-type]
