"""Which checkpoints stay on disk, which one is the best, which are averaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from regard.errors import CheckpointError
from regard.train.checkpoints import WORST_SCORE, CheckpointDirectory
from regard.train.reporter import Sample, Validation

SCORES = {10: 5.0, 20: 9.0, 30: 7.0, 40: 9.0, 50: 6.0}


def filled(directory: Path, prefer: str, keep: int = 2) -> CheckpointDirectory:
    checkpoints = CheckpointDirectory(directory, keep=keep, prefer=prefer)  # type: ignore[arg-type]
    for step, bleu in SCORES.items():
        validation = Validation(1.0, 1.0, bleu, samples=(Sample("a", "b", "c"),))
        checkpoints.add(step, validation, "bleu", {"w": torch.tensor([float(step)])})
        checkpoints.prune()
    return checkpoints


def steps_on_disk(directory: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step-")) for path in directory.iterdir())


@pytest.mark.parametrize(
    ("prefer", "kept", "averaged"),
    [("last", [20, 40, 50], [40, 50]), ("best", [20, 40], [20, 40]), ("none", [20, 40, 50], [])],
)
def test_the_right_checkpoints_are_kept(tmp_path: Path, prefer: str, kept: list[int], averaged: list[int]) -> None:
    checkpoints = filled(tmp_path, prefer)
    assert steps_on_disk(tmp_path) == kept
    assert [entry.step for entry in checkpoints.averaged()] == averaged
    assert checkpoints.best is not None
    assert checkpoints.best.step == 20  # the earlier of two equals
    assert checkpoints.weights(checkpoints.best)["w"].item() == 20


def test_the_list_is_restored_without_samples(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path, "last")
    again = CheckpointDirectory(tmp_path, keep=2, prefer="last")
    again.restore(checkpoints.state())
    assert again.entries == checkpoints.entries
    assert all(entry.validation.samples == () for entry in again.entries)


def test_leftovers_of_an_interrupted_run_are_removed(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path, "last")
    (tmp_path / "step-00000099.safetensors").write_bytes(b"left over")
    (tmp_path / "state.safetensors").write_bytes(b"not a checkpoint")
    checkpoints.prune()
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "state.safetensors"
    assert not (tmp_path / "step-00000099.safetensors").exists()


def test_what_the_state_before_needs_is_kept_until_it_is_replaced(tmp_path: Path) -> None:
    """In case the newest state is damaged."""
    checkpoints = CheckpointDirectory(tmp_path, keep=1, prefer="last")
    on_disk = []
    for step in (10, 20, 30, 40):
        checkpoints.add(step, Validation(1.0, 1.0, float(step)), "bleu", {"w": torch.zeros(1)})
        checkpoints.save({}, {"checkpoints": checkpoints.state()})
        checkpoints.prune()
        assert [entry.step for entry in checkpoints.entries] == [step]
        on_disk.append([int(path.stem.removeprefix("step-")) for path in sorted(tmp_path.glob("step-*"))])
    assert on_disk == [[10], [10, 20], [20, 30], [30, 40]]
    resumed = CheckpointDirectory(tmp_path, keep=1, prefer="last")
    resumed.restore(resumed.load().scalars["checkpoints"])
    resumed.prune()
    assert len(list(tmp_path.glob("step-*"))) == 2


def test_a_step_done_again_replaces_the_first(tmp_path: Path) -> None:
    checkpoints = filled(tmp_path, "last")
    checkpoints.add(50, Validation(1.0, 1.0, 99.0), "bleu", {"w": torch.zeros(1)})
    assert [entry.step for entry in checkpoints.entries] == [20, 40, 50]
    assert checkpoints.best is not None
    assert checkpoints.best.score == 99.0


def test_nan_is_the_worst_score(tmp_path: Path) -> None:
    checkpoints = CheckpointDirectory(tmp_path, keep=2, prefer="last")
    assert checkpoints.best is None
    checkpoints.add(1, Validation(float("nan"), float("nan")), "loss", {"w": torch.zeros(1)})
    assert checkpoints.best is not None
    assert checkpoints.best.score == WORST_SCORE


@pytest.mark.parametrize("state", [None, 3, [{}], [{"step": 1, "score": "high", "validation": {}}], ["x"]])
def test_a_damaged_list_is_refused(tmp_path: Path, state: object) -> None:
    checkpoints = CheckpointDirectory(tmp_path, keep=2, prefer="last")
    with pytest.raises(CheckpointError, match="list of checkpoints is damaged"):
        checkpoints.restore(state)  # type: ignore[arg-type]
