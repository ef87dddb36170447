"""Attention over a KV cache that is never copied: each hypothesis of a beam search looks up its own rows.

A beam search reorders its hypotheses at every step. Copying their keys and values costs more than attending to them.
Instead, a table lists for each hypothesis the cache rows that hold its keys and values. Those of a source sentence are
computed once and shared by all hypotheses of the sentence; those of the target stay where each step wrote them.
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
    """Keys and values of one attention layer at T positions, by memory address, so that they are never copied.

    At each position, the cache has the keys and values of several rows (sentences or hypotheses); their number N may
    differ from position to position.

    Attributes:
        key_addresses: Per position, the memory address of its keys, `(N, H, K)`.
        value_addresses: Per position, the memory address of its values, `(N, H, D)`.
        strides: Four strides in elements: between rows of the keys, between heads of the keys, between rows of the
            values, between heads of the values.
        value_size: D, the width of one head's values.
        tensors: The tensors to which the addresses point; the references keep their memory alive.
        mask: Per row and position, whether the position may be attended to, `(N, T)` bool; None = all positions may.
    """

    key_addresses: tuple[int, ...] = ()
    value_addresses: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    value_size: int = 0
    tensors: tuple[Tensor, ...] = ()
    mask: Tensor | None = None

    @staticmethod
    def from_source(key: Tensor, value: Tensor, mask: Tensor) -> KVCache:
        """Makes the cache for cross-attention from the keys and values of encoded source sentences, without copying.

        Args:
            key: Projected keys of the source positions, `(B, H, S, K)`.
            value: Projected values of the source positions, `(B, H, S, D)`.
            mask: `(B, 1, 1, S)` bool, True at real tokens, False at padding.

        Returns:
            A cache of S positions with B rows, one per sentence.
        """
        key, value = _dense_rows(key), _dense_rows(value)
        key_addresses, value_addresses = (
            tuple(range(x.data_ptr(), x.data_ptr() + x.shape[2] * step, step))
            for x, step in ((key, key.stride(2) * key.itemsize), (value, value.stride(2) * value.itemsize))
        )
        dense_mask = mask[:, 0, 0].contiguous()
        return KVCache(key_addresses, value_addresses, _strides(key, value), value.shape[-1], (key, value), dense_mask)

    def extend(self, key: Tensor, value: Tensor) -> KVCache:
        """Makes a cache with one more position, for self-attention in the next decoding step.

        Args:
            key: Projected keys of the new position, `(R, H, 1, K)`, R = number of rows (hypotheses) of the step.
            value: Projected values of the new position, `(R, H, 1, D)`.

        Returns:
            A new cache of T + 1 positions; the present cache is unchanged.
        """
        key, value = _dense_rows(key), _dense_rows(value)
        strides = _strides(key, value)
        if self.strides not in ((), strides):
            raise AssertionError(
                f"a KV cache needs the same memory layout in all steps, but keys and values of this step have strides "
                f"{strides}, those of earlier steps {self.strides}: pass contiguous tensors in all steps"
            )
        return KVCache(
            (*self.key_addresses, key.data_ptr()),
            (*self.value_addresses, value.data_ptr()),
            strides,
            value.shape[-1],
            (*self.tensors, key, value),
        )


class CachedRows(NamedTuple):
    """A KV cache, and the table of the cache rows to which each of R queries attends.

    Attributes:
        cache: Keys and values at T positions.
        rows: Row of the cache for each query at each position, `(R, T)` int64; `(R, 1)` if a query uses the same row at
            all positions.
    """

    cache: KVCache
    rows: Tensor


def _dense_rows(x: Tensor) -> Tensor:
    """`(N, H, T, K)` whose last dimension is contiguous."""
    return x if x.stride(3) == 1 else x.contiguous()


def _strides(key: Tensor, value: Tensor) -> tuple[int, ...]:
    return key.stride(0), key.stride(1), value.stride(0), value.stride(1)


def can_attend(score: Score, like: Tensor, width: int) -> bool:
    """Whether `attend_rows` supports a score function and the type of the keys on this machine.

    Args:
        score: Score function of the attention layer.
        like: Any tensor `(...)` with the type and device of the keys; its values do not matter.
        width: Number of elements of all heads' keys or values at a position, H times K (or D).

    Returns:
        True if the score is a `DotProductScore`, the width is at most `MAX_WIDTH`, and the kernel was compiled.
    """
    return isinstance(score, DotProductScore) and width <= MAX_WIDTH and kernel("attend_rows", like) is not None


def attend_rows(
    score: Score, query: Tensor, cache: KVCache, rows: Tensor, *, need_weights: bool
) -> tuple[Tensor, Tensor | None]:
    """Attention `softmax(scale · q Kᵀ) V` over a KV cache, for one decoding step of R hypotheses.

    Args:
        score: Score function, a `DotProductScore`, which projects and scales the queries.
        query: One query per hypothesis and head, `(R, H, 1, Q)`, Q = width of a query.
        cache: Keys and values at T positions.
        rows: Row of the cache for each hypothesis at each position, `(R, T)` int64; `(R, 1)` if a hypothesis uses the
            same row at all positions.
        need_weights: Whether to return the attention weights.

    Returns:
        The context vectors, `(R, H * D)`, with the heads side by side; and the attention weights, `(R, H, 1, T)`, or
        None.
    """
    run = kernel("attend_rows", query)
    if run is None or not isinstance(score, DotProductScore):
        raise AssertionError(
            f"there is no compiled kernel for {type(score).__name__} in {query.dtype}: check `can_attend` first"
        )
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
