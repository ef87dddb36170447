"""Masks: True = may attend."""

from __future__ import annotations

import torch

from regard.attention.masks import causal_mask, combine, padding_mask


def test_padding_mask_marks_real_positions() -> None:
    mask = padding_mask(torch.tensor([3, 1]), 3)
    assert mask.shape == (2, 1, 1, 3)
    assert mask[:, 0, 0].tolist() == [[True, True, True], [True, False, False]]


def test_causal_mask_hides_the_future() -> None:
    assert causal_mask(3)[0, 0].tolist() == [[True, False, False], [True, True, False], [True, True, True]]


def test_queries_of_a_causal_mask_are_the_last_keys() -> None:
    assert causal_mask(2, 4)[0, 0].tolist() == [[True, True, True, False], [True, True, True, True]]


def test_combine_is_the_logical_and() -> None:
    first, second = torch.tensor([True, True, False]), torch.tensor([True, False, True])
    combined = combine(first, None, second)
    assert combined is not None
    assert combined.tolist() == [True, False, False]
    assert combine(None, None) is None
