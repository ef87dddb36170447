"""Keys and values that stay where they were computed, while the rows of a search come and go.

A beam search reorders its prefixes at every step. Copying what each of them remembers costs more than attending to
it: instead each row keeps the places of its keys. The keys of a source are computed once a sentence and read by all
prefixes of its beam; those of the target so far lie where each step left them.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.attention.scores import DotProductScore, Score
from regard.native import kernel
from regard.values import Memory

WIDEST = 4096
"""H K, and H D, that the kernel takes at most."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The memory of R rows.

    Attributes:
        keys: One tensor a position, `(N, H, K)` with an N of its own.
        values: As many, `(N, H, D)`.
        rows: `(R, T)` int64, which of the N each row looks at in each position; `(R, 1)` where it is the same in all.
        seen: `(N, T)` bool, True = may attend, for rows of the latter kind; None = everywhere.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    rows: Tensor
    seen: Tensor | None = None

    @staticmethod
    def of_source(memory: Memory) -> Gathered:
        """A source's memory, one row a sentence.

        Args:
            memory: Keys `(B, H, S, K)`, values `(B, H, S, D)`, mask `(B, 1, 1, S)`.

        Returns:
            The same, without a copy.
        """
        rows = torch.arange(len(memory.key))[:, None]
        seen = None if memory.mask is None else memory.mask[:, 0, 0].contiguous()
        return Gathered(memory.key.unbind(2), memory.value.unbind(2), rows, seen)

    @staticmethod
    def nothing(rows: int) -> Gathered:
        """What R rows remember before their first step."""
        return Gathered((), (), torch.zeros(rows, 0, dtype=torch.int64))

    def extend(self, new: Memory) -> Gathered:
        """The memory with one more position.

        Args:
            new: Key `(R, H, 1, K)` and value `(R, H, 1, D)` of each row.

        Returns:
            A memory of T + 1 positions; this one stays as it is.
        """
        here = torch.arange(len(self.rows))[:, None]
        rows = torch.cat((self.rows, here), dim=1)
        return Gathered((*self.keys, new.key[:, :, 0]), (*self.values, new.value[:, :, 0]), rows)

    def select(self, rows: Tensor) -> Gathered:
        """The memory of some of the rows: only the places are copied.

        Args:
            rows: `(M,)` int64; rows may repeat.

        Returns:
            A memory of M rows.
        """
        return replace(self, rows=self.rows.index_select(0, rows))


def can_look(score: Score, like: Tensor, width: int) -> bool:
    """Whether `look` can be used.

    Args:
        score: How queries meet keys.
        like: A tensor of any shape `(...)`, of the type and on the device of the keys.
        width: H K.

    Returns:
        True for the dot family where the kernel was compiled.
    """
    return isinstance(score, DotProductScore) and width <= WIDEST and kernel("look", like) is not None


def look(score: Score, query: Tensor, memory: Gathered, *, need_weights: bool) -> tuple[Tensor, Tensor | None]:
    """`softmax(scale · q Kᵀ) V` of one query a row.

    Args:
        score: Of the dot family: maps and scales the queries.
        query: `(R, H, 1, Q)`.
        memory: Of R rows.
        need_weights: Whether the distributions are wanted.

    Returns:
        Context `(R, H, 1, D)`, and weights `(R, H, 1, T)` if wanted.
    """
    run = kernel("look", query)
    if run is None or not isinstance(score, DotProductScore):
        raise AssertionError("asked for a kernel that is not there: see `can_look`")
    query = score.project_query(query)
    num_rows, heads, _, key_size = query.shape
    query = query.transpose(1, 2).contiguous()  # (R, 1, H, K)
    key, value, positions = memory.keys[0], memory.values[0], len(memory.keys)
    strides = (ctypes.c_int64 * 4)(key.stride(0), key.stride(1), value.stride(0), value.stride(1))
    addresses = ctypes.c_void_p * positions
    keys = addresses(*[one.data_ptr() for one in memory.keys])
    values = addresses(*[one.data_ptr() for one in memory.values])
    context = query.new_empty(num_rows, 1, heads, value.shape[-1])
    weights = torch.empty(num_rows, heads, 1, positions)
    next_place = memory.rows.stride(1) if memory.rows.shape[1] > 1 else 0
    run(
        query.data_ptr(), keys, values, memory.rows.data_ptr(), memory.rows.stride(0), next_place,
        None if memory.seen is None else memory.seen.data_ptr(), num_rows, positions, heads, key_size,
        value.shape[-1], strides, score.scale, context.data_ptr(), weights.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    return context.transpose(1, 2), weights if need_weights else None
