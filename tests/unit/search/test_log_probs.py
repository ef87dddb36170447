"""Logits become log-probabilities, or an error that says where they could not."""

from __future__ import annotations

import math

import pytest
import torch

from regard.errors import SearchError
from regard.search.log_probs import NotFiniteError, forbid, log_probabilities
from regard.values import Specials

SENTENCES = torch.tensor([4, 4, 7])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_log_softmax_is_taken_in_float32(dtype: torch.dtype) -> None:
    logits = torch.randn(3, 50).to(dtype)
    found = log_probabilities(logits, SENTENCES, step=1)
    assert found.dtype == torch.float32
    assert found.data_ptr() != logits.data_ptr()
    for row, given in zip(found.tolist(), logits.double().tolist(), strict=True):
        total = math.log(sum(math.exp(x) for x in given))
        assert row == pytest.approx([x - total for x in given], abs=1e-5)


@pytest.mark.parametrize("place", [0, 1, 17, 4095, 9999])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_none_is_found_wherever_it_stands(place: int, value: float) -> None:
    logits = torch.randn(3, 10_000)
    logits[2, place] = value
    with pytest.raises(NotFiniteError, match="sentence 8 of the batch at step 3") as caught:
        log_probabilities(logits, SENTENCES, step=3)
    assert (caught.value.sentence, caught.value.step) == (7, 3)
    assert isinstance(caught.value, SearchError)


def test_a_model_may_rule_tokens_out_but_not_all() -> None:
    logits = torch.randn(3, 5)
    logits[1, :4] = -math.inf
    assert log_probabilities(logits, SENTENCES, step=1)[1].tolist() == [-math.inf] * 4 + [0.0]
    logits[1, 4] = -math.inf
    with pytest.raises(NotFiniteError, match="sentence 5 "):
        log_probabilities(logits, SENTENCES, step=1)


def test_padding_and_bos_are_forbidden() -> None:
    kept = forbid(torch.zeros(2, 6), Specials(unk=5, pad=0, bos=4, eos=1)).isfinite()
    assert kept.tolist() == [[False, True, True, True, False, True]] * 2
