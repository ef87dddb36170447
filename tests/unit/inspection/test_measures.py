"""Measures against plain loops over their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from regard.inspection.measures import coverage, entropy, monotonicity, sharpness

ROWS = torch.tensor([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.5, 0]])


def test_entropy_in_nats() -> None:
    torch.testing.assert_close(entropy(ROWS), torch.tensor([0, math.log(4), math.log(2)]))


def test_sharpness_is_normalized_entropy() -> None:
    torch.testing.assert_close(sharpness(ROWS), torch.tensor([1, 0, 0.5]))
    assert sharpness(torch.ones(3, 1)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 4, 6), (1, 1), (2, 2, 1)])
def test_against_loops(shape: tuple[int, ...]) -> None:
    torch.manual_seed(sum(shape))
    weights = torch.softmax(2 * torch.randn(shape, dtype=torch.float64), dim=-1)
    flat = weights.reshape(-1, *shape[-2:])
    for number, matrix in enumerate(flat.tolist()):
        measured = [
            measure(weights).reshape(len(flat), -1)[number].tolist() for measure in (entropy, coverage, monotonicity)
        ]
        assert measured[0] == pytest.approx(
            [-sum(weight * math.log(weight) for weight in row) for row in matrix], abs=1e-12
        )
        assert measured[1] == pytest.approx([sum(row[s] for row in matrix) for s in range(shape[-1])])
        attended = [sum(s * weight for s, weight in enumerate(row)) / sum(row) for row in matrix]
        pairs = [(a, b) for t, a in enumerate(attended) for b in attended[t + 1 :]]
        expected = sum((b > a) - (b < a) for a, b in pairs) / len(pairs) if pairs else 1.0
        assert measured[2] == pytest.approx([expected])


def test_monotonicity_of_simple_matrices() -> None:
    diagonal = torch.eye(6)
    assert monotonicity(diagonal) == 1
    assert monotonicity(diagonal.flip(0)) == -1
    assert monotonicity(torch.full((4, 5), 0.2)) == 0
    assert monotonicity(torch.zeros(3, 4)) == 0  # zero weights have no order, and give no NaN
