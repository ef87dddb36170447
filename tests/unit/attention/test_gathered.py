"""Attention to keys that stay where they are gives what attention to copies of them gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from regard.attention.gathered import KVCache, attend_rows, can_attend
from regard.attention.scores import AdditiveScore, CosineScore, DotProductScore, GeneralScore, ScaledDotScore
from regard.attention.single import attend
from regard.values import Memory

pytestmark = pytest.mark.usefixtures("kernels")


def _steps(score: DotProductScore, steps: list[tuple[Tensor, Tensor]]) -> KVCache:
    """What is kept of keys `(N, H, 1, K)` and values, a pair a step."""
    memory = KVCache()
    for key, value in steps:
        memory = memory.extend(score.project_key(key), value)
    return memory


def _check(score: DotProductScore, query: Tensor, memory: KVCache, rows: Tensor, copied: Memory) -> Tensor:
    """Compares with attention in float64 to a copy of each key in each row; gives the context."""
    context, weights = attend_rows(score, query, memory, rows, need_weights=True)
    other, none = attend_rows(score, query, memory, rows, need_weights=False)
    assert none is None
    assert torch.equal(context, other)
    wanted, shares = attend(
        score.double(),
        query.double(),
        Memory(copied.key.double(), copied.value.double()),
        mask=copied.mask,
        bias=None,
        dropout=0.0,
        need_weights=True,
    )
    score.float()
    assert weights is not None
    assert shares is not None
    torch.testing.assert_close(context.double(), wanted.transpose(1, 2).flatten(1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weights.double(), shares.double(), atol=1e-5, rtol=1e-5)
    return context


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [8, 17, 48])
@pytest.mark.parametrize("kind", [ScaledDotScore, GeneralScore, CosineScore])
def test_a_search_that_goes_on_with_other_rows(kind: type[DotProductScore], size: int, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            score, steps, places = kind(size, size), [], torch.zeros(5, 0, dtype=torch.int64)
            generator = torch.Generator().manual_seed(size)
            for rows in (5, 7, 7, 3, 40, 40):
                places = places[torch.randint(len(places), (rows,), generator=generator)]
                places = torch.cat((places, torch.arange(rows)[:, None]), dim=1)
                both = torch.randn(rows, 2, 3, 1, size, generator=generator)  # key and value of a row side by side
                steps.append((both[:, 0], both[:, 1]))
                key, value = (
                    torch.stack([pair[kind][row] for pair, row in zip(steps, places.unbind(1), strict=True)], dim=2)
                    for kind in (0, 1)
                )  # (R, H, 1, K) a position -> (R, H, T, K)
                copied = Memory(score.project_key(key[..., 0, :]), value[..., 0, :])
                query = torch.randn(rows, 3, 1, size, generator=generator)
                _check(score, query, _steps(score, steps), places, copied)
            assert places.shape == (40, 6)
    finally:
        torch.set_num_threads(before)


def test_queries_may_lie_apart() -> None:
    with torch.inference_mode():
        score = ScaledDotScore(8, 8)
        both = torch.randn(4, 3, 2, 1, 8)
        query, key, value = both.unbind(1)
        memory = KVCache().extend(key, value)
        assert memory.key_addresses[0] == key.data_ptr()  # not a copy
        rows = torch.arange(4)[:, None]
        _check(score, query, memory, rows, Memory(key, value))
        upright = torch.randn(4, 1, 8, 2).permute(0, 3, 1, 2)
        _check(score, upright, memory, rows, Memory(key, value))


def test_a_source_is_read_by_its_sentence_and_padding_by_nobody() -> None:
    with torch.inference_mode():
        score = ScaledDotScore(6, 6)
        mask = (torch.arange(4) < torch.tensor([4, 1, 0, 3])[:, None])[:, None, None]
        key, value = torch.randn(2, 4, 2, 4, 6)
        memory = KVCache.from_source(key, value, mask)
        assert memory.key_addresses[1] == key[:, :, 1].data_ptr()  # not a copy
        rows = torch.tensor([0, 3, 1, 3, 2])
        copied = Memory(key[rows], value[rows], mask[rows])
        context = _check(score, torch.randn(5, 2, 1, 6), memory, rows[:, None], copied)
        assert bool((context[4] == 0).all())  # its source is empty


@pytest.mark.parametrize("size", [36, 64, 75, 131])
def test_many_positions_of_any_width(size: int) -> None:
    """More than the kernel notes the places of at once, with padding among them, and heads that fill no register."""
    with torch.inference_mode():
        score, positions = ScaledDotScore(size, size), 263
        mask = torch.rand(3, 1, 1, positions) < 0.7
        key, value = torch.randn(2, 3, 2, positions, size)
        key.masked_fill_(~mask.mT, torch.nan)  # nobody's: it must not be seen
        value.masked_fill_(~mask.mT, torch.nan)
        rows = torch.tensor([2, 0, 0, 1])
        memory = KVCache.from_source(key, value, mask)
        copied = Memory(key.nan_to_num()[rows], value.nan_to_num()[rows], mask[rows])
        _check(score, torch.randn(4, 2, 1, size), memory, rows[:, None], copied)


def test_a_memory_that_is_extended_twice_goes_two_ways() -> None:
    with torch.inference_mode():
        ones, zeros = torch.ones(2, 1, 1, 4), torch.zeros(2, 1, 1, 4)
        first = KVCache().extend(ones, ones)
        ways = (first, first.extend(zeros, zeros), first.extend(ones, 5 * ones))
        places = torch.arange(2)[:, None].expand(2, 2).contiguous()
        found = [
            attend_rows(
                ScaledDotScore(4, 4), zeros, memory, places[:, : len(memory.key_addresses)], need_weights=False
            )[0][0, 0].item()
            for memory in ways
        ]
        assert found == pytest.approx([1.0, 0.5, 3.0])


def test_steps_of_different_layouts_are_refused() -> None:
    memory = KVCache().extend(torch.zeros(2, 2, 1, 4), torch.zeros(2, 2, 1, 4))
    with pytest.raises(AssertionError, match="keys and values of this step have strides"):
        memory.extend(torch.zeros(2, 3, 1, 4), torch.zeros(2, 3, 1, 4))


def test_only_the_dot_family_on_the_cpu_in_its_types() -> None:
    weight = torch.zeros(1)
    assert can_attend(ScaledDotScore(4, 4), weight, 8)
    assert not can_attend(ScaledDotScore(4, 4), weight.double(), 8)
    assert not can_attend(ScaledDotScore(4, 4), weight.to("meta"), 8)
    assert not can_attend(ScaledDotScore(4, 4), weight, 5000)
    assert not can_attend(AdditiveScore(4, 4), weight, 8)


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
@pytest.mark.parametrize("row", [0, 1])
def test_damage_is_not_hidden(spoilt: float, row: int) -> None:
    with torch.inference_mode():
        key = torch.zeros(2, 1, 1, 4)
        key[row] = spoilt
        memory = KVCache().extend(key, torch.ones(2, 1, 1, 4)).extend(torch.zeros(2, 1, 1, 4), torch.ones(2, 1, 1, 4))
        places = torch.arange(2)[:, None].expand(2, 2).contiguous()
        context, _ = attend_rows(ScaledDotScore(4, 4), torch.ones(2, 1, 1, 4), memory, places, need_weights=False)
        assert bool(context[row].isnan().all())
        assert bool((context[1 - row] == 1).all())
