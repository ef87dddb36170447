"""Adds the nodes of Transformers to ONNX graphs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from regard.attention.multi import MultiHeadAttention
from regard.interop.activations import activation_function, check_gelu
from regard.interop.onnx import attention as parts
from regard.interop.onnx.graph import Graph, Value
from regard.interop.onnx.normalizers import attention_weights
from regard.interop.onnx.ports import SOURCE, STATE, Port, Step, Values
from regard.interop.part_table import PartTable, exact
from regard.interop.transformer_parts import transformer_parts
from regard.model.embed import Embedder, LearnedPositions, NoPositions, SinusoidalPositions
from regard.model.sublayers import FeedForward, PostNorm, PreNorm, Residual, SwiGLU
from regard.model.transformer import DecoderLayer, TransformerDecoder
from regard.native.dropout import ReLUDropout

_BIAS = f"{SOURCE}bias"


class TransformerPlan:
    """Adds the nodes of a Transformer to its two ONNX graphs: one encodes the source, one computes a decoder step.

    Hidden states are rows `(B T, D)`, which are split into heads only for attention.

    Args:
        encoder: Encoder of the model.
        decoder: Decoder of the model.

    Attributes:
        ports: Shapes and types, by name, of the tensors that the encoder graph passes to the decoder step graph.
    """

    def __init__(self, encoder: nn.Module, decoder: TransformerDecoder) -> None:
        found = transformer_parts(encoder, decoder, engine="onnx")
        self._encoder, self._decoder = found.encoder, found.decoder
        self._encoder_layers, self._decoder_layers = found.encoder_layers, found.decoder_layers
        self.ports = {_BIAS: Port((1, 1, "source"))}
        for number, layer in enumerate(self._decoder_layers):
            cross, own = _multi_head(layer.cross_attention), _multi_head(layer.self_attention)
            parts.SCORES.find(cross.score)
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
        """Adds the nodes that encode the source and compute the state before the first step. See `Plan.start`."""
        lead = g.op("Shape", src_ids)
        where = parts.positions(g, parts.size(g, src_ids, 1))
        length = g.op("Reshape", src_len, g.ints(-1, 1, 1, 1))
        values = {_BIAS: parts.mask_bias(g, g.op("Less", where, length))}
        x = _embed(g, self._encoder.embedder, src_ids, where)
        for layer in self._encoder_layers:

            def attend(y: Value, attention: MultiHeadAttention = layer.self_attention) -> Value:
                query, key, value = _self_attention_inputs(g, attention, y, lead, where)
                return _attend(g, attention, query, key, value, values[_BIAS])[0]

            x = _residual(g, layer.around_attention, x, attend)
            x = _residual(g, layer.around_feed_forward, x, partial(_feed_forward, g, layer.feed_forward))
        x = _norm(g, self._encoder.norm, x)
        for number, decoder_layer in enumerate(self._decoder_layers):
            cross = decoder_layer.cross_attention
            key, value = (
                _split(g, cross, parts.linear(g, module, x), lead) for module in (cross.key_map, cross.value_map)
            )
            values[f"{SOURCE}key_{number}"] = parts.project_key(g, cross.score, key)
            values[f"{SOURCE}value_{number}"] = value
        for name, port in self.ports.items():
            if name.startswith(STATE):
                num_heads, _, width = port.shape
                shape = g.op("Concat", g.op("Shape", src_len), g.ints(int(num_heads), 0, int(width)), axis=0)
                values[name] = g.op("Expand", g.scalar(0.0), shape)
        return values

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Adds the nodes of one decoder step, given the last tokens and the tensors in `ports`. See `Plan.step`."""
        where = parts.size(g, inputs[f"{STATE}key_0"], 2)  # t, the number of earlier steps
        x = _embed(g, self._decoder.embedder, g.op("Unsqueeze", ids, g.ints(1)), where)
        weights: list[Value] = []
        after: Values = {}
        for number, layer in enumerate(self._decoder_layers):
            names = [f"{STATE}{name}_{number}" for name in ("key", "value")]
            source = [inputs[f"{SOURCE}{name}_{number}"] for name in ("key", "value")]

            def self_attend(y: Value, layer: DecoderLayer = layer, names: list[str] = names) -> Value:
                query, *new = _self_attention_inputs(g, layer.self_attention, y, g.ints(-1, 1), where)
                after.update(
                    {name: g.op("Concat", inputs[name], value, axis=2) for name, value in zip(names, new, strict=True)}
                )
                return _attend(g, layer.self_attention, query, after[names[0]], after[names[1]], None)[0]

            def cross_attend(y: Value, layer: DecoderLayer = layer, source: list[Value] = source) -> Value:
                cross = layer.cross_attention
                query = _split(g, cross, parts.linear(g, cross.query_map, y), g.ints(-1, 1))
                context, cross_weights = _attend(g, cross, query, source[0], source[1], inputs[_BIAS])
                weights.append(cross_weights)
                return context

            x = _residual(g, layer.around_self, x, self_attend)
            x = _residual(g, layer.around_cross, x, cross_attend)
            x = _residual(g, layer.around_feed_forward, x, partial(_feed_forward, g, layer.feed_forward))
        return Step(_norm(g, self._decoder.norm, x), weights, after)


