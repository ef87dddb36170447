"""Interfaces of decoders, and of models that a search (greedy, beam or sampling) can run step by step."""

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
    """Selects rows of the batch (sentences or hypotheses) in a decoder state, or in a part of a state.

    Args:
        value: A tensor whose dimension 0 is the batch, a `State`, a `Memory` or a tuple of these. Any other object has
            no rows and is returned unchanged.
        rows: Indices of the N rows to select, in their new order, `(N,)` int64; a row may be selected repeatedly.

    Returns:
        A new object of the same structure with N rows.
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
    """Base class of decoder states: tensors that a decoder keeps between two decoding steps, with a row per hypothesis.

    States are immutable. The batch is dimension 0 of their tensors.
    """

    def select(self: StateT, rows: Tensor) -> StateT:
        """Selects rows (hypotheses) of the state, as a beam search does after each step.

        Args:
            rows: Indices of the N rows to select, in their new order, `(N,)` int64; a row may be selected repeatedly.

        Returns:
            A new state with N rows.
        """
        return replace(self, **{field.name: select_rows(getattr(self, field.name), rows) for field in fields(self)})


class StepModel(Protocol):
    """Interface of models that searches use: encode source sentences, then compute one target token after another."""

    def start(self, src_ids: Tensor, src_len: Tensor) -> State:
        """Encodes source sentences, and makes the decoder's state before the first target token.

        Args:
            src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
            src_len: Source lengths with eos, without padding, `(B,)` int64.

        Returns:
            The decoder's state, with one row per sentence.
        """
        ...

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Runs one decoding step: reads the last target token of each row, and computes logits of the next token.

        Args:
            ids: Last target token of each row, `(B,)` int64; bos at the first step.
            state: State from `start` or from the previous `step`.
            need_weights: Whether to return attention weights.

        Returns:
            The logits and attention weights of this step, and the state for the next step.
        """
        ...


class Decoder(nn.Module, ABC):
    """Base class of decoders: single decoding steps for searches, whole target sentences for training.

    Attributes:
        output_size: Width of the decoder's output vectors, which are the input of the output layer.
    """

    output_size: int

    @abstractmethod
    def start(self, encoded: EncoderOutput) -> State:
        """Makes the decoder's state before the first target token, from the output of the encoder."""

    @abstractmethod
    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Runs one decoding step: reads the last target token of each row.

        Args:
            ids: Last target token of each row, `(B,)` int64; bos at the first step.
            state: State from `start` or from the previous `step`.
            need_weights: Whether to return attention weights.

        Returns:
            Decoder states, `(B, 1, D)`, with attention weights per layer, `(B, H, 1, S)`; and the state for the next
            step.
        """

    @abstractmethod
    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs the decoder over whole target sentences (teacher forcing).

        Args:
            tgt_in_ids: Target tokens, `(B, T)` int64: bos, then the sentence.
            encoded: Output of the encoder for the source sentences.
            need_weights: Whether to return attention weights.

        Returns:
            Decoder states, `(B, T, D)`, with attention weights per layer, `(B, H, T, S)`.
        """
