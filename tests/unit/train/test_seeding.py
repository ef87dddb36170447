"""Random numbers depend on seed, update and micro-batch only, in all of PyTorch's and regard's dropout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from regard.native import disabled
from regard.native.dropout import dropout, relu_dropout
from regard.train.seeding import micro_batch_seed, seed_micro_batch

DRAWS: dict[str, Callable[[], torch.Tensor]] = {
    "rand": lambda: torch.rand(50),
    "PyTorch's dropout": lambda: torch.nn.functional.dropout(torch.ones(200), 0.5),
    "dropout": lambda: dropout(torch.ones(200), 0.5),
    "ReLU and dropout": lambda: relu_dropout(torch.ones(200), 0.5),
}


def test_each_argument_changes_the_seed() -> None:
    arguments = [(seed, update, number, part) for seed in (0, 1, -1) for update in (1, 2) for number in (0, 1)
                 for part in (0, 1)]  # fmt: skip
    seeds = {micro_batch_seed(seed, update, number, part=part) for seed, update, number, part in arguments}
    assert len(seeds) == len(arguments)
    assert all(0 <= seed < 2**64 for seed in seeds)


def test_seeds_are_fixed() -> None:
    """Another seed would change the results of every training."""
    assert micro_batch_seed(1, 1, 0) == 77803131892610477
    assert micro_batch_seed(1, 2, 3, part=1) == 3859358616364316162


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("name", DRAWS)
def test_draws_depend_on_the_micro_batch_only(name: str, compiled: bool) -> None:
    def draw(update: int, number: int, *, before: int = 0) -> torch.Tensor:
        torch.rand(before)
        seed_micro_batch(7, update, number)
        if compiled:
            return DRAWS[name]()
        with disabled():
            return DRAWS[name]()

    first = draw(3, 1)
    assert torch.equal(draw(3, 1, before=5), first)
    assert not torch.equal(draw(3, 2), first)
    assert not torch.equal(draw(4, 1), first)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_by_the_same_seed() -> None:
    def draw(device: str) -> torch.Tensor:
        torch.rand(5, device="cuda")
        seed_micro_batch(7, 3, 1, device=device)
        return torch.rand(50, device="cuda")

    assert torch.equal(draw("cuda"), draw("cuda:0"))
