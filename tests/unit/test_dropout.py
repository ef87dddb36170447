"""Dropout draws the right share, keeps the mean, and passes gradients where it passed values."""

from __future__ import annotations

import pytest
import torch

from regard.dropout import Dropout, dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_of_zeros_and_scale_of_the_rest(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    y = dropout(torch.ones(1001, 999, dtype=dtype), rate)
    assert (y == 0).double().mean().item() == pytest.approx(rate, abs=0.002)  # deviation below 0.0005
    kept = y[y != 0].double().unique()
    assert kept.tolist() == pytest.approx([1 / (1 - rate)], rel=1e-2)


def test_neighbours_are_independent() -> None:
    torch.manual_seed(2)  # four elements share one 64-bit draw
    kept = (dropout(torch.ones(1_000_000), 0.5) != 0).double().view(-1, 4)
    correlation = torch.corrcoef(kept.T)
    assert (correlation - torch.eye(4)).abs().max() < 0.01


def test_gradient_flows_where_the_value_did() -> None:
    torch.manual_seed(3)
    x = torch.ones(1000, requires_grad=True)
    y = dropout(x, 0.3)
    y.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, y.detach())


def test_same_seed_same_draws_and_other_seed_others() -> None:
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return dropout(torch.ones(97), 0.5)

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_module_acts_in_training_only() -> None:
    x = torch.ones(100)
    module = Dropout(0.5)
    assert module.eval()(x) is x
    assert (module.train()(x) == 0).any()
    assert Dropout(0.0).train()(x) is x
    assert "rate=0.5" in repr(module)
