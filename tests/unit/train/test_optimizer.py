"""One update equals PyTorch's AdamW after `clip_grad_norm_`; non-finite gradients change nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from regard.train.optimizer import Updater


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))


@pytest.mark.parametrize("clip", [0.0, 0.1, 100.0])
def test_equals_pytorchs_own(clip: float) -> None:
    ours, theirs = network(), network()
    updater = Updater(ours, betas=(0.9, 0.98), weight_decay=0.3, clip_norm=clip)
    groups = [
        {"params": [weight for weight in theirs.parameters() if weight.dim() > 1], "weight_decay": 0.3},
        {"params": [weight for weight in theirs.parameters() if weight.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.05, betas=(0.9, 0.98))
    for _ in range(5):
        x = torch.randn(8, 4)
        ours(x).pow(2).sum().backward()
        theirs(x).pow(2).sum().backward()
        norm = updater.update(0.05)
        reference_norm = nn.utils.clip_grad_norm_(theirs.parameters(), clip or float("inf"))
        optimizer.step()
        optimizer.zero_grad()
        torch.testing.assert_close(norm, reference_norm)
        assert all(weight.grad is None for weight in ours.parameters())
    for weight, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(weight, reference)
    assert updater.num_skipped == 0


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_non_finite_gradients_are_skipped_and_counted(poison: float) -> None:
    model = network()
    updater = Updater(model, betas=(0.9, 0.98), clip_norm=1.0)

    def learn(factor: float) -> None:
        (factor * model(torch.ones(1, 4)).sum()).backward()
        updater.update(0.1)

    learn(1.0)
    weights = [weight.detach().clone() for weight in model.parameters()]
    state = {name: value.clone() for name, value in updater.state().items()}
    learn(poison)
    learn(poison)
    assert all(torch.equal(before, after) for before, after in zip(weights, model.parameters(), strict=True))
    assert (int(updater.num_skipped), int(updater.num_broken_in_a_row)) == (2, 2)
    for name, value in updater.state().items():
        assert name.startswith("num_") or torch.equal(value, state[name]), name
    learn(1.0)
    assert (int(updater.num_skipped), int(updater.num_broken_in_a_row)) == (2, 0)
    assert not torch.equal(weights[0], next(model.parameters()))


def test_a_restored_updater_continues_exactly() -> None:
    whole, first = network(), network()
    xs = torch.randn(6, 8, 4)

    def learn(model: nn.Module, updater: Updater, x: torch.Tensor) -> None:
        model(x).pow(2).sum().backward()
        updater.update(0.05)

    steady = Updater(whole, betas=(0.9, 0.98), clip_norm=1.0)
    before = Updater(first, betas=(0.9, 0.98), clip_norm=1.0)
    for x in xs[:3]:
        learn(whole, steady, x)
        learn(first, before, x)
    second = network()
    second.load_state_dict(first.state_dict())
    after = Updater(second, betas=(0.9, 0.98), clip_norm=1.0)
    after.restore(before.state())
    for x in xs[3:]:
        learn(whole, steady, x)
        learn(second, after, x)
    pairs = zip(whole.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(weight, resumed) for weight, resumed in pairs)


def test_frozen_and_unused_weights_stay() -> None:
    model = nn.ModuleDict({"used": nn.Linear(2, 2), "unused": nn.Linear(2, 2), "frozen": nn.Linear(2, 2)})
    model["frozen"].requires_grad_(False)
    updater = Updater(model, betas=(0.9, 0.98), weight_decay=0.5)
    model["used"](torch.ones(1, 2)).sum().backward()
    updater.update(0.1)
    assert {name.partition(".")[2] for name in updater.state() if "." in name} == {"used.weight", "used.bias"}
