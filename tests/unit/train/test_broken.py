"""Updates with gradients that are not finite are written to files, a limited number of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from regard.data.collate import collate
from regard.train.broken import BROKEN, MAX_FILES, BrokenBatches, TrainingLine
from regard.train.checkpoints import CheckpointDirectory
from regard.values import Batch, Specials


def batch(*rows: list[int], first: int = 0) -> Batch:
    indices = range(first, first + len(rows))
    return collate(rows, [row[::-1] for row in rows], specials=Specials(), indices=list(indices))


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def broken(tmp_path: Path, messages: list[str]) -> BrokenBatches:
    return BrokenBatches(CheckpointDirectory(tmp_path, keep=1, prefer="none"), messages.append)


def test_a_broken_batch_is_written_with_its_lines(tmp_path: Path, broken: BrokenBatches, messages: list[str]) -> None:
    broken.find_line = lambda row: TrainingLine(f"train.en:{row + 1}", f"source {row}", f"target {row}")
    broken.add(3, [batch([4, 5])], torch.tensor(1.0))
    broken.add(4, [batch([6, 7, 8], [9]), batch([4], first=20)], torch.tensor(float("nan")))
    broken.add(5, [batch([4, 5])], torch.tensor(2.0))
    assert not (tmp_path / BROKEN).exists()
    broken.write()
    [path] = (tmp_path / BROKEN).iterdir()
    assert path.name == "step-00000004.jsonl"
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {
        "origin": "train.en:1", "source": "source 0", "target": "target 0", "source_ids": [6, 7, 8, 3],
        "target_ids": [8, 7, 6, 3], "row": 0, "batch": 0,
    }  # fmt: skip
    assert (second["source_ids"], second["row"]) == ([9, 3], 1)
    assert (third["origin"], third["batch"]) == ("train.en:21", 1)
    [message] = messages
    assert message == (
        "step 4: gradients were infinite or NaN, so the weights were not changed; the 3 sentence pairs of this step "
        f"are in {path}"
    )
    broken.write()
    assert len(messages) == 1


def test_without_text_the_ids_are_written(tmp_path: Path, broken: BrokenBatches) -> None:
    broken.add(1, [batch([4])], torch.tensor(float("inf")))
    broken.write()
    [line] = (tmp_path / BROKEN / "step-00000001.jsonl").read_text().splitlines()
    assert json.loads(line)["origin"] is None
    assert json.loads(line)["source_ids"] == [4, 3]


def test_the_number_of_files_is_limited_also_after_a_resumption(
    tmp_path: Path, broken: BrokenBatches, messages: list[str]
) -> None:
    for step in range(1, MAX_FILES + 5):
        broken.add(step, [batch([4])], torch.tensor(float("nan")))
    broken.write()
    again = BrokenBatches(CheckpointDirectory(tmp_path, keep=1, prefer="none"), messages.append)
    again.add(MAX_FILES + 5, [batch([4])], torch.tensor(float("nan")))
    again.add(2, [batch([4, 5])], torch.tensor(float("nan")))  # done again after a crash: replaced
    again.write()
    assert len(list((tmp_path / BROKEN).iterdir())) == MAX_FILES
    assert len(messages) == MAX_FILES + 1
    assert messages[MAX_FILES - 1].endswith("; further ones are not written")


def test_updates_are_checked_even_without_reports(broken: BrokenBatches, messages: list[str]) -> None:
    for step in range(1, 1001):
        broken.add(step, [], torch.tensor(float("nan") if step == 7 else 1.0))
    assert len(messages) == 1
