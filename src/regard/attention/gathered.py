"""Attention over a KV cache that is never copied: each row of a search looks up its own cache rows.

A beam search reorders its prefixes at every step. Copying their keys and values costs more than attending to them.
Instead each prefix has a table of the cache rows that its keys are in. The keys of a source are computed once per
sentence and shared by all prefixes of its beam; those of the target stay where each step wrote them.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from regard.attention.scores import DotProductScore, Score
from regard.native import kernel

MAX_WIDTH = 4096
"""Largest H K, and H D, of the kernel."""


@dataclass(frozen=True, slots=True)
class KVCache:
    """Keys and values of one layer for T positions; each position has N rows of its own.

    Attributes:
        key_addresses: Memory address of each position's keys, `(N, H, K)`.
        value_addresses: Memory address of each position's values, `(N, H, D)`.
        strides: Elements between rows and between heads of the keys, then of the values.
        value_size: D.
        tensors: The tensors that the addresses point into, which keeps them alive.
        mask: `(N, T)` bool, True = may attend; None = everywhere.
    """

    key_addresses: tuple[int, ...] = ()
    value_addresses: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    value_size: int = 0
    tensors: tuple[Tensor, ...] = ()
    mask: Tensor | None = None

    @staticmethod
    def from_source(key: Tensor, value: Tensor, mask: Tensor) -> KVCache:
        """The cache of encoded sources, one row per sentence; nothing is copied.

        Args:
            key: `(B, H, S, K)`.
            value: `(B, H, S, D)`.
            mask: `(B, 1, 1, S)` bool.

        Returns:
            A cache of S positions with B rows.
        """
        key, value = _dense_rows(key), _dense_rows(value)
        key_addresses, value_addresses = (
            tuple(range(x.data_ptr(), x.data_ptr() + x.shape[2] * step, step))
            for x, step in ((key, key.stride(2) * key.itemsize), (value, value.stride(2) * value.itemsize))
        )
        dense_mask = mask[:, 0, 0].contiguous()
        return KVCache(key_addresses, value_addresses, _strides(key, value), value.shape[-1], (key, value), dense_mask)

    def extend(self, key: Tensor, value: Tensor) -> KVCache:
        """The cache with one more position.

        Args:
            key: `(R, H, 1, K)`.
            value: `(R, H, 1, D)`.

        Returns:
            A cache of T + 1 positions; this one is unchanged.
        """
        key, value = _dense_rows(key), _dense_rows(value)
        strides = _strides(key, value)
        if self.strides not in ((), strides):
            raise AssertionError(
                f"keys and values of this step have strides {strides}, of earlier steps {self.strides}"
            )
        return KVCache(
            (*self.key_addresses, key.data_ptr()),
            (*self.value_addresses, value.data_ptr()),
            strides,
            value.shape[-1],
            (*self.tensors, key, value),
        )


class CachedRows(NamedTuple):
    """A cache, and the rows of it that each query attends to.

    Attributes:
        cache: Keys and values of T positions.
        rows: `(R, T)` int64, the cache row of each query at each position; `(R, 1)` where it is the same at all.
    """

    cache: KVCache
    rows: Tensor


def _dense_rows(x: Tensor) -> Tensor:
    """`(N, H, T, K)` whose last dimension is contiguous."""
    return x if x.stride(3) == 1 else x.contiguous()


def _strides(key: Tensor, value: Tensor) -> tuple[int, ...]:
    return key.stride(0), key.stride(1), value.stride(0), value.stride(1)


def can_attend(score: Score, like: Tensor, width: int) -> bool:
    """Whether `attend_rows` works for this score and these keys.

    Args:
        score: The score of the attention.
        like: A tensor of any shape `(...)` with the type and device of the keys.
        width: H K.

    Returns:
        True for the dot family where the kernel was compiled.
    """
    return isinstance(score, DotProductScore) and width <= MAX_WIDTH and kernel("attend_rows", like) is not None


def attend_rows(
    score: Score, query: Tensor, cache: KVCache, rows: Tensor, *, need_weights: bool
) -> tuple[Tensor, Tensor | None]:
    """`softmax(scale · q Kᵀ) V` with one query per row.

    Args:
        score: A score of the dot family, which projects and scales the queries.
        query: `(R, H, 1, Q)`.
        cache: Keys and values of T positions.
        rows: `(R, T)` int64, the cache row of each query at each position; `(R, 1)` where it is the same at all.
        need_weights: Whether to return the weights.

    Returns:
        Context `(R, H D)`, heads side by side, and weights `(R, H, 1, T)`, or None.
    """
    run = kernel("attend_rows", query)
    if run is None or not isinstance(score, DotProductScore):
        raise AssertionError("there is no kernel for this score and type: check with `can_attend`")
    query = score.project_query(query)
    num_rows, heads, _, key_size = query.shape
    if query.stride(1) != key_size or query.stride(3) != 1:
        query = query.contiguous()
    positions = len(cache.key_addresses)
    address_array = ctypes.c_void_p * positions
    context = query.new_empty(num_rows, heads * cache.value_size)
    weights = torch.empty(num_rows, heads, 1, positions)
    run(
        query.data_ptr(), query.stride(0), address_array(*cache.key_addresses),
        address_array(*cache.value_addresses),
        rows.data_ptr(), rows.stride(0), rows.stride(1) if rows.shape[1] > 1 else 0,
        None if cache.mask is None else cache.mask.data_ptr(), num_rows, positions, heads, key_size,
        cache.value_size, (ctypes.c_int64 * 4)(*cache.strides), score.scale, context.data_ptr(),
        weights.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    return context, weights if need_weights else None