def _multi_head(attention: nn.Module) -> MultiHeadAttention:
    return exact(attention, MultiHeadAttention, engine="onnx", family="attention")


def _split(g: Graph, attention: MultiHeadAttention, rows: Value, lead: Value) -> Value:
    """Splits rows `(B T, D)` into heads, `(B, H, T, D / H)`; `lead` holds B and T."""
    shape = g.op("Concat", lead, g.ints(attention.num_heads, attention.context_size // attention.num_heads), axis=0)
    return g.op("Transpose", g.op("Reshape", rows, shape), perm=[0, 2, 1, 3])


def _self_attention_inputs(g: Graph, attention: MultiHeadAttention, y: Value, lead: Value, where: Value) -> list[Value]:
    """Query, key and value from one matrix product, rotated by the positions `(T,)` if the attention is rotary."""
    parts.SELF_ATTENTION_SCORES.find(_multi_head(attention).score)
    weights, biases = zip(
        *(parts.linear_weights(module) for module in (attention.query_map, attention.key_map, attention.value_map)),
        strict=True,
    )
    weight, bias = torch.cat(weights), torch.cat(biases)
    query, key, value = (
        _split(g, attention, rows, lead)
        for rows in g.ops("Split", g.linear(y, weight, bias), count=3, axis=1, num_outputs=3)
    )
    if attention.rotary:
        width = attention.context_size // attention.num_heads
        query, key = (_rotate(g, heads, where, width) for heads in (query, key))
    return [query, key, value]


def _attend(
    g: Graph, attention: MultiHeadAttention, query: Value, key: Value, value: Value, bias: Value | None
) -> tuple[Value, Value]:
    """Context in rows `(B T, D)`, and weights `(B, H, T, S)`."""
    weights = attention_weights(g, attention.normalizer, parts.scores(g, attention.score, query, key), bias)
    context = g.op("Transpose", g.op("MatMul", weights, value), perm=[0, 2, 1, 3])
    rows = g.op("Reshape", context, g.ints(-1, attention.context_size))
    return parts.linear(g, attention.output_map, rows), weights


def _rotate(g: Graph, x: Value, where: Value, width: int) -> Value:
    """Adds `regard.attention.rotary.rotate` for positions `(T,)`; K is `width`."""
    half = width // 2
    frequency = 10_000.0 ** (-torch.arange(half, dtype=torch.float32) / half)
    sin, cos = _angles(g, where, frequency)
    first, second = g.ops("Split", x, count=2, axis=3, num_outputs=2)
    left = g.op("Sub", g.op("Mul", first, cos), g.op("Mul", second, sin))
    right = g.op("Add", g.op("Mul", first, sin), g.op("Mul", second, cos))
    return g.op("Concat", left, right, axis=3)


def _embed(g: Graph, embedder: Embedder, ids: Value, where: Value) -> Value:
    """Adds `Embedder.forward`: ids `(B, T)` at positions `(T,)` to rows `(B T, D)`."""
    exact(embedder, Embedder, engine="onnx", family="embedder")
    table = parts.embedding_table(embedder.embedding)
    rows = g.op("Mul", g.embed(g.op("Reshape", ids, g.ints(-1)), table), g.scalar(embedder.scale))
    add_positions = _POSITIONS.find(embedder.positions)
    if add_positions is None:
        return rows
    width = table.shape[1]
    added = add_positions(g, embedder.positions, where, width)
    shape = g.op("Concat", g.op("Shape", ids), g.ints(width), axis=0)
    return g.op("Reshape", g.op("Add", g.op("Reshape", rows, shape), added), g.ints(-1, width))


def _learned(g: Graph, module: LearnedPositions, where: Value, width: int) -> Value:
    return g.op("Gather", g.constant(module.table), where)


def _sinusoidal(g: Graph, module: SinusoidalPositions, where: Value, width: int) -> Value:
    even = torch.arange(0, width, 2, dtype=torch.float32)
    frequency = torch.exp(even * (-math.log(10_000.0) / width))
    pairs = [g.op("Unsqueeze", values, g.ints(2)) for values in _angles(g, where, frequency)]
    return g.op("Reshape", g.op("Concat", *pairs, axis=2), g.ints(0, -1))  # interleaved, (T, D)


_POSITIONS: PartTable[Callable[..., Value] | None] = PartTable(
    "onnx",
    "position encoding",
    {LearnedPositions: _learned, SinusoidalPositions: _sinusoidal, NoPositions: None},
)
"""Functions that add the nodes for the position encodings `(T, D)`, which are added to embeddings, by class; None if
nothing is added to embeddings."""


def _angles(g: Graph, where: Value, frequency: Tensor) -> tuple[Value, Value]:
    """Sine and cosine of positions `(T,)` times frequencies `(N,)`, `(T, N)` each."""
    angle = g.op("Mul", g.op("Cast", g.op("Unsqueeze", where, g.ints(1)), to=1), g.constant(frequency))
    return g.op("Sin", angle), g.op("Cos", angle)


def _residual(g: Graph, residual: Residual, x: Value, sublayer: Callable[[Value], Value]) -> Value:
    return _RESIDUALS.find(residual)(g, residual, x, sublayer)


def _pre_norm(g: Graph, residual: PreNorm, x: Value, sublayer: Callable[[Value], Value]) -> Value:
    return g.op("Add", x, sublayer(_norm(g, residual.norm, x)))


def _post_norm(g: Graph, residual: PostNorm, x: Value, sublayer: Callable[[Value], Value]) -> Value:
    return _norm(g, residual.norm, g.op("Add", x, sublayer(x)))


_RESIDUALS: PartTable[Callable[..., Value]] = PartTable(
    "onnx", "residual connection", {PreNorm: _pre_norm, PostNorm: _post_norm}
)


def _norm(g: Graph, norm: nn.Module, x: Value) -> Value:
    return _NORMS.find(norm)(g, norm, x)


def _layer_norm(g: Graph, norm: nn.LayerNorm, x: Value) -> Value:
    return g.op("LayerNormalization", x, g.constant(norm.weight), g.constant(norm.bias), axis=-1, epsilon=norm.eps)


def _identity(g: Graph, norm: nn.Identity, x: Value) -> Value:
    return x


_NORMS: PartTable[Callable[..., Value]] = PartTable(
    "onnx", "normalization", {nn.LayerNorm: _layer_norm, nn.Identity: _identity}
)


def _feed_forward(g: Graph, network: nn.Module, x: Value) -> Value:
    return _FEED_FORWARDS.find(network)(g, network, x)


def _plain(g: Graph, network: FeedForward, x: Value) -> Value:
    function = activation_function(network.activation)
    inner = _ACTIVATIONS.find(function)(g, function, parts.linear(g, network.widen, x))
    return parts.linear(g, network.narrow, inner)


def _gated(g: Graph, network: SwiGLU, x: Value) -> Value:
    gate = parts.linear(g, network.gate, x)
    inner = g.op("Mul", _silu(g, None, gate), parts.linear(g, network.widen, x))
    return parts.linear(g, network.narrow, inner)


_FEED_FORWARDS: PartTable[Callable[..., Value]] = PartTable(
    "onnx", "feed-forward network", {FeedForward: _plain, SwiGLU: _gated}
)


def _relu(g: Graph, function: nn.Module, x: Value) -> Value:
    return g.op("Relu", x)


def _gelu(g: Graph, function: nn.GELU, x: Value) -> Value:
    check_gelu(function, engine="onnx")
    return g.op("Gelu", x)


def _silu(g: Graph, function: nn.Module | None, x: Value) -> Value:
    return g.op("Mul", x, g.op("Sigmoid", x))


_ACTIVATIONS: PartTable[Callable[..., Value]] = PartTable(
    "onnx", "activation", {ReLUDropout: _relu, nn.ReLU: _relu, nn.GELU: _gelu, nn.SiLU: _silu}
)
