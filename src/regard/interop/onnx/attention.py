"""Scores, windows, coverage and location features as ONNX nodes. Shapes are those of the modules.

A masked position has the lowest float added to its score, so that its weight is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.attention.coverage import Coverage
from regard.attention.heads import HeadLinear
from regard.attention.location import LocationFeatures
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
from regard.attention.windows import (
    HistoryWindow,
    MeanWindow,
    MedianWindow,
    MonotonicWindow,
    PredictiveWindow,
    Window,
)
from regard.interop.onnx.graph import Graph, Value
from regard.interop.part_table import PartTable, exact
from regard.native.linear import Linear

LOWEST = torch.finfo(torch.float32).min
"""Bias of a masked position."""


def mask_bias(g: Graph, mask: Value) -> Value:
    """Turns a mask into a bias of the scores.

    Args:
        g: The graph.
        mask: `(...)` bool.

    Returns:
        `(...)`: zero where the mask is True, the lowest float where it is False.
    """
    return g.op("Where", mask, g.scalar(0.0), g.scalar(LOWEST))


def positions(g: Graph, count: Value) -> Value:
    """Positions from 0.

    Args:
        g: The graph.
        count: N, `(1,)` int64.

    Returns:
        `0 … N - 1`, `(N,)` int64.
    """
    return g.op("Range", g.constant(torch.tensor(0)), g.op("Squeeze", count), g.constant(torch.tensor(1)))


def size(g: Graph, value: Value, dim: int) -> Value:
    """Size of one dimension.

    Args:
        g: The graph.
        value: `(...)`.
        dim: The dimension, from 0.

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


def running_sum(g: Graph, x: Value) -> Value:
    """Cumulative sum over the last dimension.

    Args:
        g: The graph.
        x: `(..., S)`.

    Returns:
        `(..., S)`.
    """
    return g.op("CumSum", x, g.constant(torch.tensor(-1)))


LINEAR_LAYERS: PartTable[None] = PartTable("onnx", "linear layer", {Linear: None, nn.Linear: None})
"""Linear layers that can be exported."""


def linear(g: Graph, module: nn.Module, x: Value) -> Value:
    """Adds the nodes of a linear layer to the graph.

    Args:
        g: The graph.
        module: The layer.
        x: `(N, in)`.

    Returns:
        `(N, out)`.
    """
    weight, bias = linear_weights(module)
    return g.linear(x, weight, bias)


