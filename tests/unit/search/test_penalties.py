"""Penalties compared with the formulas of the paper."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.search.penalties import MIN_ATTENTION, coverage_penalty, length_penalty


@given(length=st.integers(1, 500), alpha=st.floats(0, 3))
def test_length_penalty(length: int, alpha: float) -> None:
    expected = (5 + length) ** alpha / (5 + 1) ** alpha
    assert length_penalty(float(length), alpha) == pytest.approx(expected)
    torch.testing.assert_close(length_penalty(torch.tensor([float(length)]), alpha), torch.tensor([expected]))
    assert length_penalty(length + 1.0, alpha) >= length_penalty(float(length), alpha) >= 1.0


@given(
    rows=st.lists(st.lists(st.floats(0, 2), min_size=4, max_size=4), min_size=1, max_size=5),
    num_real=st.integers(1, 4),
    beta=st.floats(0, 2),
)
def test_coverage_penalty(rows: list[list[float]], num_real: int, beta: float) -> None:
    mask = torch.tensor([[position < num_real for position in range(4)]] * len(rows))
    found = coverage_penalty(torch.tensor(rows), mask, beta=beta)
    for row, penalty in zip(rows, found.tolist(), strict=True):
        expected = beta * sum(math.log(min(max(total, MIN_ATTENTION), 1.0)) for total in row[:num_real])
        assert penalty == pytest.approx(expected, abs=1e-4)
        assert penalty <= 0


def test_covered_positions_have_no_penalty() -> None:
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert coverage_penalty(torch.tensor([[1.0, 3.0, 1.5]]), mask, beta=5.0).item() == 0
    half = coverage_penalty(torch.tensor([[0.5, 3.0, 1.5]]), mask, beta=2.0).item()
    assert half == pytest.approx(2 * math.log(0.5))
