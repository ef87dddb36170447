"""The Transformer: an encoder and a decoder without recurrence (Vaswani et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from regard.attention.gathered import CachedRows
from regard.attention.masks import causal_mask, padding_mask
from regard.attention.multi import MultiHeadAttention
from regard.model.decoder import Decoder, State
from regard.model.embed import Embedder
from regard.model.sublayers import Residual
from regard.values import AttentionOutput, DecoderOutput, EncoderOutput, Memory

Cache: TypeAlias = "Memory | CachedRows"
"""Keys and values of one layer: tensors that grow by concatenation, or rows of a cache that is never copied."""


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network.

    Args:
        self_attention: Attention among source words.
        feed_forward: `(B, S, D)` to `(B, S, D)`.
        residual: Makes the residual connection of each sublayer.
    """

    def __init__(
        self, self_attention: MultiHeadAttention, feed_forward: nn.Module, residual: Callable[[], Residual]
    ) -> None:
        super().__init__()
        self.self_attention = self_attention
        self.feed_forward = feed_forward
        self.around_attention = residual()
        self.around_feed_forward = residual()

    def forward(self, x: Tensor, mask: Tensor, *, need_weights: bool = False) -> tuple[Tensor, Tensor | None]:
        """One layer.

        Args:
            x: `(B, S, D)`.
            mask: `(B, 1, 1, S)` bool.
            need_weights: Whether to return the weights of self-attention.

        Returns:
            The layer's output `(B, S, D)`, and weights `(B, H, S, S)` or None.
        """
        y = self.around_attention.before(x)
        memory = self.self_attention.project_memory(y, mask)
        attended: AttentionOutput = self.self_attention(y, memory, need_weights=need_weights)
        x = self.around_attention.after(x, attended.context)
        x = self.around_feed_forward.after(x, self.feed_forward(self.around_feed_forward.before(x)))
        return x, attended.weights


