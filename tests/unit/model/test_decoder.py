"""Rows of a state are taken, and copied only where they differ from those that stand there already."""

from __future__ import annotations

import pytest
import torch

from regard.model.decoder import select_rows
from regard.values import Memory


def _memory() -> Memory:
    key = torch.arange(3.0)[:, None, None, None].expand(3, 2, 4, 5).contiguous()
    return Memory(key, -key, torch.arange(4) < torch.tensor([4, 2, 3])[:, None, None, None])


def _rows(memory: Memory) -> list[int]:
    """Which of the three sentences each row holds; they agree in keys, values and masks."""
    rows = [int(row) for row in memory.key[:, 0, 0, 0]]
    assert rows == [-int(row) for row in memory.value[:, 1, 3, 4]]
    assert memory.mask is not None
    assert [[4, 2, 3][row] for row in rows] == memory.mask.sum((1, 2, 3)).tolist()
    return rows


def test_copies_that_change_places_are_left_where_they_are() -> None:
    twice = select_rows(_memory(), torch.tensor([0, 0, 1, 1, 2, 2]))
    assert _rows(twice) == [0, 0, 1, 1, 2, 2]
    assert select_rows(twice, torch.tensor([1, 1, 2, 3, 5, 4])) is twice
    assert select_rows(_memory(), torch.tensor([0, 2, 1])) is not twice
    whole = _memory()
    assert select_rows(whole, torch.arange(3)) is whole


@pytest.mark.parametrize("rows", [[2, 2, 0], [0, 2, 4], [4, 5, 0, 1, 2, 3], [3], [1, 3, 5, 5, 5, 5, 5], []])
def test_rows_after_rows_are_rows_of_the_first(rows: list[int]) -> None:
    first = [0, 0, 1, 1, 2, 2]
    found = select_rows(select_rows(_memory(), torch.tensor(first)), torch.tensor(rows, dtype=torch.int64))
    assert _rows(found) == [first[row] for row in rows]
    again = list(reversed(range(len(rows))))
    found = select_rows(found, torch.tensor(again, dtype=torch.int64))
    assert _rows(found) == [first[rows[row]] for row in again]
