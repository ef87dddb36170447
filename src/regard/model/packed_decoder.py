"""The Transformer's decoder for searches: one position of many rows per step, in as few calls as possible.

A step multiplies a few rows by every weight of the decoder and does little else, so that its overhead is the number of
its calls. Query, key and value come from one product, the product that ends a sublayer adds the residual, and keys and
values stay where they were computed: all layers share one table of rows.
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
    """State of a search. Rows are reordered; their keys and values stay where they were computed.

    Attributes:
        past: Keys and values of the target so far, one cache per layer.
        source: Keys and values of the source, one cache per layer.
        places: `(R, T)` int64, for each position so far the cached row that row r continues.
        sentences: `(R, 1)` int64, the sentence of each row.
    """

    past: tuple[KVCache, ...]
    source: tuple[KVCache, ...]
    places: Tensor
    sentences: Tensor


class PackedDecoderLayer(DecoderLayer):
    """A decoder layer over one position: the same order of sublayers, with packed weights and cached rows.

    Query, key and value come from one product, and the product that ends a sublayer adds the residual.

    Args:
        layer: The layer whose modules it shares.
    """

    def __init__(self, layer: DecoderLayer) -> None:
        nn.Module.__init__(self)
        own, cross = layer.self_attention, layer.cross_attention
        self.num_heads, self.rotary = own.num_heads, own.rotary
        self.self_score, self.cross_score = own.score, cross.score
        self.self_maps = fused_linear(own.query_map, own.key_map, own.value_map)
        self.self_output, self.cross_output = own.output_map, cross.output_map
        self.cross_query, self.source_maps = cross.query_map, fused_linear(cross.key_map, cross.value_map)
        self.feed_forward = layer.feed_forward
        self.around_self = layer.around_self
        self.around_cross = layer.around_cross
        self.around_feed_forward = layer.around_feed_forward

    def project_source(self, encoded: EncoderOutput) -> KVCache:
        """Keys and values of the source `(B, S, D)`."""
        # (B, S, 2 D) -> (B, S, 2, H, D/H) -> (2, B, H, S, D/H)
        both = self.source_maps(encoded.states).unflatten(-1, (2, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return KVCache.from_source(self.cross_score.project_key(both[0]), both[1], encoded.mask)

    def add_self_attention(self, x: Tensor, y: Tensor, past: Cache | None, *, start: int) -> tuple[Tensor, Cache]:
        """See `DecoderLayer.add_self_attention`; x and y are `(R, D)`."""
        cached = _rows(past)
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
        """See `DecoderLayer.add_cross_attention`; x and y are `(R, D)`."""
        query = self.cross_query(y).view(len(y), self.num_heads, 1, -1)
        cache, rows = _rows(source)
        context, weights = attend_rows(self.cross_score, query, cache, rows, need_weights=need_weights)
        total: Tensor = self.cross_output(context, x)
        return total, weights

    def add_feed_forward(self, x: Tensor, y: Tensor) -> Tensor:
        """See `DecoderLayer.add_feed_forward`; x and y are `(R, D)`."""
        total: Tensor = self.feed_forward.narrow(self.feed_forward.hidden(y), x)  # type: ignore[operator]
        return total


def _rows(cache: Cache | None) -> CachedRows:
    if not isinstance(cache, CachedRows):
        raise AssertionError("the cache comes from another decoder")
    return cache


class PackedDecoder(Decoder):
    """A Transformer's decoder for one position at a time.

    Args:
        decoder: What it is made of; the two share all that is not laid out anew.
    """

    def __init__(self, decoder: TransformerDecoder) -> None:
        super().__init__()
        layers: list[DecoderLayer] = list(decoder.layers)  # type: ignore[arg-type]
        self.layers = nn.ModuleList(PackedDecoderLayer(layer) for layer in layers)
        self.embedder = decoder.embedder
        self.norm = decoder.norm
        self.output_size = decoder.output_size
        self._positions: dict[int, Tensor] = {}  # what is added at each, once it was asked for

    @staticmethod
    def fits(decoder: TransformerDecoder) -> bool:
        """Whether a decoder is of parts that are known here, and there is a kernel for all of its attentions."""
        weight = decoder.embedder.embedding.weight
        parts = [part for layer in decoder.layers for part in layer.modules()]
        attentions = [part for part in parts if isinstance(part, MultiHeadAttention)]
        return (
            all(type(layer) is DecoderLayer for layer in decoder.layers)
            and all(type(part) in (nn.Linear, Linear) for part in parts if isinstance(part, nn.Linear))
            and all(type(layer.feed_forward) in (FeedForward, SwiGLU) for layer in decoder.layers)
            and all(type(one) is MultiHeadAttention and one.normalizer is masked_softmax for one in attentions)
            and all(can_attend(one.score, weight, one.context_size) for one in attentions)
        )

    def start(self, encoded: EncoderOutput) -> PackedDecoderState:
        """See `Decoder.start`."""
        source = tuple(layer.project_source(encoded) for layer in self.layers)  # type: ignore[operator]
        sentences = torch.arange(len(encoded.states))[:, None]
        return PackedDecoderState((KVCache(),) * len(self.layers), source, sentences[:, :0], sentences)

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[DecoderOutput, State]:
        """See `Decoder.step`."""
        if not isinstance(state, PackedDecoderState):
            raise AssertionError("the state comes from another decoder")
        position = state.places.shape[1]
        x = self._embed(ids, position)
        places = torch.cat((state.places, torch.arange(len(ids))[:, None]), dim=1)
        past: list[KVCache] = []
        weights: list[Tensor] = []
        for layer, own, source in zip(self.layers, state.past, state.source, strict=True):
            x, present, layer_weights = layer(
                x,
                CachedRows(own, places),
                CachedRows(source, state.sentences),
                start=position,
                need_weights=need_weights,
            )
            past.append(present.cache)
            if layer_weights is not None:
                weights.append(layer_weights)
        after = PackedDecoderState(tuple(past), state.source, places, state.sentences)
        return DecoderOutput(self.norm(x)[:, None], tuple(weights)), after

    def forward(self, tgt_in_ids: Tensor, encoded: EncoderOutput, *, need_weights: bool = False) -> DecoderOutput:
        """See `Decoder.forward`: here, its steps one after another."""
        state: State = self.start(encoded)
        outputs = []
        for ids in tgt_in_ids.unbind(1):
            output, state = self.step(ids, state, need_weights=need_weights)
            outputs.append(output)
        weights = tuple(torch.cat(steps, dim=2) for steps in zip(*(output.weights for output in outputs), strict=True))
        return DecoderOutput(torch.cat([output.hidden for output in outputs], dim=1), weights)

    def _embed(self, ids: Tensor, position: int) -> Tensor:
        """`√D · E[ids]` and the position, `(R, D)`."""
        weight = self.embedder.embedding.weight
        here = self._positions.get(position)
        if here is None:
            here = self.embedder.positions(weight.new_zeros(1, 1, weight.shape[1]), start=position)[0]
            self._positions[position] = here
        return torch.add(here, F.embedding(ids, weight), alpha=self.embedder.scale)
