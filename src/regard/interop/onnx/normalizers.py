"""Adds the nodes of normalizers, which turn scores into attention weights, to an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable

from regard.attention.kernels import masked_softmax
from regard.attention.normalizers import Normalizer, Sharpened, entmax15, smooth, sparsemax
from regard.interop.onnx.attention import positions, running_sum, size
from regard.interop.onnx.graph import Graph, Value
from regard.interop.part_table import PartTable


def attention_weights(g: Graph, normalizer: Normalizer, z: Value, bias: Value | None) -> Value:
    """Adds the nodes of a normalizer, which turns scores into attention weights.

    See `regard.attention.normalizers` for the formulas.

    Args:
        g: Graph to add the nodes to.
        normalizer: Softmax, sparsemax, entmax15 or smooth, with or without sharpening.
        z: Attention scores, `(B, H, T, S)`.
        bias: Mask bias to add to the scores, broadcastable to `(B, H, T, S)`; None = no mask.

    Returns:
        Attention weights, `(B, H, T, S)`.

    Raises:
        ConfigError: The normalizer is none of these and cannot be exported.
    """
    return NORMALIZERS.find(normalizer)(g, normalizer, z, bias)


def _sharpened(g: Graph, normalizer: Sharpened, z: Value, bias: Value | None) -> Value:
    return attention_weights(g, normalizer.normalizer, g.op("Mul", z, g.scalar(normalizer.factor)), bias)


def _softmax(g: Graph, _: Normalizer, z: Value, bias: Value | None) -> Value:
    return g.op("Softmax", _biased(g, z, bias), axis=-1)


def _smooth(g: Graph, _: Normalizer, z: Value, bias: Value | None) -> Value:
    return _softmax(g, masked_softmax, g.op("Neg", g.op("Softplus", g.op("Neg", z))), bias)


def _sparsemax(g: Graph, _: Normalizer, z: Value, bias: Value | None) -> Value:
    below, ordered, k = _descending(g, _biased(g, z, bias), factor=1.0)
    lower = g.op("Div", g.op("Sub", running_sum(g, ordered), g.scalar(1.0)), k)
    return g.op("Relu", g.op("Sub", below, g.op("ReduceMax", lower, g.ints(-1))))


def _entmax15(g: Graph, _: Normalizer, z: Value, bias: Value | None) -> Value:
    below, ordered, k = _descending(g, _biased(g, z, bias), factor=0.5)
    mean = g.op("Div", running_sum(g, ordered), k)
    squares = running_sum(g, g.op("Mul", ordered, ordered))
    spread = g.op("Sub", squares, g.op("Mul", k, g.op("Mul", mean, mean)))
    share = g.op("Relu", g.op("Div", g.op("Sub", g.scalar(1.0), spread), k))
    thresholds = g.op("Sub", mean, g.op("Sqrt", share))
    above = g.op("Cast", g.op("LessOrEqual", thresholds, ordered), to=7)
    last = g.op("Sub", g.op("ReduceSum", above, g.ints(-1)), g.ints(1))
    root = g.op("Relu", g.op("Sub", below, g.op("GatherElements", thresholds, last, axis=-1)))
    return g.op("Mul", root, root)


NORMALIZERS: PartTable[Callable[..., Value]] = PartTable(
    "onnx",
    "normalizer",
    {
        masked_softmax: _softmax,
        sparsemax: _sparsemax,
        entmax15: _entmax15,
        smooth: _smooth,
        Sharpened: _sharpened,
    },
)
"""Functions that add the nodes of a normalizer, by normalizer."""


def _biased(g: Graph, z: Value, bias: Value | None) -> Value:
    return z if bias is None else g.op("Add", z, bias)


def _descending(g: Graph, z: Value, *, factor: float) -> tuple[Value, Value, Value]:
    """Scaled scores minus their maximum, cut off at -2; the same in descending order; and `1 ... S`, `(S,)`."""
    scaled = z if factor == 1.0 else g.op("Mul", z, g.scalar(factor))
    below = g.op("Max", g.op("Sub", scaled, g.op("ReduceMax", scaled, g.ints(-1))), g.scalar(-2.0))
    count = size(g, z, 3)
    ordered = g.ops("TopK", below, count, count=2)[0]
    return below, ordered, g.op("Add", g.op("Cast", positions(g, count), to=1), g.scalar(1.0))
