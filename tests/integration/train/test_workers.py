"""Training by several workers gives the results of one worker, and the loss of a worker ends it in bounded time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from gang import Gangs, Job

COURSE = {"steps": 50, "validate_every": 25, "accumulate": 5, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def gangs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gangs]:
    gangs = Gangs(tmp_path_factory.mktemp("gangs"))
    yield gangs
    gangs.close()


def relative(vector: list[float], reference: list[float]) -> float:
    difference = torch.tensor(vector, dtype=torch.float64) - torch.tensor(reference, dtype=torch.float64)
    return float(difference.norm() / torch.tensor(reference, dtype=torch.float64).norm())


def test_what_workers_exchange(gangs: Gangs, tmp_path: Path) -> None:
    """Sums are exact sums, not means, for each type that training sends."""
    for workers in gangs.run("sums", [(count, {}) for count in (1, 2, 3)], here=0):
        count = len(workers)
        for rank, found in enumerate(workers):
            assert all(found["tensors"].values())
            assert found["integers"] == [(1 << 62) // count * count - sum(range(count)), sum(range(count))]
            assert found["collected"] == [{"rank": other, "text": "é" * other} for other in range(count)]
            assert found["first"] == "of 0"
            assert found["copied"] == ([0.0] * 3 if count > 1 else [float(rank)] * 3)
            assert found["shares"] == list(range(rank, 7, count))


@pytest.mark.parametrize(
    ("model", "options"), [("rnn", {}), ("transformer", {}), ("transformer", {"r_drop": 2.0, "word_dropout": 0.2})]
)
def test_gradients_are_those_of_one_worker(
    gangs: Gangs, tmp_path: Path, model: str, options: dict[str, object]
) -> None:
    """With dropout, an uneven number of batches per update, and small buckets sent during the backward pass."""
    arguments = {"model": model, "accumulate": 5, "bucket_bytes": 512, "options": options}
    alone, *others = gangs.run("gradients", [(count, arguments) for count in (1, 2, 3, 4)], here=0)
    for workers in others:
        for found in workers:
            assert relative(found["gradient"], alone[0]["gradient"]) <= 1e-6
            assert found["loss"] == pytest.approx(alone[0]["loss"], rel=1e-6)
            assert found["position"] == alone[0]["position"]
            assert min(found["early"][1:]) >= 10  # sent before the end of the backward pass, from the second update on
    assert {found["early"][0] for workers in others for found in workers} == {0}


@pytest.mark.parametrize("model", ["rnn", "transformer"])
def test_weights_after_50_updates_are_those_of_one_worker(gangs: Gangs, tmp_path: Path, model: str) -> None:
    jobs: list[Job] = [
        (count, {"directory": str(tmp_path / f"{place}"), "course": {"model": model, "options": COURSE}})
        for place, count in enumerate((1, 2, 3, 4, 2))
    ]
    alone, *others = gangs.run("train", jobs)
    [reference] = alone
    for workers in others:
        assert len({found["digest"] for found in workers}) == 1  # all copies are equal to the last bit
        assert workers[0]["messages"] == reference["messages"] == []
        for name, weights in workers[0]["weights"].items():
            # A constant added to all scores changes no weight of attention. The gradient of a key's bias is rounding.
            if not name.endswith("key_map.bias"):
                assert relative(weights, reference["weights"][name]) <= 1e-5, name
        assert workers[0]["losses"] == pytest.approx(reference["losses"], rel=1e-5)
        assert [found["outcome"] for found in workers] == [reference["outcome"]] * len(workers)
        assert [len(found["validations"]) for found in workers] == [2] * len(workers)
    assert others[0][0]["digest"] == others[3][0]["digest"]  # the same number of workers gives the same bits
    assert others[0][0]["digest"] != others[1][0]["digest"]


def test_killed_workers_are_followed_by_other_numbers_of_workers(gangs: Gangs, tmp_path: Path) -> None:
    """A worker of two is killed, then all of three, and one continues alone: the course is that without kills."""
    options = {**COURSE, "steps": 24, "validate_every": 8, "average": "last"}

    def job(count: int, directory: str, **course: object) -> Job:
        return count, {
            "directory": str(tmp_path / directory), "course": {"model": "rnn", "options": options, **course},
        }  # fmt: skip

    whole, two, three, last = gangs.run(
        "train",
        [
            job(1, "whole"),
            job(2, "cut", die_at=[1, 11]),
            job(3, "cut", die_at=[0, 18], resume=True),
            job(1, "cut", resume=True),
        ],
    )
    assert two[1] == -9
    assert "connection to another worker was lost" in two[0]["error"]
    assert not two[0]["reported"]
    assert three[0] == -9
    assert all(found["reported"] for found in three[1:])
    assert last[0]["outcome"] == whole[0]["outcome"]
    # Saved after the steps 8 and 16.
    assert last[0]["losses"] == pytest.approx(whole[0]["losses"][16:], rel=1e-5)
    for name, weights in last[0]["weights"].items():
        assert relative(weights, whole[0]["weights"][name]) <= 1e-5
    assert any("workers: 3, now 1" in message for message in last[0]["messages"])


def test_a_stop_of_one_worker_stops_all_at_the_same_step(gangs: Gangs, tmp_path: Path) -> None:
    options = {**COURSE, "steps": 12, "validate_every": 6}
    jobs: list[Job] = [
        (3, {"directory": str(tmp_path / "cut"), "course": {"model": "rnn", "options": options, "stop_at": [2, 4]}}),
        (2, {"directory": str(tmp_path / "cut"), "course": {"model": "rnn", "options": options, "resume": True}}),
        (2, {"directory": str(tmp_path / "whole"), "course": {"model": "rnn", "options": options}}),
    ]
    stopped, resumed, whole = gangs.run("train", jobs, here=1)
    assert [found["outcome"] for found in stopped] == [[4, True, 0, None]] * 3
    assert len({found["elapsed"] for found in stopped}) == 1  # all know the same time
    assert [found["outcome"] for found in resumed] == [found["outcome"] for found in whole]
    assert resumed[0]["losses"] == pytest.approx(whole[0]["losses"][4:], rel=1e-5)


def test_others_wait_while_worker_0_works_alone(gangs: Gangs, tmp_path: Path) -> None:
    patient, failed, killed = gangs.run(
        "waiting",
        [
            (2, {"case": "long", "seconds": 7.5, "timeout": 5.0}),
            (2, {"case": "error", "seconds": 0.0}),
            (3, {"case": "killed", "seconds": 0.5, "timeout": 5.0}),
        ],
        here=1,
    )
    assert [found["results"] for found in patient] == [["done", "again"]] * 2
    assert failed[0] == {"own error": "nothing to prepare"}
    assert (failed[1]["error"], failed[1]["reported"]) == (
        "worker 0, the process with RANK=0, has ended with an error: see its message",
        True,
    )
    assert killed[0] == -9
    for found in killed[1:]:
        assert "no sign of life for 5 seconds" in found["error"]
        assert found["reported"]


def test_parameters_that_no_worker_uses_keep_no_gradient(gangs: Gangs, tmp_path: Path) -> None:
    [workers] = gangs.run("unused", [(3, {})], here=1)
    for found in workers:
        assert found["gradients"] == [[[6.0] * 3, None, [1.0] * 3]] * 2
        assert found["extra"] == [3.0, 3.0]


def test_an_update_with_gradients_that_are_not_finite_in_one_worker_is_skipped_by_all(
    gangs: Gangs, tmp_path: Path
) -> None:
    [workers] = gangs.run("broken", [(2, {})], here=1)
    assert workers[0] == workers[1]
    [first, second] = workers[0]["after"]
    assert first == [[[1.0, 1.0], [1.0, 1.0]], 1]
    assert second[0][0][0] < 1.0
    assert second[1] == 1


def test_gradients_are_computed_again_if_a_backward_pass_failed_after_buckets_were_sent(
    gangs: Gangs, tmp_path: Path
) -> None:
    [workers] = gangs.run("spoiled", [(2, {})], here=1)
    for found in workers:
        assert found == {"again": [True, False], "gradients": [3.0, 3.0]}


def test_copies_that_differ_are_made_equal(gangs: Gangs, tmp_path: Path) -> None:
    [workers] = gangs.run("unequal", [(3, {})], here=0)
    for found in workers:
        assert found == {"found": [False, True, False], "weights": workers[0]["weights"]}
    assert workers[0]["weights"][1][2][2] == 1.0
