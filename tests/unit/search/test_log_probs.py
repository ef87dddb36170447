"""Log-probabilities from logits, the most probable tokens, and errors that name the sentence."""

from __future__ import annotations

import math

import pytest
import torch

from regard.errors import SearchError
from regard.native import kernel
from regard.search.log_probs import NotFiniteError, forbid, forbidden_ids, log_probabilities, top_log_probs
from regard.values import Specials

SENTENCES = torch.tensor([4, 4, 7])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_log_softmax_is_taken_in_float32(dtype: torch.dtype) -> None:
    logits = torch.randn(3, 50).to(dtype)
    found = log_probabilities(logits, SENTENCES, step=1)
    assert found.dtype == torch.float32
    assert found.data_ptr() != logits.data_ptr()
    for row, row_logits in zip(found.tolist(), logits.double().tolist(), strict=True):
        total = math.log(sum(math.exp(x) for x in row_logits))
        assert row == pytest.approx([x - total for x in row_logits], abs=1e-5)


@pytest.mark.parametrize("index", [0, 1, 17, 4095, 9999])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_not_finite_are_found_at_any_index(index: int, value: float) -> None:
    logits = torch.randn(3, 10_000)
    logits[2, index] = value
    with pytest.raises(NotFiniteError, match="sentence 8 of the batch at step 3") as caught:
        log_probabilities(logits, SENTENCES, step=3)
    assert (caught.value.sentence, caught.value.step) == (7, 3)
    assert isinstance(caught.value, SearchError)


def test_a_model_may_exclude_tokens_but_not_all() -> None:
    logits = torch.randn(3, 5)
    logits[1, :4] = -math.inf
    assert log_probabilities(logits, SENTENCES, step=1)[1].tolist() == [-math.inf] * 4 + [0.0]
    logits[1, 4] = -math.inf
    with pytest.raises(NotFiniteError, match="sentence 5 "):
        log_probabilities(logits, SENTENCES, step=1)


def test_padding_bos_and_early_eos_are_forbidden() -> None:
    specials = Specials(unk=5, pad=0, bos=4, eos=1)
    assert sorted(forbidden_ids(specials)) == [0, 4]
    assert sorted(forbidden_ids(specials, unfinished=True)) == [0, 1, 4]
    allowed = forbid(torch.zeros(2, 6), forbidden_ids(specials)).isfinite()
    assert allowed.tolist() == [[False, True, True, True, False, True]] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "vocab"), [(1, 7), (3, 64), (3, 65), (40, 8000)])
@pytest.mark.parametrize("count", [1, 5])
def test_the_most_probable_tokens_are_those_of_sorting_all(
    instructions: str, dtype: torch.dtype, rows: int, vocab: int, count: int
) -> None:
    generator = torch.Generator().manual_seed(rows + vocab)
    logits = torch.stack([4.0 * torch.randperm(vocab, generator=generator) / vocab for _ in range(rows)]).to(dtype)
    logits[0, vocab - 1] = 9.0  # the last token; the next line raises a forbidden one
    logits[0, 1] = 10.0
    exact = logits.double().log_softmax(-1)
    values, ids = top_log_probs(logits.clone(), count, forbidden=(1, 2), sentences=torch.arange(rows), step=1)
    assert (values.dtype, values.shape, ids.shape) == (torch.float32, (rows, count), (rows, count))
    exact[:, [1, 2]] = -math.inf
    torch.testing.assert_close(values.double(), exact.sort(-1, descending=True).values[:, :count], atol=2e-5, rtol=0)
    torch.testing.assert_close(exact.gather(1, ids), values.double(), atol=2e-5, rtol=0)
    assert all(len(set(row)) == count for row in ids.tolist())
    assert not set(ids.flatten().tolist()) & {1, 2}


def test_impossible_tokens_have_a_log_probability_of_minus_infinity(instructions: str) -> None:
    logits = torch.full((2, 70), -math.inf)
    logits[:, 66] = 1.0
    logits[1, 3] = 0.0
    values, ids = top_log_probs(logits, 3, forbidden=(1, 2), sentences=torch.arange(2), step=1)
    assert values[0].tolist() == [0.0, -math.inf, -math.inf]
    assert ids[0, 0] == 66
    assert ids[1, :2].tolist() == [66, 3]
    assert values[1, 2] == -math.inf


@pytest.mark.parametrize("index", [0, 17, 63, 64, 9999])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_rows_that_are_not_finite_are_refused(instructions: str, index: int, value: float) -> None:
    logits = torch.randn(3, 10_000)
    logits[2, index] = value
    with pytest.raises(NotFiniteError, match="sentence 8 of the batch at step 3"):
        top_log_probs(logits, 2, forbidden=(1,), sentences=SENTENCES, step=3)
    with pytest.raises(NotFiniteError, match="sentence 5 "):
        top_log_probs(torch.full((3, 9), -math.inf), 2, forbidden=(1,), sentences=SENTENCES, step=3)


def test_of_equal_tokens_the_first_are_chosen() -> None:
    if kernel("top_log_probs", torch.zeros(1)) is None:
        pytest.skip("nothing was compiled here: PyTorch does not define the order of equal elements")
    _, ids = top_log_probs(torch.zeros(2, 200), 4, forbidden=(1, 2), sentences=torch.arange(2), step=1)
    assert ids.tolist() == [[0, 3, 4, 5]] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("count", [1, 5, 61, 62, 70])
def test_of_many_equal_tokens_the_first_are_chosen(kernels: str, dtype: torch.dtype, count: int) -> None:
    """Includes counts so large that the kernel cannot skip blocks of words by a threshold."""
    logits = torch.randint(0, 40, (20, 4999), generator=torch.Generator().manual_seed(count)).to(dtype)
    logits[:10].clamp_(max=37.0)
    _, ids = top_log_probs(logits, count, forbidden=(1, 2), sentences=torch.arange(20), step=1)
    allowed = logits.float()
    allowed[:, [1, 2]] = -1.0
    assert torch.equal(ids, allowed.sort(dim=-1, descending=True, stable=True).indices[:, :count])
