"""Collating: bos, eos, padding, lengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from regard.data.collate import collate
from regard.errors import ShapeError
from regard.values import Specials

SPECIALS = Specials()


def test_a_batch() -> None:
    batch = collate([[5, 6, 7], (8,)], [[9], np.array([10, 11], dtype=np.int32)], specials=SPECIALS, indices=(4, 2))
    assert batch.src_ids.tolist() == [[5, 6, 7, 3], [8, 3, 1, 1]]
    assert batch.src_len.tolist() == [4, 2]
    assert batch.tgt_in_ids.tolist() == [[2, 9, 1], [2, 10, 11]]
    assert batch.tgt_out_ids.tolist() == [[9, 3, 1], [10, 11, 3]]
    assert batch.tgt_len.tolist() == [2, 3]
    assert batch.num_tgt_tokens == 5
    assert batch.indices == (4, 2)
    tensors = (batch.src_ids, batch.src_len, batch.tgt_in_ids, batch.tgt_out_ids, batch.tgt_len)
    assert {tensor.dtype for tensor in tensors} == {torch.int64}


def test_other_specials() -> None:
    batch = collate([[5], []], [[6], []], specials=Specials(unk=9, pad=8, bos=7, eos=0))
    assert batch.src_ids.tolist() == [[5, 0], [0, 8]]
    assert batch.tgt_in_ids.tolist() == [[7, 6], [7, 8]]
    assert batch.tgt_out_ids.tolist() == [[6, 0], [0, 8]]


def test_without_targets() -> None:
    batch = collate([[5], [6, 7]], None, specials=SPECIALS)
    assert batch.tgt_in_ids.shape == batch.tgt_out_ids.shape == (2, 0)
    assert batch.tgt_len.tolist() == [0, 0]
    assert batch.num_tgt_tokens == 0
    assert batch.indices == (0, 1)


def test_an_empty_batch() -> None:
    batch = collate([], [], specials=SPECIALS)
    assert batch.src_ids.shape == batch.tgt_in_ids.shape == (0, 0)
    assert batch.indices == ()


@pytest.mark.parametrize(
    ("tgt", "indices", "message"),
    [
        ([[1]], None, "expected 2 targets, one per source sentence, got 1"),
        (None, [1, 2, 3], "expected 2 indices.*got 3"),
    ],
)
def test_different_numbers_of_sentences_are_refused(
    tgt: list[list[int]] | None, indices: list[int] | None, message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        collate([[5], [6]], tgt, specials=SPECIALS, indices=indices)
