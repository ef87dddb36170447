"""Selecting rows of a state copies them only where they differ from the rows they replace."""

from __future__ import annotations

import pytest
import torch

from regard.model.decoder import select_rows
from regard.values import Memory


def _memory() -> Memory:
    key = torch.arange(3.0)[:, None, None, None].expand(3, 2, 4, 5).contiguous()
    return Memory(key, -key, torch.arange(4) < torch.tensor([4, 2, 3])[:, None, None, None])


def _rows(memory: Memory) -> list[int]:
    """The sentence of each row, after checking that keys, values and masks agree on it."""
    rows = [int(row) for row in memory.key[:, 0, 0, 0]]
    assert rows == [-int(row) for row in memory.value[:, 1, 3, 4]]
    assert memory.mask is not None
    assert [[4, 2, 3][row] for row in rows] == memory.mask.sum((1, 2, 3)).tolist()
    return rows


def test_a_swap_of_copies_returns_the_same_memory() -> None:
    twice = select_rows(_memory(), torch.tensor([0, 0, 1, 1, 2, 2]))
    assert _rows(twice) == [0, 0, 1, 1, 2, 2]
    assert select_rows(twice, torch.tensor([1, 1, 2, 3, 5, 4])) is twice
    assert select_rows(_memory(), torch.tensor([0, 2, 1])) is not twice
    memory = _memory()
    assert select_rows(memory, torch.arange(3)) is memory


@pytest.mark.parametrize("rows", [[2, 2, 0], [0, 2, 4], [4, 5, 0, 1, 2, 3], [3], [1, 3, 5, 5, 5, 5, 5], []])
def test_repeated_selection_selects_from_the_first_rows(rows: list[int]) -> None:
    first = [0, 0, 1, 1, 2, 2]
    selected = select_rows(select_rows(_memory(), torch.tensor(first)), torch.tensor(rows, dtype=torch.int64))
    assert _rows(selected) == [first[row] for row in rows]
    reversed_rows = list(reversed(range(len(rows))))
    selected = select_rows(selected, torch.tensor(reversed_rows, dtype=torch.int64))
    assert _rows(selected) == [first[rows[row]] for row in reversed_rows]
