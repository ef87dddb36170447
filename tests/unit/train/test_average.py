"""Means of checkpoints."""

from __future__ import annotations

import pytest
import torch

from regard.errors import CheckpointError
from regard.train.average import average_states


def test_mean_name_by_name() -> None:
    states = [{"w": torch.tensor([1.0, 2.0]) * k, "n": torch.tensor(k)} for k in (1, 2, 6)]
    mean = average_states(states)
    assert mean["w"].tolist() == [3.0, 6.0]
    assert mean["w"].dtype == torch.float32
    assert mean["n"].item() == 1
    assert states[0]["w"].tolist() == [1.0, 2.0]


def test_a_single_state_is_its_own_mean() -> None:
    weight = torch.randn(3)
    assert torch.equal(average_states([{"w": weight}])["w"], weight)


def test_sums_in_double_precision() -> None:
    states = [{"w": torch.tensor([2.0**24])}] + [{"w": torch.tensor([1.0])}] * 7
    assert average_states(states)["w"].item() == 2**21 + 1  # sums in float32 would lose the seven


def test_nothing_to_average() -> None:
    with pytest.raises(CheckpointError, match=r"at least one.*train\.keep"):
        average_states([])


@pytest.mark.parametrize("other", [{"w": torch.zeros(3)}, {"v": torch.zeros(2)}, {}])
def test_states_that_do_not_fit(other: dict[str, torch.Tensor]) -> None:
    with pytest.raises(CheckpointError, match=r"checkpoint 2 does not fit the first: weight '[vw]'"):
        average_states([{"w": torch.zeros(2)}, other])
