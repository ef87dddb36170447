"""The step interface: all that a search needs of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Protocol, TypeGuard, TypeVar

import torch
from torch import Tensor, nn

from regard.values import DecoderOutput, EncoderOutput, Memory, StepOutput

T = TypeVar("T")
StateT = TypeVar("StateT", bound="State")


def select_rows(value: T, rows: Tensor) -> T:
    """Selects rows of a decoder state or of a part of it.

    Args:
        value: A tensor with the batch at dim 0, a `State`, a `Memory` or a tuple of these. Anything else has no rows
            and is returned unchanged.
        rows: `(N,)` int64, the rows to select, in their new order; rows may repeat.

    Returns:
        The same structure with N rows.
    """
    if isinstance(value, Tensor):
        return value.index_select(0, rows)  # type: ignore[return-value]
    if isinstance(value, State):
        return value.select(rows)
    if isinstance(value, Memory):
        return _select_memories((value,), rows)[0]  # type: ignore[return-value]
    if isinstance(value, tuple) and _have_same_rows(value):
        return _select_memories(value, rows)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(select_rows(item, rows) for item in value)  # type: ignore[return-value]
    return value


def _have_same_rows(items: tuple[object, ...]) -> TypeGuard[tuple[Memory, ...]]:
    """Whether all items are memories whose rows were always selected together, as those of a decoder's layers."""
    first = items[0] if items else None
    return isinstance(first, Memory) and all(
        isinstance(item, Memory) and item.copy_ids is first.copy_ids for item in items
    )


def _select_memories(memories: tuple[Memory, ...], rows: Tensor) -> tuple[Memory, ...]:
    """Selects rows of memories; the memories themselves if each row stays or is replaced by a copy of itself.

    That is so when the prefixes of a sentence change their order. The comparison waits for a GPU, so it is done once
    for all layers.
    """
    before = memories[0].copy_ids
    if before is None:
        before = torch.arange(len(memories[0].key), device=rows.device)
    copy_ids = before.index_select(0, rows)
    if torch.equal(copy_ids, before):
        return memories
    return tuple(
        Memory(
            memory.key.index_select(0, rows),
            memory.value.index_select(0, rows),
            None if memory.mask is None else memory.mask.index_select(0, rows),
            copy_ids,
        )
        for memory in memories
    )


@dataclass(frozen=True)
class State:
    """Base of all decoder states, which are immutable and hold tensors with the batch at dim 0."""

    def select(self: StateT, rows: Tensor) -> StateT:
        """The state of selected rows.

        Args:
            rows: `(N,)` int64, the rows to select, in their new order; rows may repeat.

        Returns:
            A new state of N rows.
        """
        return replace(self, **{field.name: select_rows(getattr(self, field.name), rows) for field in fields(self)})


class StepModel(Protocol):
    """The interface that every search uses: a translation model, or an ensemble of several."""

    def start(self, src_ids: Tensor, src_len: Tensor) -> State:
        """Encodes the sources.

        Args:
            src_ids: `(B, S)` int64, each row ends with eos, then padding.
            src_len: `(B,)` int64, lengths including eos.

        Returns:
            The state before the first target token.
        """
        ...

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Reads one target token per row and scores the next one.

        Args:
            ids: `(B,)` int64, the previous token; bos at the first step.
            state: From `start` or the previous `step`.
            need_weights: Whether to return attention weights.

        Returns:
            Logits and attention weights of this step, and the state after it.
        """
        ...


class Decoder(nn.Module, ABC):
    """Base of all decoders, which run one step or a whole target sentence.

    Attributes:
        output_size: Width of the hidden vectors, the input of the output layer.
    """

    output_size: int

    @abstractmethod
    def start(self, encoded: EncoderOutput) -> State:
        """The state before the first target token."""

    @abstractmethod
    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Reads one target token per row.

        Args:
            ids: `(B,)` int64.
            state: State before the step.
            need_weights: Whether to return attention weights.

        Returns:
            Hidden vectors `(B, 1, D)` with weights `(B, H, 1, S)` per layer, and the state after the step.
        """

    @abstractmethod
    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Reads whole target sentences (teacher forcing).

        Args:
            tgt_in_ids: `(B, T)` int64, bos and the target.
            encoded: The encoder's output.
            need_weights: Whether to return attention weights.

        Returns:
            Hidden vectors `(B, T, D)` with weights `(B, H, T, S)` per layer.
        """
