"""Measures against loops that spell out their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from regard.inspection.measures import coverage, entropy, monotonicity, sharpness

ROWS = torch.tensor([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.5, 0]])


def test_entropy_in_nats():
    torch.testing.assert_close(entropy(ROWS), torch.tensor([0, math.log(4), math.log(2)]))


def test_sharpness_is_entropy_on_a_scale_of_its_own():
    torch.testing.assert_close(sharpness(ROWS), torch.tensor([1, 0, 0.5]))
    assert sharpness(torch.ones(3, 1)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 4, 6), (1, 1), (2, 2, 1)])
def test_against_loops(shape):
    torch.manual_seed(sum(shape))
    weights = torch.softmax(2 * torch.randn(shape, dtype=torch.float64), dim=-1)
    flat = weights.reshape(-1, *shape[-2:])
    for number, matrix in enumerate(flat.tolist()):
        found = [
            measure(weights).reshape(len(flat), -1)[number].tolist() for measure in (entropy, coverage, monotonicity)
        ]
        assert found[0] == pytest.approx([-sum(one * math.log(one) for one in row) for row in matrix], abs=1e-12)
        assert found[1] == pytest.approx([sum(row[s] for row in matrix) for s in range(shape[-1])])
        gaze = [sum(s * one for s, one in enumerate(row)) / sum(row) for row in matrix]
        pairs = [(a, b) for t, a in enumerate(gaze) for b in gaze[t + 1 :]]
        expected = sum((b > a) - (b < a) for a, b in pairs) / len(pairs) if pairs else 1.0
        assert found[2] == pytest.approx([expected])


def test_order():
    diagonal = torch.eye(6)
    assert monotonicity(diagonal) == 1
    assert monotonicity(diagonal.flip(0)) == -1
    assert monotonicity(torch.full((4, 5), 0.2)) == 0
    assert monotonicity(torch.zeros(3, 4)) == 0  # nowhere to look is no order, and no NaN
