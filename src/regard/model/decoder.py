"""The step interface: what a search needs to know of a model, and nothing more."""

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
    """Takes rows of whatever a state is made of.

    Args:
        value: A tensor with the batch at dim 0, a `State`, a `Memory`, a tuple of these; anything else
            is not per row and comes back as it is.
        rows: `(N,)` int64, which rows, in their new order; rows may repeat.

    Returns:
        The same structure with N rows.
    """
    if isinstance(value, Tensor):
        return value.index_select(0, rows)  # type: ignore[return-value]
    if isinstance(value, State):
        return value.select(rows)
    if isinstance(value, Memory):
        return _select_memories((value,), rows)[0]  # type: ignore[return-value]
    if isinstance(value, tuple) and _are_copied_alike(value):
        return _select_memories(value, rows)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(select_rows(item, rows) for item in value)  # type: ignore[return-value]
    return value


def _are_copied_alike(items: tuple[object, ...]) -> TypeGuard[tuple[Memory, ...]]:
    """Whether these are memories, such as a decoder's layers have, whose rows were always selected together."""
    first = items[0] if items else None
    return isinstance(first, Memory) and all(
        isinstance(memory, Memory) and memory.copy_ids is first.copy_ids for memory in items
    )


def _select_memories(memories: tuple[Memory, ...], rows: Tensor) -> tuple[Memory, ...]:
    """Rows of memories; themselves where nothing changes, as when prefixes of one sentence change places.

    The host must know whether anything does, and waits for a GPU to tell: once, not once a layer.
    """
    before = memories[0].copy_ids
    if before is None:
        before = torch.arange(len(memories[0].key), device=rows.device)
    copy_ids = before.index_select(0, rows)
    if torch.equal(copy_ids, before):
        return memories
    return tuple(
        Memory(
            one.key.index_select(0, rows),
            one.value.index_select(0, rows),
            None if one.mask is None else one.mask.index_select(0, rows),
            copy_ids,
        )
        for one in memories
    )


@dataclass(frozen=True)
class State:
    """Base of all decoder states: a value, every tensor in it with the batch at dim 0."""

    def select(self: StateT, rows: Tensor) -> StateT:
        """The state of some of the rows.

        Args:
            rows: `(N,)` int64; rows may repeat.

        Returns:
            A new state of N rows.
        """
        return replace(self, **{field.name: select_rows(getattr(self, field.name), rows) for field in fields(self)})


class StepModel(Protocol):
    """What every search runs on: a translation model or an ensemble of several."""

    def start(self, src_ids: Tensor, src_len: Tensor) -> State:
        """Reads the sources.

        Args:
            src_ids: `(B, S)` int64, each row ends with eos, then padding.
            src_len: `(B,)` int64, lengths with eos.

        Returns:
            The state before the first target token.
        """
        ...

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Reads one target token a row and scores what may follow.

        Args:
            ids: `(B,)` int64, the last token; bos at the first step.
            state: What `start` or the last `step` returned.
            need_weights: Whether attention rows are wanted.

        Returns:
            Logits and attention of this step, and the state after it.
        """
        ...


class Decoder(nn.Module, ABC):
    """Base of all decoders: one step, and the same for a whole target sentence.

    Attributes:
        output_size: Width of what it hands to the output layer.
    """

    output_size: int

    @abstractmethod
    def start(self, encoded: EncoderOutput) -> State:
        """The state before the first target token."""

    @abstractmethod
    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Reads one token a row.

        Args:
            ids: `(B,)` int64.
            state: The state before.
            need_weights: Whether attention is wanted.

        Returns:
            Hidden `(B, 1, D)` with weights `(B, H, 1, S)` a layer, and the state after.
        """

    @abstractmethod
    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Reads a whole target sentence (teacher forcing).

        Args:
            tgt_in_ids: `(B, T)` int64, bos and the target.
            encoded: What the encoder left.
            need_weights: Whether attention is wanted.

        Returns:
            Hidden `(B, T, D)` with weights `(B, H, T, S)` a layer.
        """
