"""Every attention of regard as nodes of ONNX: scores, normalizers, windows. Shapes are those of the modules.

A position that may not be attended to has the lowest float added to its score, which turns into a weight of zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from regard.attention.coverage import Coverage
from regard.attention.heads import HeadLinear
from regard.attention.kernels import masked_softmax
from regard.attention.location import LocationFeatures
from regard.attention.normalizers import Normalizer, Sharpened, entmax15, smooth, sparsemax
from regard.attention.scores import (
    AdditiveScore,
    CosineScore,
    DotProductScore,
    DotScore,
    GeneralScore,
    LocationScore,
    ScaledDotScore,
    Score,
)
from regard.attention.windows import HistoryWindow, MedianWindow, MonotonicWindow, PredictiveWindow, Window
from regard.interop.onnx.graph import Graph, Value

SCORES = frozenset({DotScore, ScaledDotScore, GeneralScore, CosineScore, AdditiveScore, LocationScore})
"""The scores that can be drawn."""
LOWEST = torch.finfo(torch.float32).min
"""What is added to the score of a position that may not be attended to."""


def bias_of(g: Graph, mask: Value) -> Value:
    """What a mask adds to scores.

    Args:
        g: The graph.
        mask: `(...)` bool.

    Returns:
        `(...)`: zero where the mask is True, the lowest float where it is False.
    """
    return g.op("Where", mask, g.scalar(0.0), g.scalar(LOWEST))


def positions(g: Graph, count: Value) -> Value:
    """The first positions of a sentence.

    Args:
        g: The graph.
        count: N, `(1,)` int64.

    Returns:
        `0 … N - 1`, `(N,)` int64.
    """
    return g.op("Range", g.constant(torch.tensor(0)), g.op("Squeeze", count), g.constant(torch.tensor(1)))


def size(g: Graph, value: Value, dim: int) -> Value:
    """How large a dimension is.

    Args:
        g: The graph.
        value: `(...)`.
        dim: Which of them.

    Returns:
        `(1,)` int64.
    """
    return g.op("Shape", value, start=dim, end=dim + 1)


def transposed(g: Graph, x: Value) -> Value:
    """Exchanges rows and columns.

    Args:
        g: The graph.
        x: `(B, H, N, M)`.

    Returns:
        `(B, H, M, N)`.
    """
    return g.op("Transpose", x, perm=[0, 1, 3, 2])


def head_linear(g: Graph, module: HeadLinear, x: Value) -> Value:
    """See `HeadLinear.forward`.

    Args:
        g: The graph.
        module: The maps.
        x: `(B, H, N, in)`.

    Returns:
        `(B, H, N, out)`.
    """
    num_heads, out_size, in_size = module.weight.shape
    if num_heads > 1:
        y = g.op("MatMul", x, g.constant(module.weight.transpose(1, 2)))
        return y if module.bias is None else g.op("Add", y, g.constant(module.bias))
    rows = g.op("Reshape", x, g.ints(-1, in_size))
    bias = None if module.bias is None else module.bias[0, 0]
    shape = g.op("Concat", g.op("Shape", x, start=0, end=3), g.ints(out_size), axis=0)
    return g.op("Reshape", g.linear(rows, module.weight[0], bias), shape)


def project_key(g: Graph, score: Score, key: Value) -> Value:
    """See `Score.project_key`.

    Args:
        g: The graph.
        score: One of regard's.
        key: `(B, H, S, K)`.

    Returns:
        `(B, H, S, P)`.
    """
    if isinstance(score, (GeneralScore, AdditiveScore)):
        return head_linear(g, score.key_map, key)
    return _unit(g, key) if isinstance(score, CosineScore) else key


def scores(g: Graph, score: Score, query: Value, key: Value) -> Value:
    """See `Score.forward`; scores outside the dot family take one query at a time.

    Args:
        g: The graph.
        score: One of regard's.
        query: `(B, H, T, Q)`.
        key: `(B, H, S, P)`.

    Returns:
        `(B, H, T, S)`.
    """
    if isinstance(score, AdditiveScore):
        hidden = g.op("Tanh", g.op("Add", head_linear(g, score.query_map, query), key))  # (B, H, S, A)
        v = score.v.t() if len(score.v) == 1 else score.v[:, :, None]  # (A, 1), or (H, A, 1)
        return transposed(g, g.op("MatMul", hidden, g.constant(v)))
    if isinstance(score, LocationScore):
        return _first(g, head_linear(g, score.position_map, query), size(g, key, 2), score.position_map.weight.shape[1])
    if isinstance(score, CosineScore):
        query = g.op("Mul", _unit(g, query), g.constant(score.log_sharpness.exp()))
    if not isinstance(score, DotProductScore):
        raise AssertionError(f"a score of another kind: {type(score).__name__}")
    products = g.op("MatMul", query, transposed(g, key))
    return products if score.scale == 1.0 else g.op("Mul", products, g.scalar(score.scale))


def _unit(g: Graph, x: Value) -> Value:
    norm = g.op("ReduceL2", x, g.ints(-1))
    return g.op("Div", x, g.op("Max", norm, g.scalar(1e-12)))


def _first(g: Graph, x: Value, count: Value, given: int) -> Value:
    """The first `count` of `given` columns of `(B, H, T, given)`, of the lowest float where it has no more."""
    missing = g.op("Max", g.op("Sub", count, g.ints(given)), g.ints(0))
    padded = g.op("Pad", x, g.op("Concat", g.ints(0, 0, 0, 0, 0, 0, 0), missing, axis=0), g.scalar(LOWEST))
    return g.op("Slice", padded, g.ints(0), count, g.ints(3))


def normalize(g: Graph, normalizer: Normalizer, z: Value) -> Value:
    """See `regard.attention.normalizers`; what is hidden has been biased already.

    Args:
        g: The graph.
        normalizer: One of regard's.
        z: `(B, H, T, S)`.

    Returns:
        `(B, H, T, S)`.
    """
    if normalizer is masked_softmax:
        return g.op("Softmax", z, axis=-1)
    if normalizer not in (sparsemax, entmax15):
        raise AssertionError("a normalizer of another kind")
    halved = g.op("Mul", z, g.scalar(0.5)) if normalizer is entmax15 else z
    below = g.op("Max", g.op("Sub", halved, g.op("ReduceMax", halved, g.ints(-1))), g.scalar(-2.0))
    count = size(g, z, 3)
    ordered = g.ops("TopK", below, count, count=2)[0]
    k = g.op("Add", g.op("Cast", positions(g, count), to=1), g.scalar(1.0))
    if normalizer is sparsemax:
        lower = g.op("Div", g.op("Sub", _running_sum(g, ordered), g.scalar(1.0)), k)
        return g.op("Relu", g.op("Sub", below, g.op("ReduceMax", lower, g.ints(-1))))
    mean = g.op("Div", _running_sum(g, ordered), k)
    squares = _running_sum(g, g.op("Mul", ordered, ordered))
    spread = g.op("Sub", squares, g.op("Mul", k, g.op("Mul", mean, mean)))
    share = g.op("Relu", g.op("Div", g.op("Sub", g.scalar(1.0), spread), k))
    thresholds = g.op("Sub", mean, g.op("Sqrt", share))
    kept = g.op("Cast", g.op("LessOrEqual", thresholds, ordered), to=7)
    last = g.op("Sub", g.op("ReduceSum", kept, g.ints(-1)), g.ints(1))
    root = g.op("Relu", g.op("Sub", below, g.op("GatherElements", thresholds, last, axis=-1)))
    return g.op("Mul", root, root)


def attend(g: Graph, normalizer: Normalizer, z: Value, bias: Value | None) -> Value:
    """Weights of scores, after sharpening and whatever hides positions.

    Args:
        g: The graph.
        normalizer: One of regard's.
        z: Scores `(B, H, T, S)`.
        bias: What hides positions, broadcastable to the scores, or None.

    Returns:
        `(B, H, T, S)`.
    """
    if isinstance(normalizer, Sharpened):
        return attend(g, normalizer.normalizer, g.op("Mul", z, g.scalar(normalizer.factor)), bias)
    if normalizer is smooth:
        z, normalizer = g.op("Neg", g.op("Softplus", g.op("Neg", z))), masked_softmax
    return normalize(g, normalizer, z if bias is None else g.op("Add", z, bias))


def _running_sum(g: Graph, x: Value) -> Value:
    return g.op("CumSum", x, g.constant(torch.tensor(-1)))


def window(
    g: Graph, module: Window, query: Value, src_len: Value, step: Value, num_keys: Value
) -> tuple[Value, list[Value]]:
    """What a window of Luong's adds to the scores of one query a row.

    Args:
        g: The graph.
        module: The window.
        query: `(B, Q)`.
        src_len: `(B,)` int64.
        step: t of each row, `(B,)` int64.
        num_keys: S, `(1,)` int64.

    Returns:
        What hides positions, and what favors some, where there is such; `(B, 1, 1, S)` each.
    """
    last = g.op("Cast", g.op("Sub", src_len, g.ints(1)), to=1)
    if isinstance(module, MonotonicWindow):
        center = g.op("Min", g.op("Cast", step, to=1), last)
    elif isinstance(module, PredictiveWindow):
        hidden = g.op("Tanh", g.linear(query, module.hidden_map.weight))
        share = g.op("Sigmoid", g.linear(hidden, module.v.weight))
        center = g.op("Mul", g.op("Squeeze", share, g.ints(1)), last)
    else:
        raise AssertionError(f"a window of another kind: {type(module).__name__}")
    distance = _distance(g, g.op("Reshape", center, g.ints(-1, 1, 1, 1)), num_keys)
    hiding = _within(g, distance, module.half_width)
    if isinstance(module, MonotonicWindow):
        return hiding, []
    preference = g.op("Mul", g.op("Mul", distance, distance), g.scalar(-2.0 / module.half_width**2))
    return hiding, [preference]


def following_window(g: Graph, module: HistoryWindow, last: Value) -> Value:
    """What a window around the last look hides.

    Args:
        g: The graph.
        module: The window.
        last: Weights of the last look, `(B, H, 1, S)`.

    Returns:
        A bias `(B, H, 1, S)`.
    """
    num_keys = size(g, last, 3)
    if isinstance(module, MedianWindow):
        half = g.op("Mul", g.op("ReduceSum", last, g.ints(-1)), g.scalar(0.5))
        before = g.op("Cast", g.op("Less", _running_sum(g, last), half), to=1)
        center = g.op("ReduceSum", before, g.ints(-1))
    else:
        where = g.op("Cast", positions(g, num_keys), to=1)
        center = g.op("ReduceSum", g.op("Mul", last, where), g.ints(-1))
    return _within(g, _distance(g, center, num_keys), module.half_width)


def _distance(g: Graph, center: Value, num_keys: Value) -> Value:
    return g.op("Sub", g.op("Cast", positions(g, num_keys), to=1), center)


def _within(g: Graph, distance: Value, reach: int) -> Value:
    return bias_of(g, g.op("LessOrEqual", g.op("Abs", distance), g.scalar(float(reach))))


def coverage(g: Graph, module: Coverage, total: Value) -> Value:
    """See `Coverage.forward`.

    Args:
        g: The graph.
        module: The coverage.
        total: Sum of all earlier weights, `(B, H, 1, S)`.

    Returns:
        `(B, H, 1, S)`.
    """
    w, b = module.hidden_map.weight, module.hidden_map.bias  # (8, 1), (8,)
    hidden = g.op(
        "Tanh", g.op("Add", g.op("Mul", g.op("Unsqueeze", total, g.ints(-1)), g.constant(w[:, 0])), g.constant(b))
    )
    return g.op("Squeeze", g.op("MatMul", hidden, g.constant(module.u[:, None])), g.ints(-1))


def location(g: Graph, module: LocationFeatures, last: Value) -> Value:
    """See `LocationFeatures.forward`.

    Args:
        g: The graph.
        module: The filters.
        last: Weights of the last look, `(B, H, 1, S)`.

    Returns:
        `(B, H, S, P)`.
    """
    num_heads = module.feature_map.weight.shape[0]
    filters: Tensor = module.filters.weight  # (k, 1, r)
    num_filters, _, width = filters.shape
    reach = width // 2
    looks = g.op("Reshape", last, g.op("Concat", g.ints(-1, 1), size(g, last, 3), axis=0))  # (B H, 1, S)
    features = g.op("Conv", looks, g.constant(filters), pads=[reach, reach])  # (B H, k, S)
    shape = g.op("Concat", g.ints(-1, num_heads, num_filters), size(g, last, 3), axis=0)
    return head_linear(g, module.feature_map, transposed(g, g.op("Reshape", features, shape)))
