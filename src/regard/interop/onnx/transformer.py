"""Transformers as graphs of ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from torch import nn

from regard.attention.multi import MultiHeadAttention
from regard.interop.onnx import attention as parts
from regard.interop.onnx.graph import Graph, Value
from regard.interop.onnx.ports import SOURCE, STATE, Port, Step, Values
from regard.model.embed import Embedder, LearnedPositions, SinusoidalPositions
from regard.model.sublayers import FeedForward, PreNorm, Residual, SwiGLU
from regard.model.transformer import DecoderLayer, EncoderLayer, TransformerDecoder, TransformerEncoder

_BIAS = f"{SOURCE}bias"


class TransformerPlan:
    """A Transformer. Rows are `(B T, D)` throughout; heads stand apart only where they attend.

    Args:
        encoder: The encoder.
        decoder: The decoder.

    Attributes:
        ports: See `Plan`.
    """

    def __init__(self, encoder: TransformerEncoder, decoder: TransformerDecoder) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._layers = [cast("DecoderLayer", layer) for layer in decoder.layers]
        self.ports = {_BIAS: Port((1, 1, "source"))}
        for number, layer in enumerate(self._layers):
            cross, own = layer.cross_attention, layer.self_attention
            with torch.no_grad():
                key = torch.zeros(1, cross.num_heads, 1, cross.context_size // cross.num_heads)
                key_size = cross.score.project_key(key).shape[-1]
            self.ports[f"{SOURCE}key_{number}"] = Port((cross.num_heads, "source", key_size))
            self.ports[f"{SOURCE}value_{number}"] = Port((cross.num_heads, "source", key.shape[-1]))
            for name in ("key", "value"):
                self.ports[f"{STATE}{name}_{number}"] = Port(
                    (own.num_heads, "target", own.context_size // own.num_heads)
                )

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """See `Plan.start`."""
        lead = g.op("Shape", src_ids)
        where = parts.positions(g, parts.size(g, src_ids, 1))
        length = g.op("Reshape", src_len, g.ints(-1, 1, 1, 1))
        values = {_BIAS: parts.bias_of(g, g.op("Less", where, length))}
        x = _embed(g, self._encoder.embedder, src_ids, where)
        for module in self._encoder.layers:
            layer = cast("EncoderLayer", module)
            attention = layer.self_attention

            def attend(y: Value, attention: MultiHeadAttention = attention) -> Value:
                query, key, value = _read(g, attention, y, lead, where)
                return _attend(g, attention, query, key, value, values[_BIAS])[0]

            x = _around(g, layer.around_attention, x, attend)
            x = _around(g, layer.around_feed_forward, x, partial(_feed_forward, g, layer.feed_forward))
        x = _norm(g, self._encoder.norm, x)
        for number, decoder_layer in enumerate(self._layers):
            cross = decoder_layer.cross_attention
            key, value = (_split(g, cross, _linear(g, one, x), lead) for one in (cross.key_map, cross.value_map))
            values[f"{SOURCE}key_{number}"] = parts.project_key(g, cross.score, key)
            values[f"{SOURCE}value_{number}"] = value
        for name, port in self.ports.items():
            if name.startswith(STATE):
                num_heads, _, width = port.shape
                shape = g.op("Concat", g.op("Shape", src_len), g.ints(int(num_heads), 0, int(width)), axis=0)
                values[name] = g.op("Expand", g.scalar(0.0), shape)
        return values

    def step(self, g: Graph, ids: Value, given: Values) -> Step:
        """See `Plan.step`."""
        where = parts.size(g, given[f"{STATE}key_0"], 2)  # t, the steps that were done
        x = _embed(g, self._decoder.embedder, g.op("Unsqueeze", ids, g.ints(1)), where)
        weights: list[Value] = []
        after: Values = {}
        for number, layer in enumerate(self._layers):
            names = [f"{STATE}{name}_{number}" for name in ("key", "value")]
            source = [given[f"{SOURCE}{name}_{number}"] for name in ("key", "value")]

            def attend_self(y: Value, layer: DecoderLayer = layer, names: list[str] = names) -> Value:
                query, *new = _read(g, layer.self_attention, y, g.ints(-1, 1), where)
                after.update(
                    {name: g.op("Concat", given[name], one, axis=2) for name, one in zip(names, new, strict=True)}
                )
                return _attend(g, layer.self_attention, query, after[names[0]], after[names[1]], None)[0]

            def attend_source(y: Value, layer: DecoderLayer = layer, source: list[Value] = source) -> Value:
                cross = layer.cross_attention
                query = _split(g, cross, _linear(g, cross.query_map, y), g.ints(-1, 1))
                context, looked = _attend(g, cross, query, source[0], source[1], given[_BIAS])
                weights.append(looked)
                return context

            x = _around(g, layer.around_self, x, attend_self)
            x = _around(g, layer.around_cross, x, attend_source)
            x = _around(g, layer.around_feed_forward, x, partial(_feed_forward, g, layer.feed_forward))
        return Step(_norm(g, self._decoder.norm, x), weights, after)


def _linear(g: Graph, linear: nn.Linear, x: Value) -> Value:
    return g.linear(x, linear.weight, linear.bias)


def _split(g: Graph, attention: MultiHeadAttention, rows: Value, lead: Value) -> Value:
    """`(B T, D)` to `(B, H, T, D / H)`; `lead` holds B and T."""
    shape = g.op("Concat", lead, g.ints(attention.num_heads, attention.context_size // attention.num_heads), axis=0)
    return g.op("Transpose", g.op("Reshape", rows, shape), perm=[0, 2, 1, 3])


def _read(g: Graph, attention: MultiHeadAttention, y: Value, lead: Value, where: Value) -> list[Value]:
    """Query, key and value of self-attention by one product, turned by their positions `(T,)` where that is asked."""
    maps = (attention.query_map, attention.key_map, attention.value_map)
    weight, bias = torch.cat([one.weight for one in maps]), torch.cat([one.bias for one in maps])
    query, key, value = (
        _split(g, attention, rows, lead)
        for rows in g.ops("Split", g.linear(y, weight, bias), count=3, axis=1, num_outputs=3)
    )
    if attention.rotary:
        query, key = (_rotate(g, one, where, attention.context_size // attention.num_heads) for one in (query, key))
    return [query, key, value]


def _attend(
    g: Graph, attention: MultiHeadAttention, query: Value, key: Value, value: Value, bias: Value | None
) -> tuple[Value, Value]:
    """Context in rows `(B T, D)`, and weights `(B, H, T, S)`."""
    weights = parts.attend(g, attention.normalizer, parts.scores(g, attention.score, query, key), bias)
    context = g.op("Transpose", g.op("MatMul", weights, value), perm=[0, 2, 1, 3])
    rows = g.op("Reshape", context, g.ints(-1, attention.context_size))
    return _linear(g, attention.output_map, rows), weights


def _rotate(g: Graph, x: Value, where: Value, width: int) -> Value:
    """See `regard.attention.rotary.rotate`; positions `(T,)`, K is `width`."""
    half = width // 2
    frequency = 10_000.0 ** (-torch.arange(half, dtype=torch.float32) / half)
    sin, cos = _angles(g, where, frequency)
    first, second = g.ops("Split", x, count=2, axis=3, num_outputs=2)
    left = g.op("Sub", g.op("Mul", first, cos), g.op("Mul", second, sin))
    right = g.op("Add", g.op("Mul", first, sin), g.op("Mul", second, cos))
    return g.op("Concat", left, right, axis=3)


def _embed(g: Graph, embedder: Embedder, ids: Value, where: Value) -> Value:
    """See `Embedder.forward`: ids `(B, T)` at positions `(T,)` to rows `(B T, D)`."""
    table = embedder.embedding.weight
    rows = g.op("Mul", g.embed(g.op("Reshape", ids, g.ints(-1)), table), g.scalar(embedder.scale))
    if not isinstance(embedder.positions, (SinusoidalPositions, LearnedPositions)):
        return rows
    width = table.shape[1]
    if isinstance(embedder.positions, LearnedPositions):
        added = g.op("Gather", g.constant(embedder.positions.table), where)
    else:
        even = torch.arange(0, width, 2, dtype=torch.float32)
        frequency = torch.exp(even * (-math.log(10_000.0) / width))
        sin, cos = _angles(g, where, frequency)
        pairs = [g.op("Unsqueeze", one, g.ints(2)) for one in (sin, cos)]
        added = g.op("Reshape", g.op("Concat", *pairs, axis=2), g.ints(0, -1))  # interleaved, (T, D)
    shape = g.op("Concat", g.op("Shape", ids), g.ints(width), axis=0)
    return g.op("Reshape", g.op("Add", g.op("Reshape", rows, shape), added), g.ints(-1, width))


def _angles(g: Graph, where: Value, frequency: torch.Tensor) -> tuple[Value, Value]:
    """Sine and cosine of positions `(T,)` times frequencies `(N,)`, `(T, N)` each."""
    angle = g.op("Mul", g.op("Cast", g.op("Unsqueeze", where, g.ints(1)), to=1), g.constant(frequency))
    return g.op("Sin", angle), g.op("Cos", angle)


def _around(g: Graph, residual: Residual, x: Value, sublayer: Callable[[Value], Value]) -> Value:
    """See `PreNorm` and `PostNorm`."""
    if isinstance(residual, PreNorm):
        return g.op("Add", x, sublayer(_norm(g, residual.norm, x)))
    return _norm(g, residual.norm, g.op("Add", x, sublayer(x)))


def _norm(g: Graph, norm: nn.Module, x: Value) -> Value:
    if not isinstance(norm, nn.LayerNorm):  # an identity
        return x
    return g.op("LayerNormalization", x, g.constant(norm.weight), g.constant(norm.bias), axis=-1, epsilon=norm.eps)


def _feed_forward(g: Graph, network: nn.Module, x: Value) -> Value:
    """See `FeedForward` and `SwiGLU`."""
    if isinstance(network, SwiGLU):
        inner = g.op("Mul", _silu(g, _linear(g, network.gate, x)), _linear(g, network.widen, x))
    elif isinstance(network, FeedForward):
        inner = _activation(g, network.activation, _linear(g, network.widen, x))
    else:
        raise AssertionError(f"a feed-forward network of another kind: {type(network).__name__}")
    return _linear(g, network.narrow, inner)


def _activation(g: Graph, activation: nn.Module, x: Value) -> Value:
    if not isinstance(activation, nn.Sequential):
        return g.op("Relu", x)
    return g.op("Gelu", x) if isinstance(activation[0], nn.GELU) else _silu(g, x)


def _silu(g: Graph, x: Value) -> Value:
    return g.op("Mul", x, g.op("Sigmoid", x))
