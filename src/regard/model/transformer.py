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
    """Encoder layer of a Transformer: self-attention and a feed-forward network.

    Args:
        self_attention: Attention of source tokens to all source tokens.
        feed_forward: Feed-forward network, `(B, S, D)` to `(B, S, D)`.
        residual: Function that makes a `Residual`, such as a `PreNorm`; it is called for each of the two sublayers.
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
        """Runs the encoder layer.

        Args:
            x: Input of the layer, `(B, S, D)`.
            mask: Padding mask, `(B, 1, 1, S)` bool, True at real tokens.
            need_weights: Whether to return the weights of self-attention.

        Returns:
            The output of the layer, `(B, S, D)`, and the weights of self-attention, `(B, H, S, S)` or None.
        """
        y = self.around_attention.before(x)
        memory = self.self_attention.project_memory(y, mask)
        attended: AttentionOutput = self.self_attention(y, memory, need_weights=need_weights)
        x = self.around_attention.after(x, attended.context)
        x = self.around_feed_forward.after(x, self.feed_forward(self.around_feed_forward.before(x)))
        return x, attended.weights


class DecoderLayer(nn.Module):
    """Decoder layer of a Transformer: causal self-attention, cross-attention and a feed-forward network.

    Args:
        self_attention: Attention of target tokens to themselves and to earlier target tokens.
        cross_attention: Attention of target tokens to the source.
        feed_forward: Feed-forward network, `(B, T, D)` to `(B, T, D)`.
        residual: Function that makes a `Residual`, such as a `PreNorm`; it is called for each of the three sublayers.
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
        """Runs the decoder layer over whole target sentences, or over the next target positions in decoding.

        Args:
            x: Input of the layer at the target positions from `start` on, `(B, T, D)`.
            past: Keys and values of self-attention at the positions before `start`; None if `start` is 0.
            source: Keys and values of cross-attention.
            start: Number of target positions before x.
            need_weights: Whether to return the weights of cross-attention.

        Returns:
            The output of the layer, `(B, T, D)`; the keys and values of self-attention at all positions so far, for the
            next call; and the weights of cross-attention, `(B, H, T, S)` or None.
        """
        total, present = self.add_self_attention(x, self.around_self.before(x), past, start=start)
        x = self.around_self.normalized(total)
        total, weights = self.add_cross_attention(x, self.around_cross.before(x), source, need_weights=need_weights)
        x = self.around_cross.normalized(total)
        x = self.around_feed_forward.normalized(self.add_feed_forward(x, self.around_feed_forward.before(x)))
        return x, present, weights

    def add_self_attention(self, x: Tensor, y: Tensor, past: Cache | None, *, start: int) -> tuple[Tensor, Cache]:
        """Runs the self-attention sublayer, and adds the residual.

        Args:
            x: The residual, `(B, T, D)`.
            y: Input of the sublayer, `(B, T, D)`: x after layer normalization in a pre-norm layer, otherwise x itself.
            past: Keys and values of self-attention at the positions before `start`; None if `start` is 0.
            start: Number of target positions before x.

        Returns:
            The sum of x and the sublayer's output, `(B, T, D)`; and the keys and values at all positions so far.
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
        """Runs the cross-attention sublayer, and adds the residual.

        Args:
            x: The residual, `(B, T, D)`.
            y: Input of the sublayer, `(B, T, D)`: x after layer normalization in a pre-norm layer, otherwise x itself.
            source: Keys and values of cross-attention.
            need_weights: Whether to return the attention weights.

        Returns:
            The sum of x and the sublayer's output, `(B, T, D)`; and the attention weights, `(B, H, T, S)` or None.
        """
        attended: AttentionOutput = self.cross_attention(y, source, need_weights=need_weights)
        return self.around_cross.add(x, attended.context), attended.weights

    def add_feed_forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Runs the feed-forward sublayer, and adds the residual.

        Args:
            x: The residual, `(B, T, D)`.
            y: Input of the sublayer, `(B, T, D)`: x after layer normalization in a pre-norm layer, otherwise x itself.

        Returns:
            The sum of x and the sublayer's output, `(B, T, D)`.
        """
        return self.around_feed_forward.add(x, self.feed_forward(y))


def _concatenate(past: Cache, new: Memory) -> Memory:
    if not isinstance(past, Memory):
        raise AssertionError(
            "expected past keys and values of type Memory, as TransformerDecoder makes them, got "
            f"{type(past).__name__}: pass the state that this decoder returned"
        )
    return Memory(torch.cat((past.key, new.key), dim=2), torch.cat((past.value, new.value), dim=2))


def _checkpointed(layer: nn.Module) -> Callable[..., Any]:
    """A layer whose activations are not stored, but recomputed in the backward pass."""

    def run(*args: Tensor | Cache | None, **options: int | bool) -> object:
        return checkpoint(partial(layer, **options), *args, use_reentrant=False)

    return run


class TransformerEncoder(nn.Module):
    """Encoder of a Transformer: embeddings of tokens and positions, encoder layers and a final normalization.

    Args:
        embedder: Input layer, from source tokens to `(B, S, D)`.
        layers: The encoder layers, the lowest first.
        norm: Final normalization: a layer norm after pre-norm layers, the identity after post-norm layers.
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
        """Encodes source sentences.

        Args:
            src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
            src_len: Source lengths with eos, without padding, `(B,)` int64.
            need_weights: Whether to return self-attention weights.

        Returns:
            Encoder states, `(B, S, D)`; the padding mask; and the self-attention weights of each layer if requested.
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
    """State of a `TransformerDecoder` between two decoding steps.

    Attributes:
        past: Keys and values of self-attention at the target positions so far, one `Memory` per layer; empty before the
            first step.
        source: Keys and values of cross-attention, one `Memory` per layer.
        position: t, the number of target positions so far.
    """

    past: tuple[Memory, ...]
    source: tuple[Memory, ...]
    position: int = 0


class TransformerDecoder(Decoder):
    """Decoder of a Transformer: embeddings of tokens and positions, decoder layers and a final normalization.

    Args:
        embedder: Input layer, from target tokens to `(B, T, D)`.
        layers: The decoder layers, the lowest first.
        norm: Final normalization: a layer norm after pre-norm layers, the identity after post-norm layers.
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
        """Makes the state before the first step: keys and values of the source per layer. See `Decoder.start`."""
        return TransformerState((), self._project_source(encoded))

    def _project_source(self, encoded: EncoderOutput) -> tuple[Memory, ...]:
        return tuple(layer.cross_attention.project_memory(encoded.states, encoded.mask) for layer in self.layers)  # type: ignore[union-attr, operator]

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Runs all layers for the next target position. See `Decoder.step`."""
        if not isinstance(state, TransformerState):
            raise AssertionError(
                f"expected a state of this decoder, a TransformerState, got {type(state).__name__}: pass a state "
                "that start() or step() of this decoder returned"
            )
        return self._run_layers(ids[:, None], state, need_weights=need_weights)

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs all layers over all target positions at once. See `Decoder.forward`."""
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