def linear_weights(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Weight `(out, in)` and bias `(out,)` or None of a linear layer that can be exported."""
    LINEAR_LAYERS.find(module)
    bias: Tensor | None = module.bias  # type: ignore[assignment]
    return module.get_parameter("weight"), bias


def embedding_table(module: nn.Module) -> Tensor:
    """Table `(V, E)` of an embedding that can be exported."""
    return exact(module, nn.Embedding, engine="onnx", family="embedding").weight


def head_linear(g: Graph, module: HeadLinear, x: Value) -> Value:
    """Adds the nodes of `HeadLinear.forward` to the graph.

    Args:
        g: The graph.
        module: The maps of all heads.
        x: `(B, H, N, in)`.

    Returns:
        `(B, H, N, out)`.
    """
    exact(module, HeadLinear, engine="onnx", family="linear layer of heads")
    num_heads, out_size, in_size = module.weight.shape
    if num_heads > 1:
        y = g.op("MatMul", x, g.constant(module.weight.transpose(1, 2)))
        return y if module.bias is None else g.op("Add", y, g.constant(module.bias))
    rows = g.op("Reshape", x, g.ints(-1, in_size))
    bias = None if module.bias is None else module.bias[0, 0]
    shape = g.op("Concat", g.op("Shape", x, start=0, end=3), g.ints(out_size), axis=0)
    return g.op("Reshape", g.linear(rows, module.weight[0], bias), shape)


def _dot(g: Graph, score: DotProductScore, query: Value, key: Value) -> Value:
    products = g.op("MatMul", query, transposed(g, key))
    return products if score.scale == 1.0 else g.op("Mul", products, g.scalar(score.scale))


def _cosine(g: Graph, score: CosineScore, query: Value, key: Value) -> Value:
    return _dot(g, score, g.op("Mul", _unit(g, query), g.constant(score.log_sharpness.exp())), key)


def _additive(g: Graph, score: AdditiveScore, query: Value, key: Value) -> Value:
    hidden = g.op("Tanh", g.op("Add", head_linear(g, score.query_map, query), key))  # (B, H, S, A)
    v = score.v.t() if len(score.v) == 1 else score.v[:, :, None]  # (A, 1), or (H, A, 1)
    return transposed(g, g.op("MatMul", hidden, g.constant(v)))


def _location_based(g: Graph, score: LocationScore, query: Value, key: Value) -> Value:
    """The first S of the score's columns; the lowest float behind the last one."""
    columns, count, reach = (
        head_linear(g, score.position_map, query),
        size(g, key, 2),
        score.position_map.weight.shape[1],
    )
    missing = g.op("Max", g.op("Sub", count, g.ints(reach)), g.ints(0))
    padded = g.op("Pad", columns, g.op("Concat", g.ints(0, 0, 0, 0, 0, 0, 0), missing, axis=0), g.scalar(LOWEST))
    return g.op("Slice", padded, g.ints(0), count, g.ints(3))


def _mapped_key(g: Graph, score: GeneralScore | AdditiveScore, key: Value) -> Value:
    return head_linear(g, score.key_map, key)


def _unit_key(g: Graph, score: CosineScore, key: Value) -> Value:
    return _unit(g, key)


def _unit(g: Graph, x: Value) -> Value:
    norm = g.op("ReduceL2", x, g.ints(-1))
    return g.op("Div", x, g.op("Max", norm, g.scalar(1e-12)))


@dataclass(frozen=True, slots=True)
class ScoreNodes:
    """The functions that add the nodes of one type of score to the graph.

    Attributes:
        scores: Adds `Score.forward`.
        project_key: Adds `Score.project_key`; None where keys stay as they are.
    """

    scores: Callable[..., Value]
    project_key: Callable[..., Value] | None = None


SCORES: PartTable[ScoreNodes] = PartTable(
    "onnx",
    "score",
    {
        DotScore: ScoreNodes(_dot),
        ScaledDotScore: ScoreNodes(_dot),
        GeneralScore: ScoreNodes(_dot, _mapped_key),
        CosineScore: ScoreNodes(_cosine, _unit_key),
        AdditiveScore: ScoreNodes(_additive, _mapped_key),
        LocationScore: ScoreNodes(_location_based),
    },
)
"""The functions that add the nodes, per type of score."""
SELF_ATTENTION_SCORES: PartTable[None] = PartTable(
    "onnx", "score of self-attention", {DotScore: None, ScaledDotScore: None, LocationScore: None}
)
"""Scores that can be exported for several queries at once and for keys as they are."""


def projects_key(score: Score) -> bool:
    """Whether a score reads keys other than the states themselves."""
    return SCORES.find(score).project_key is not None


def project_key(g: Graph, score: Score, key: Value) -> Value:
    """Adds the nodes of `Score.project_key` to the graph.

    Args:
        g: The graph.
        score: The score.
        key: `(B, H, S, K)`.

    Returns:
        `(B, H, S, P)`.
    """
    add_projection = SCORES.find(score).project_key
    return key if add_projection is None else add_projection(g, score, key)


def scores(g: Graph, score: Score, query: Value, key: Value) -> Value:
    """Adds the nodes of `Score.forward` to the graph; the additive score takes one query at a time, T = 1.

    Args:
        g: The graph.
        score: The score.
        query: `(B, H, T, Q)`.
        key: `(B, H, S, P)`.

    Returns:
        `(B, H, T, S)`.
    """
    return SCORES.find(score).scores(g, score, query, key)


def window(
    g: Graph, module: Window, query: Value, src_len: Value, step: Value, num_keys: Value
) -> tuple[Value, list[Value]]:
    """Adds the nodes of a local window (Luong et al. 2015, §3.2) to the graph, for one query per row.

    Args:
        g: The graph.
        module: The window.
        query: `(B, Q)`.
        src_len: `(B,)` int64.
        step: t of each row, `(B,)` int64.
        num_keys: S, `(1,)` int64.

    Returns:
        The mask bias of positions outside the window, and biases that favor positions inside (none or one);
        `(B, 1, 1, S)` each.
    """
    add_center, add_preference = WINDOWS.find(module)
    last = g.op("Cast", g.op("Sub", src_len, g.ints(1)), to=1)
    center = add_center(g, module, query, last, step)
    distance = _distance(g, g.op("Reshape", center, g.ints(-1, 1, 1, 1)), num_keys)
    outside = _outside_bias(g, distance, module.half_width)
    return outside, [] if add_preference is None else [add_preference(g, module, distance)]


def _monotonic_center(g: Graph, module: MonotonicWindow, query: Value, last: Value, step: Value) -> Value:
    return g.op("Min", g.op("Cast", step, to=1), last)


def _predicted_center(g: Graph, module: PredictiveWindow, query: Value, last: Value, step: Value) -> Value:
    hidden = g.op("Tanh", linear(g, module.hidden_map, query))
    share = g.op("Sigmoid", linear(g, module.v, hidden))
    return g.op("Mul", g.op("Squeeze", share, g.ints(1)), last)


def _gaussian(g: Graph, module: PredictiveWindow, distance: Value) -> Value:
    return g.op("Mul", g.op("Mul", distance, distance), g.scalar(-2.0 / module.half_width**2))


WINDOWS: PartTable[tuple[Callable[..., Value], Callable[..., Value] | None]] = PartTable(
    "onnx", "window", {MonotonicWindow: (_monotonic_center, None), PredictiveWindow: (_predicted_center, _gaussian)}
)
"""The functions that add the center, and the preference for positions near it, per type of local window."""


def following_window(g: Graph, module: HistoryWindow, last: Value) -> Value:
    """Adds the nodes of a window around the previous attention weights to the graph.

    Args:
        g: The graph.
        module: The window.
        last: Attention weights of the previous step, `(B, H, 1, S)`.

    Returns:
        Mask bias of positions outside the window, `(B, H, 1, S)`.
    """
    num_keys = size(g, last, 3)
    center = FOLLOWING_WINDOWS.find(module)(g, last, num_keys)
    return _outside_bias(g, _distance(g, center, num_keys), module.half_width)


def _median(g: Graph, last: Value, num_keys: Value) -> Value:
    half = g.op("Mul", g.op("ReduceSum", last, g.ints(-1)), g.scalar(0.5))
    before = g.op("Cast", g.op("Less", running_sum(g, last), half), to=1)
    return g.op("ReduceSum", before, g.ints(-1))


def _mean(g: Graph, last: Value, num_keys: Value) -> Value:
    where = g.op("Cast", positions(g, num_keys), to=1)
    return g.op("ReduceSum", g.op("Mul", last, where), g.ints(-1))


FOLLOWING_WINDOWS: PartTable[Callable[[Graph, Value, Value], Value]] = PartTable(
    "onnx", "window", {MedianWindow: _median, MeanWindow: _mean}
)
"""The function that adds the center, per type of window around the previous weights."""


def _distance(g: Graph, center: Value, num_keys: Value) -> Value:
    return g.op("Sub", g.op("Cast", positions(g, num_keys), to=1), center)


def _outside_bias(g: Graph, distance: Value, reach: int) -> Value:
    return mask_bias(g, g.op("LessOrEqual", g.op("Abs", distance), g.scalar(float(reach))))


def coverage(g: Graph, module: Coverage, total: Value) -> Value:
    """Adds the nodes of `Coverage.forward` to the graph.

    Args:
        g: The graph.
        module: The coverage.
        total: Sum of the attention weights of all earlier steps, `(B, H, 1, S)`.

    Returns:
        `(B, H, 1, S)`.
    """
    exact(module, Coverage, engine="onnx", family="coverage")
    w, b = module.hidden_map.weight, module.hidden_map.bias  # (8, 1), (8,)
    hidden = g.op(
        "Tanh", g.op("Add", g.op("Mul", g.op("Unsqueeze", total, g.ints(-1)), g.constant(w[:, 0])), g.constant(b))
    )
    return g.op("Squeeze", g.op("MatMul", hidden, g.constant(module.u[:, None])), g.ints(-1))


def location(g: Graph, module: LocationFeatures, last: Value) -> Value:
    """Adds the nodes of `LocationFeatures.forward` to the graph.

    Args:
        g: The graph.
        module: The location features.
        last: Attention weights of the previous step, `(B, H, 1, S)`.

    Returns:
        `(B, H, S, P)`.
    """
    exact(module, LocationFeatures, engine="onnx", family="location features")
    num_heads = module.feature_map.weight.shape[0]
    filters: Tensor = module.filters.weight  # (k, 1, r)
    num_filters, _, width = filters.shape
    reach = width // 2
    rows = g.op("Reshape", last, g.op("Concat", g.ints(-1, 1), size(g, last, 3), axis=0))  # (B H, 1, S)
    features = g.op("Conv", rows, g.constant(filters), pads=[reach, reach])  # (B H, k, S)
    shape = g.op("Concat", g.ints(-1, num_heads, num_filters), size(g, last, 3), axis=0)
    return head_linear(g, module.feature_map, transposed(g, g.op("Reshape", features, shape)))
