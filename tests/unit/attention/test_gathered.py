"""Attention to keys that stay where they are gives what attention to copies of them gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from regard.attention.gathered import Gathered, can_look, look
from regard.attention.multi import MultiHeadAttention
from regard.attention.scores import AdditiveScore, CosineScore, DotProductScore, GeneralScore, ScaledDotScore
from regard.attention.single import attend
from regard.native import kernel
from regard.values import Memory

pytestmark = pytest.mark.skipif(kernel("look", torch.zeros(1)) is None, reason="nothing was compiled here")


def _copied(memory: Gathered) -> Memory:
    """The same memory with a copy of each key in each row, in float64."""
    where = memory.rows.expand(-1, len(memory.keys)).unbind(1)
    key = torch.stack([one[rows] for one, rows in zip(memory.keys, where, strict=True)], dim=2)
    value = torch.stack([one[rows] for one, rows in zip(memory.values, where, strict=True)], dim=2)
    mask = None if memory.seen is None else memory.seen[where[0]][:, None, None]
    return Memory(key.double(), value.double(), mask)


def _check(score: DotProductScore, query: Tensor, memory: Gathered) -> None:
    context, weights = look(score, query, memory, need_weights=True)
    other, none = look(score, query, memory, need_weights=False)
    assert none is None
    assert torch.equal(context, other)
    copied = _copied(memory)
    wanted, shares = attend(
        score.double(), query.double(), copied, mask=copied.mask, bias=None, dropout=0.0, need_weights=True
    )
    assert weights is not None
    assert shares is not None
    torch.testing.assert_close(context.double(), wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weights.double(), shares.double(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [8, 17])
@pytest.mark.parametrize("kind", [ScaledDotScore, GeneralScore, CosineScore])
def test_a_search_that_goes_on_with_other_rows(kind: type[DotProductScore], size: int, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            score, memory = kind(size, size), Gathered.nothing(5)
            generator = torch.Generator().manual_seed(size)
            for rows in (5, 7, 7, 3, 40):
                memory = memory.select(torch.randint(len(memory.rows), (rows,), generator=generator))
                key, value = torch.randn(2, rows, 1, 3, size, generator=generator).transpose(2, 3)
                memory = memory.extend(Memory(score.project_key(key), value))
                _check(score, torch.randn(rows, 3, 1, size, generator=generator), memory)
                score.float()
            assert memory.rows.shape == (40, 5)
    finally:
        torch.set_num_threads(before)


def test_a_source_is_read_by_its_sentence_and_padding_by_nobody() -> None:
    with torch.inference_mode():
        score = ScaledDotScore(6, 6)
        attention = MultiHeadAttention(12, 2, score)
        lengths = torch.tensor([4, 1, 0, 3])
        mask = (torch.arange(4) < lengths[:, None])[:, None, None]
        whole = attention.remember(torch.randn(4, 4, 12), mask)
        memory = Gathered.of_source(whole)
        assert memory.keys[1].data_ptr() == whole.key[:, :, 1].data_ptr()  # not a copy
        memory = memory.select(torch.tensor([0, 0, 3, 2, 1, 3])).select(torch.tensor([1, 3, 4, 5, 2]))
        query = torch.randn(5, 2, 1, 6)
        _check(score, query, memory)
        context, _ = look(score.float(), query, memory, need_weights=False)
        assert bool((context[1] == 0).all())  # its source is empty
        states = torch.randn(5, 1, 12)
        padded = attention(
            states, Memory(whole.key[[0, 2, 1, 3, 3]], whole.value[[0, 2, 1, 3, 3]], mask[[0, 2, 1, 3, 3]])
        )
        torch.testing.assert_close(attention(states, memory).context, padded.context, atol=1e-6, rtol=1e-6)


def test_a_state_that_is_stepped_twice_goes_two_ways() -> None:
    with torch.inference_mode():
        first = Gathered.nothing(2).extend(Memory(torch.ones(2, 1, 1, 4), torch.ones(2, 1, 1, 4)))
        one = first.extend(Memory(torch.zeros(2, 1, 1, 4), torch.zeros(2, 1, 1, 4)))
        other = first.extend(Memory(torch.ones(2, 1, 1, 4), torch.full((2, 1, 1, 4), 5.0)))
        query, score = torch.zeros(2, 1, 1, 4), ScaledDotScore(4, 4)
        found = [look(score, query, memory, need_weights=False)[0][0, 0, 0, 0].item() for memory in (first, one, other)]
        assert found == pytest.approx([1.0, 0.5, 3.0])


def test_only_the_dot_family_on_the_cpu_in_its_types() -> None:
    weight = torch.zeros(1)
    assert can_look(ScaledDotScore(4, 4), weight, 8)
    assert not can_look(ScaledDotScore(4, 4), weight.double(), 8)
    assert not can_look(ScaledDotScore(4, 4), weight.to("meta"), 8)
    assert not can_look(ScaledDotScore(4, 4), weight, 5000)
    assert not can_look(AdditiveScore(4, 4), weight, 8)


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
@pytest.mark.parametrize("row", [0, 1])
def test_damage_is_not_hidden(spoilt: float, row: int) -> None:
    with torch.inference_mode():
        key = torch.zeros(2, 1, 1, 4)
        key[row] = spoilt
        memory = Gathered.nothing(2).extend(Memory(key, torch.ones(2, 1, 1, 4)))
        memory = memory.extend(Memory(torch.zeros(2, 1, 1, 4), torch.ones(2, 1, 1, 4)))
        context, _ = look(ScaledDotScore(4, 4), torch.ones(2, 1, 1, 4), memory, need_weights=False)
        assert bool(context[row].isnan().all())
        assert bool((context[1 - row] == 1).all())