class DecoderLayer(nn.Module):
    """Self-attention over the target so far, cross-attention to the source and a feed-forward network.

    Args:
        self_attention: Attention of target words to earlier target words.
        cross_attention: Attention of target words to the source.
        feed_forward: `(B, T, D)` to `(B, T, D)`.
        residual: Makes the residual connection of each sublayer.
    """

    def __init__(
        self,
        self_attention: MultiHeadAttention,
        cross_attention: MultiHeadAttention,
        feed_forward: nn.Module,
        residual: Callable[[], Residual],
    ) -> None:
        super().__init__()
        self.self_attention = self_attention
        self.cross_attention = cross_attention
        self.feed_forward = feed_forward
        self.around_self = residual()
        self.around_cross = residual()
        self.around_feed_forward = residual()

    def forward(
        self,
        x: Tensor,
        past: Cache | None,
        source: Cache,
        *,
        start: int = 0,
        need_weights: bool = False,
    ) -> tuple[Tensor, Cache, Tensor | None]:
        """One layer, over a whole target or over its next position.

        Args:
            x: `(B, T, D)`, the positions from `start` on.
            past: Keys and values of this layer at the positions before `start`; None = there are none.
            source: Keys and values of this layer for the source.
            start: Number of positions before x.
            need_weights: Whether to return the weights of cross-attention.

        Returns:
            The layer's output `(B, T, D)`, the past including x, and weights `(B, H, T, S)` or None.
        """
        total, present = self.add_self_attention(x, self.around_self.before(x), past, start=start)
        x = self.around_self.normalized(total)
        total, weights = self.add_cross_attention(x, self.around_cross.before(x), source, need_weights=need_weights)
        x = self.around_cross.normalized(total)
        x = self.around_feed_forward.normalized(self.add_feed_forward(x, self.around_feed_forward.before(x)))
        return x, present, weights

    def add_self_attention(self, x: Tensor, y: Tensor, past: Cache | None, *, start: int) -> tuple[Tensor, Cache]:
        """The self-attention sublayer, up to its residual sum.

        Args:
            x: Residual, `(B, T, D)`.
            y: Input of the sublayer, `(B, T, D)`.
            past: As in `forward`.
            start: As in `forward`.

        Returns:
            The sum of x and self-attention `(B, T, D)`, and the past including y.
        """
        memory = self.self_attention.project_memory(y, start=start)
        present = memory if past is None else _concatenate(past, memory)
        steps = y.shape[1]  # a single step needs no mask, as it attends to all positions so far
        mask = causal_mask(steps, start + steps, device=y.device) if steps > 1 else None
        attended: AttentionOutput = self.self_attention(y, present, mask=mask, start=start)
        return self.around_self.add(x, attended.context), present

    def add_cross_attention(
        self, x: Tensor, y: Tensor, source: Cache, *, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The cross-attention sublayer, up to its residual sum.

        Args:
            x: Residual, `(B, T, D)`.
            y: Input of the sublayer, `(B, T, D)`.
            source: As in `forward`.
            need_weights: As in `forward`.

        Returns:
            The sum of x and cross-attention `(B, T, D)`, and weights `(B, H, T, S)` or None.
        """
        attended: AttentionOutput = self.cross_attention(y, source, need_weights=need_weights)
        return self.around_cross.add(x, attended.context), attended.weights

    def add_feed_forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The feed-forward sublayer, up to its residual sum.

        Args:
            x: Residual, `(B, T, D)`.
            y: Input of the sublayer, `(B, T, D)`.

        Returns:
            The sum of x and the feed-forward network's output `(B, T, D)`.
        """
        return self.around_feed_forward.add(x, self.feed_forward(y))


def _concatenate(past: Cache, new: Memory) -> Memory:
    if not isinstance(past, Memory):
        raise AssertionError("the cache comes from another decoder")
    return Memory(torch.cat((past.key, new.key), dim=2), torch.cat((past.value, new.value), dim=2))


def _checkpointed(layer: nn.Module) -> Callable[..., Any]:
    """A layer whose activations are not stored, but recomputed in the backward pass."""

    def run(*args: Tensor | Cache | None, **options: int | bool) -> object:
        return checkpoint(partial(layer, **options), *args, use_reentrant=False)

    return run


class TransformerEncoder(nn.Module):
    """Embedding and encoder layers.

    Args:
        embedder: Source words and their positions to `(B, S, D)`.
        layers: The layers, the lowest first.
        norm: Final normalization: a layer norm with pre-norm layers, an identity with post-norm layers.
        recompute: Whether to recompute each layer's activations in the backward pass, which saves memory.
    """

    def __init__(
        self, embedder: Embedder, layers: list[EncoderLayer], norm: nn.Module, *, recompute: bool = False
    ) -> None:
        super().__init__()
        self.recompute = recompute
        self.embedder = embedder
        self.layers = nn.ModuleList(layers)
        self.norm = norm

    def forward(self, src_ids: Tensor, src_len: Tensor, *, need_weights: bool = False) -> EncoderOutput:
        """Encodes the sources.

        Args:
            src_ids: `(B, S)` int64.
            src_len: `(B,)` int64.
            need_weights: Whether to return self-attention weights.

        Returns:
            States `(B, S, D)`, mask, and the self-attention weights of each layer if requested.
        """
        mask = padding_mask(src_len, src_ids.shape[1])
        x = self.embedder(src_ids)
        weights: list[Tensor] = []
        recompute = self.recompute and self.training and torch.is_grad_enabled()
        for layer in self.layers:
            run = _checkpointed(layer) if recompute else layer
            x, layer_weights = run(x, mask, need_weights=need_weights)
            if layer_weights is not None:
                weights.append(layer_weights)
        return EncoderOutput(self.norm(x), mask, weights=tuple(weights))


@dataclass(frozen=True)
class TransformerState(State):
    """The state between two steps.

    Attributes:
        past: Keys and values of the target so far, one memory per layer; empty before the first step.
        source: Keys and values of the source, one memory per layer.
        position: t, the number of steps so far.
    """

    past: tuple[Memory, ...]
    source: tuple[Memory, ...]
    position: int = 0


class TransformerDecoder(Decoder):
    """Embedding and decoder layers.

    Args:
        embedder: Target words and their positions to `(B, T, D)`.
        layers: The layers, the lowest first.
        norm: Final normalization: a layer norm with pre-norm layers, an identity with post-norm layers.
        recompute: Whether to recompute each layer's activations in the backward pass, which saves memory.
    """

    def __init__(
        self, embedder: Embedder, layers: list[DecoderLayer], norm: nn.Module, *, recompute: bool = False
    ) -> None:
        super().__init__()
        self.recompute = recompute
        self.embedder = embedder
        self.layers = nn.ModuleList(layers)
        self.norm = norm
        self.output_size = embedder.embedding.embedding_dim

    def start(self, encoded: EncoderOutput) -> TransformerState:
        """The state without past keys, with the source's keys and values projected; see `Decoder.start`."""
        return TransformerState((), self._project_source(encoded))

    def _project_source(self, encoded: EncoderOutput) -> tuple[Memory, ...]:
        return tuple(layer.cross_attention.project_memory(encoded.states, encoded.mask) for layer in self.layers)  # type: ignore[union-attr, operator]

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Runs all layers for one position, which attends to all earlier ones; see `Decoder.step`."""
        if not isinstance(state, TransformerState):
            raise AssertionError("the state comes from another decoder")
        return self._run_layers(ids[:, None], state, need_weights=need_weights)

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs all layers for all positions at once, with a causal mask; see `Decoder.forward`."""
        state = TransformerState((), self._project_source(encoded))
        return self._run_layers(tgt_in_ids, state, need_weights=need_weights)[0]

    def _run_layers(
        self, ids: Tensor, state: TransformerState, *, need_weights: bool
    ) -> tuple[DecoderOutput, TransformerState]:
        x = self.embedder(ids, start=state.position)
        past: list[Memory] = []
        weights: list[Tensor] = []
        recompute = self.recompute and self.training and torch.is_grad_enabled()
        for number, layer in enumerate(self.layers):
            layer_past = state.past[number] if state.past else None
            run = _checkpointed(layer) if recompute else layer
            x, present, layer_weights = run(
                x, layer_past, state.source[number], start=state.position, need_weights=need_weights
            )
            past.append(present)
            if layer_weights is not None:
                weights.append(layer_weights)
        after = TransformerState(tuple(past), state.source, state.position + ids.shape[1])
        return DecoderOutput(self.norm(x), tuple(weights)), after
