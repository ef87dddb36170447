"""Keys and values that stay where they were computed, while the rows of a search come and go.

A beam search reorders its prefixes at every step. Copying what each of them remembers costs more than attending to
it: instead each row knows the places of its keys. The keys of a source are computed once a sentence and read by all
prefixes of its beam; those of the target so far lie where each step left them.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from regard.attention.scores import DotProductScore, Score
from regard.native import kernel

WIDEST = 4096
"""H K, and H D, that the kernel takes at most."""


@dataclass(frozen=True, slots=True)
class KVCache:
    """What one layer remembers of T positions, each with N rows of its own.

    Attributes:
        keys: The address of each position's keys, `(N, H, K)`.
        values: The address of each position's values, `(N, H, D)`.
        strides: Elements from row to row and from head to head, of keys and of values.
        value_size: D.
        held: The tensors that the addresses point into.
        seen: `(N, T)` bool, True = may attend; None = everywhere.
    """

    keys: tuple[int, ...] = ()
    values: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    value_size: int = 0
    held: tuple[Tensor, ...] = ()
    seen: Tensor | None = None

    @staticmethod
    def of_source(key: Tensor, value: Tensor, mask: Tensor) -> KVCache:
        """A source's memory, one row a sentence.

        Args:
            key: `(B, H, S, K)`.
            value: `(B, H, S, D)`.
            mask: `(B, 1, 1, S)` bool.

        Returns:
            The same, without a copy.
        """
        key, value = _dense_rows(key), _dense_rows(value)
        keys, values = (
            tuple(range(x.data_ptr(), x.data_ptr() + x.shape[2] * step, step))
            for x, step in ((key, key.stride(2) * key.itemsize), (value, value.stride(2) * value.itemsize))
        )
        seen = mask[:, 0, 0].contiguous()
        return KVCache(keys, values, _strides(key, value), value.shape[-1], (key, value), seen)

    def extend(self, key: Tensor, value: Tensor) -> KVCache:
        """One more position.

        Args:
            key: `(R, H, 1, K)`.
            value: `(R, H, 1, D)`.

        Returns:
            A memory of T + 1 positions; this one stays as it is.
        """
        key, value = _dense_rows(key), _dense_rows(value)
        strides = _strides(key, value)
        if self.strides not in ((), strides):
            raise AssertionError(f"a step laid its keys out by {strides}, the steps before by {self.strides}")
        return KVCache(
            (*self.keys, key.data_ptr()),
            (*self.values, value.data_ptr()),
            strides,
            value.shape[-1],
            (*self.held, key, value),
        )


class CachedRows(NamedTuple):
    """A cache, and which of its rows each query attends to.

    Attributes:
        cache: Keys and values of T positions.
        rows: `(R, T)` int64, the row of each position; `(R, 1)` where it is the same at all positions.
    """

    cache: KVCache
    rows: Tensor


def _dense_rows(x: Tensor) -> Tensor:
    """`(N, H, T, K)` with each head's K numbers side by side."""
    return x if x.stride(3) == 1 else x.contiguous()


def _strides(key: Tensor, value: Tensor) -> tuple[int, ...]:
    return key.stride(0), key.stride(1), value.stride(0), value.stride(1)


def can_attend(score: Score, like: Tensor, width: int) -> bool:
    """Whether `look` can be used.

    Args:
        score: How queries meet keys.
        like: A tensor of any shape `(...)`, of the type and on the device of the keys.
        width: H K.

    Returns:
        True for the dot family where the kernel was compiled.
    """
    return isinstance(score, DotProductScore) and width <= WIDEST and kernel("attend_rows", like) is not None


def attend_rows(
    score: Score, query: Tensor, memory: KVCache, rows: Tensor, *, need_weights: bool
) -> tuple[Tensor, Tensor | None]:
    """`softmax(scale · q Kᵀ) V` of one query a row.

    Args:
        score: Of the dot family: maps and scales the queries.
        query: `(R, H, 1, Q)`.
        memory: Of T positions.
        rows: `(R, T)` int64, which of a position's rows each query looks at; `(R, 1)` where it is the same in all.
        need_weights: Whether the distributions are wanted.

    Returns:
        Context `(R, H D)`, heads side by side, and weights `(R, H, 1, T)` if wanted.
    """
    run = kernel("attend_rows", query)
    if run is None or not isinstance(score, DotProductScore):
        raise AssertionError("asked for a kernel that is not there: see `can_look`")
    query = score.project_query(query)
    num_rows, heads, _, key_size = query.shape
    if query.stride(1) != key_size or query.stride(3) != 1:
        query = query.contiguous()
    positions = len(memory.keys)
    addresses = ctypes.c_void_p * positions
    context = query.new_empty(num_rows, heads * memory.value_size)
    weights = torch.empty(num_rows, heads, 1, positions)
    run(
        query.data_ptr(), query.stride(0), addresses(*memory.keys), addresses(*memory.values),
        rows.data_ptr(), rows.stride(0), rows.stride(1) if rows.shape[1] > 1 else 0,
        None if memory.seen is None else memory.seen.data_ptr(), num_rows, positions, heads, key_size,
        memory.value_size, (ctypes.c_int64 * 4)(*memory.strides), score.scale, context.data_ptr(),
        weights.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    return context, weights if need_weights else None
