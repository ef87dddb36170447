"""The Transformer's decoder in a search: computes the next target position of all hypotheses in few PyTorch calls.

A step does little more than multiply a few rows by every weight of the decoder, so its overhead depends on the number
of calls. Query, key and value come from one product, and the last product of a sublayer adds the residual. Keys and
values are not copied when hypotheses are selected: a table, shared by all layers, says which cache rows belong to each
hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.gathered import CachedRows, KVCache, attend_rows, can_attend
from regard.attention.kernels import masked_softmax
from regard.attention.multi import MultiHeadAttention
from regard.attention.rotary import rotate
from regard.model.decoder import Decoder, State
from regard.model.sublayers import FeedForward, SwiGLU
from regard.model.transformer import Cache, DecoderLayer, TransformerDecoder
from regard.native.linear import Linear, fused_linear
from regard.values import DecoderOutput, EncoderOutput


@dataclass(frozen=True)
class PackedDecoderState(State):
    """State of a `PackedDecoder` for R hypotheses between two steps; selecting hypotheses copies no keys and values.

    Attributes:
        past: Keys and values of the target tokens so far, for self-attention, one cache per layer.
        source: Keys and values of the source, for cross-attention, one cache per layer.
        cache_rows: Per hypothesis and target position, the row of `past` with its key and value, `(R, T)` int64.
        sentences: Per hypothesis, the row of `source` with the keys and values of its sentence, `(R, 1)` int64.
    """

    past: tuple[KVCache, ...]
    source: tuple[KVCache, ...]
    cache_rows: Tensor
    sentences: Tensor


class PackedDecoderLayer(DecoderLayer):
    """A Transformer decoder layer that computes one target position, with few PyTorch calls and a KV cache.

    The sublayers are in the order of `DecoderLayer`. Query, key and value come from one matrix product, and the last
    matrix product of a sublayer adds the residual.

    Args:
        layer: The decoder layer to convert; its modules are shared, except those that are fused.
    """

    def __init__(self, layer: DecoderLayer) -> None:
        nn.Module.__init__(self)
        self_attention, cross = layer.self_attention, layer.cross_attention
        self.num_heads, self.rotary = self_attention.num_heads, self_attention.rotary
        self.self_score, self.cross_score = self_attention.score, cross.score
        self.self_maps = fused_linear(self_attention.query_map, self_attention.key_map, self_attention.value_map)
        self.self_output, self.cross_output = self_attention.output_map, cross.output_map
        self.cross_query, self.source_maps = cross.query_map, fused_linear(cross.key_map, cross.value_map)
        self.feed_forward = layer.feed_forward
        self.around_self = layer.around_self
        self.around_cross = layer.around_cross
        self.around_feed_forward = layer.around_feed_forward

    def project_source(self, encoded: EncoderOutput) -> KVCache:
        """Makes the KV cache of this layer's cross-attention from the encoder states, `(B, S, D)`."""
        # (B, S, 2 D) -> (B, S, 2, H, D/H) -> (2, B, H, S, D/H)
        key, value = self.source_maps(encoded.states).unflatten(-1, (2, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return KVCache.from_source(self.cross_score.project_key(key), value, encoded.mask)

    def add_self_attention(self, x: Tensor, y: Tensor, past: Cache | None, *, start: int) -> tuple[Tensor, Cache]:
        """Runs self-attention for one position of R hypotheses, and adds the residual.

        Args:
            x: The residual, `(R, D)`.
            y: Input of the sublayer, `(R, D)`: x after layer normalization in a pre-norm layer, otherwise x itself.
            past: Cached keys and values of the earlier positions.
            start: Target position of the input.

        Returns:
            The sum of x and the sublayer's output, `(R, D)`; and the cache with this position.
        """
        cached = _cached_rows(past)
        # (R, 3 D) -> (R, 3, H, 1, D/H)
        query, key, value = self.self_maps(y).view(len(y), 3, self.num_heads, 1, -1).unbind(1)
        if self.rotary:
            query, key = rotate(query, start=start), rotate(key, start=start)
        cache = cached.cache.extend(self.self_score.project_key(key), value)
        context, _ = attend_rows(self.self_score, query, cache, cached.rows, need_weights=False)
        total: Tensor = self.self_output(context, x)
        return total, CachedRows(cache, cached.rows)

    def add_cross_attention(
        self, x: Tensor, y: Tensor, source: Cache, *, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Runs cross-attention for one position of R hypotheses, and adds the residual.

        Args:
            x: The residual, `(R, D)`.
            y: Input of the sublayer, `(R, D)`: x after layer normalization in a pre-norm layer, otherwise x itself.
            source: Cached keys and values of the source.
            need_weights: Whether to return the attention weights.

        Returns:
            The sum of x and the sublayer's output, `(R, D)`; and the attention weights, `(R, H, 1, S)` or None.
        """
        query = self.cross_query(y).view(len(y), self.num_heads, 1, -1)
        cache, rows = _cached_rows(source)
        context, weights = attend_rows(self.cross_score, query, cache, rows, need_weights=need_weights)
        total: Tensor = self.cross_output(context, x)
        return total, weights

    def add_feed_forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Runs the feed-forward network for one position of R hypotheses, and adds the residual.

        Args:
            x: The residual, `(R, D)`.
            y: Input of the sublayer, `(R, D)`: x after layer normalization in a pre-norm layer, otherwise x itself.

        Returns:
            The sum of x and the sublayer's output, `(R, D)`.
        """
        total: Tensor = self.feed_forward.narrow(self.feed_forward.hidden(y), x)  # type: ignore[operator]
        return total


def _cached_rows(cache: Cache | None) -> CachedRows:
    if not isinstance(cache, CachedRows):
        raise AssertionError(
            "expected a cache of type CachedRows, as PackedDecoder makes it, got "
            f"{type(cache).__name__}: pass the state that this decoder returned"
        )
    return cache


class PackedDecoder(Decoder):
    """A Transformer decoder for inference, which computes one target position per step as fast as possible.

    Args:
        decoder: The decoder to convert. Its modules are shared, except for linear layers that are fused into new ones.
    """

    def __init__(self, decoder: TransformerDecoder) -> None:
        super().__init__()
        layers: list[DecoderLayer] = list(decoder.layers)  # type: ignore[arg-type]
        self.layers = nn.ModuleList(PackedDecoderLayer(layer) for layer in layers)
        self.embedder = decoder.embedder
        self.norm = decoder.norm
        self.output_size = decoder.output_size
        self._positions: dict[int, Tensor] = {}  # position embeddings, computed on first use

    @staticmethod
    def supports(decoder: TransformerDecoder) -> bool:
        """Whether `PackedDecoder` can convert a decoder: no custom modules, and compiled kernels for its attention."""
        weight = decoder.embedder.embedding.weight
        modules = [module for layer in decoder.layers for module in layer.modules()]
        attentions = [module for module in modules if isinstance(module, MultiHeadAttention)]
        return (
            all(type(layer) is DecoderLayer for layer in decoder.layers)
            and all(type(module) in (nn.Linear, Linear) for module in modules if isinstance(module, nn.Linear))
            and all(type(layer.feed_forward) in (FeedForward, SwiGLU) for layer in decoder.layers)
            and all(type(module) is MultiHeadAttention and module.normalizer is masked_softmax for module in attentions)
            and all(can_attend(module.score, weight, module.context_size) for module in attentions)
        )

    def start(self, encoded: EncoderOutput) -> PackedDecoderState:
        """Makes the state before the first step: the source's KV caches. See `Decoder.start`."""
        source = tuple(layer.project_source(encoded) for layer in self.layers)  # type: ignore[operator]
        sentences = torch.arange(len(encoded.states))[:, None]
        return PackedDecoderState((KVCache(),) * len(self.layers), source, sentences[:, :0], sentences)

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """Runs all layers for the next target position of each hypothesis. See `Decoder.step`."""
        if not isinstance(state, PackedDecoderState):
            raise AssertionError(
                f"expected a state of this decoder, a PackedDecoderState, got {type(state).__name__}: pass a state "
                "that start() or step() of this decoder returned"
            )
        position = state.cache_rows.shape[1]
        x = self._embed(ids, position)
        cache_rows = torch.cat((state.cache_rows, torch.arange(len(ids))[:, None]), dim=1)
        past: list[KVCache] = []
        weights: list[Tensor] = []
        for layer, past_cache, source_cache in zip(self.layers, state.past, state.source, strict=True):
            x, present, layer_weights = layer(
                x,
                CachedRows(past_cache, cache_rows),
                CachedRows(source_cache, state.sentences),
                start=position,
                need_weights=need_weights,
            )
            past.append(present.cache)
            if layer_weights is not None:
                weights.append(layer_weights)
        after = PackedDecoderState(tuple(past), state.source, cache_rows, state.sentences)
        return DecoderOutput(self.norm(x)[:, None], tuple(weights)), after

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """Runs the steps of the target sentences one after another. See `Decoder.forward`."""
        state: State = self.start(encoded)
        outputs = []
        for ids in tgt_in_ids.unbind(1):
            output, state = self.step(ids, state, need_weights=need_weights)
            outputs.append(output)
        weights = tuple(torch.cat(steps, dim=2) for steps in zip(*(output.weights for output in outputs), strict=True))
        return DecoderOutput(torch.cat([output.hidden for output in outputs], dim=1), weights)

    def _embed(self, ids: Tensor, position: int) -> Tensor:
        """`√D · E[ids]` plus the position embedding, `(R, D)`."""
        weight = self.embedder.embedding.weight
        embedded_position = self._positions.get(position)
        if embedded_position is None:
            embedded_position = self.embedder.positions(weight.new_zeros(1, 1, weight.shape[1]), start=position)[0]
            self._positions[position] = embedded_position
        return torch.add(embedded_position, F.embedding(ids, weight), alpha=self.embedder.scale)
