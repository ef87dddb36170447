"""Attention over a KV cache gives what attention over copied keys and values gives."""

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
    """The cache of keys and values `(N, H, 1, K)`, one pair per step."""
    cache = KVCache()
    for key, value in steps:
        cache = cache.extend(score.project_key(key), value)
    return cache


def _check(score: DotProductScore, query: Tensor, cache: KVCache, rows: Tensor, copied: Memory) -> Tensor:
    """Compares with float64 attention over keys copied to every row; returns the context."""
    context, weights = attend_rows(score, query, cache, rows, need_weights=True)
    same_context, no_weights = attend_rows(score, query, cache, rows, need_weights=False)
    assert no_weights is None
    assert torch.equal(context, same_context)
    expected, expected_weights = attend(
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
    assert expected_weights is not None
    torch.testing.assert_close(context.double(), expected.transpose(1, 2).flatten(1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weights.double(), expected_weights.double(), atol=1e-5, rtol=1e-5)
    return context


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [8, 17, 48])
@pytest.mark.parametrize("kind", [ScaledDotScore, GeneralScore, CosineScore])
def test_a_search_that_selects_rows(kind: type[DotProductScore], size: int, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            score, steps, row_table = kind(size, size), [], torch.zeros(5, 0, dtype=torch.int64)
            generator = torch.Generator().manual_seed(size)
            for rows in (5, 7, 7, 3, 40, 40):
                row_table = row_table[torch.randint(len(row_table), (rows,), generator=generator)]
                row_table = torch.cat((row_table, torch.arange(rows)[:, None]), dim=1)
                keys_and_values = torch.randn(rows, 2, 3, 1, size, generator=generator)  # side by side in each row
                steps.append((keys_and_values[:, 0], keys_and_values[:, 1]))
                key, value = (
                    torch.stack([pair[part][row] for pair, row in zip(steps, row_table.unbind(1), strict=True)], dim=2)
                    for part in (0, 1)
                )  # (R, H, 1, K) per position -> (R, H, T, K)
                copied = Memory(score.project_key(key[..., 0, :]), value[..., 0, :])
                query = torch.randn(rows, 3, 1, size, generator=generator)
                _check(score, query, _steps(score, steps), row_table, copied)
            assert row_table.shape == (40, 6)
    finally:
        torch.set_num_threads(before)


def test_queries_need_not_be_contiguous() -> None:
    with torch.inference_mode():
        score = ScaledDotScore(8, 8)
        query, key, value = torch.randn(4, 3, 2, 1, 8).unbind(1)
        cache = KVCache().extend(key, value)
        assert cache.key_addresses[0] == key.data_ptr()  # not a copy
        rows = torch.arange(4)[:, None]
        _check(score, query, cache, rows, Memory(key, value))
        transposed = torch.randn(4, 1, 8, 2).permute(0, 3, 1, 2)
        _check(score, transposed, cache, rows, Memory(key, value))


def test_rows_attend_to_their_own_source_without_its_padding() -> None:
    with torch.inference_mode():
        score = ScaledDotScore(6, 6)
        mask = (torch.arange(4) < torch.tensor([4, 1, 0, 3])[:, None])[:, None, None]
        key, value = torch.randn(2, 4, 2, 4, 6)
        cache = KVCache.from_source(key, value, mask)
        assert cache.key_addresses[1] == key[:, :, 1].data_ptr()  # not a copy
        rows = torch.tensor([0, 3, 1, 3, 2])
        copied = Memory(key[rows], value[rows], mask[rows])
        context = _check(score, torch.randn(5, 2, 1, 6), cache, rows[:, None], copied)
        assert bool((context[4] == 0).all())  # its source is masked everywhere


@pytest.mark.parametrize("size", [36, 64, 75, 131])
def test_many_positions_of_any_width(size: int) -> None:
    """More positions than the kernel processes at once, with padding, and head sizes that fill no register."""
    with torch.inference_mode():
        score, positions = ScaledDotScore(size, size), 263
        mask = torch.rand(3, 1, 1, positions) < 0.7
        key, value = torch.randn(2, 3, 2, positions, size)
        key.masked_fill_(~mask.mT, torch.nan)  # masked positions must not be read
        value.masked_fill_(~mask.mT, torch.nan)
        rows = torch.tensor([2, 0, 0, 1])
        cache = KVCache.from_source(key, value, mask)
        copied = Memory(key.nan_to_num()[rows], value.nan_to_num()[rows], mask[rows])
        _check(score, torch.randn(4, 2, 1, size), cache, rows[:, None], copied)


def test_a_cache_can_be_extended_in_two_ways() -> None:
    with torch.inference_mode():
        filled, zeros = torch.ones(2, 1, 1, 4), torch.zeros(2, 1, 1, 4)
        first = KVCache().extend(filled, filled)
        caches = (first, first.extend(zeros, zeros), first.extend(filled, 5 * filled))
        rows = torch.arange(2)[:, None].expand(2, 2).contiguous()
        found = [
            attend_rows(ScaledDotScore(4, 4), zeros, cache, rows[:, : len(cache.key_addresses)], need_weights=False)[0][
                0, 0
            ].item()
            for cache in caches
        ]
        assert found == pytest.approx([1.0, 0.5, 3.0])


def test_steps_of_different_layouts_are_refused() -> None:
    cache = KVCache().extend(torch.zeros(2, 2, 1, 4), torch.zeros(2, 2, 1, 4))
    with pytest.raises(AssertionError, match="keys and values of this step have strides"):
        cache.extend(torch.zeros(2, 3, 1, 4), torch.zeros(2, 3, 1, 4))


def test_only_the_dot_family_on_the_cpu_in_supported_types() -> None:
    weight = torch.zeros(1)
    assert can_attend(ScaledDotScore(4, 4), weight, 8)
    assert not can_attend(ScaledDotScore(4, 4), weight.double(), 8)
    assert not can_attend(ScaledDotScore(4, 4), weight.to("meta"), 8)
    assert not can_attend(ScaledDotScore(4, 4), weight, 5000)
    assert not can_attend(AdditiveScore(4, 4), weight, 8)


@pytest.mark.parametrize("damage", [float("nan"), float("inf")])
@pytest.mark.parametrize("row", [0, 1])
def test_damage_is_not_hidden(damage: float, row: int) -> None:
    with torch.inference_mode():
        key = torch.zeros(2, 1, 1, 4)
        key[row] = damage
        cache = KVCache().extend(key, torch.ones(2, 1, 1, 4)).extend(torch.zeros(2, 1, 1, 4), torch.ones(2, 1, 1, 4))
        rows = torch.arange(2)[:, None].expand(2, 2).contiguous()
        context, _ = attend_rows(ScaledDotScore(4, 4), torch.ones(2, 1, 1, 4), cache, rows, need_weights=False)
        assert bool(context[row].isnan().all())
        assert bool((context[1 - row] == 1).all())
