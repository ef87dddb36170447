"""Adds the nodes of attention scores, windows, coverage and location features to an ONNX graph.

Each function here corresponds to the `forward` of a module in `regard.attention`, with the same shapes. For a masked
position the lowest float32 is added to the score, so that its attention weight is zero.
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
"""Number that is added to the score of a masked position, the lowest float32."""


def mask_bias(g: Graph, mask: Value) -> Value:
    """Adds nodes that convert a mask to a bias, which is later added to the attention scores.

    Args:
        g: Graph to add the nodes to.
        mask: Mask, `(...)` bool, True = may be attended to.

    Returns:
        The bias, `(...)` float32: 0 where the mask is True, the lowest float32 where it is False.
    """
    return g.op("Where", mask, g.scalar(0.0), g.scalar(LOWEST))


def positions(g: Graph, count: Value) -> Value:
    """Adds nodes that count positions from 0.

    Args:
        g: Graph to add the nodes to.
        count: Number of positions S, `(1,)` int64.

    Returns:
        The positions `0 … S - 1`, `(S,)` int64.
    """
    return g.op("Range", g.constant(torch.tensor(0)), g.op("Squeeze", count), g.constant(torch.tensor(1)))


def size(g: Graph, value: Value, dim: int) -> Value:
    """Adds a node that returns the size of one dimension of a tensor.

    Args:
        g: Graph to add the node to.
        value: Any tensor, `(...)`.
        dim: Number of the dimension, from 0.

    Returns:
        The size of the dimension, `(1,)` int64.
    """
    return g.op("Shape", value, start=dim, end=dim + 1)


def transposed(g: Graph, x: Value) -> Value:
    """Adds a node that exchanges the last two dimensions of a tensor.

    Args:
        g: Graph to add the node to.
        x: Any tensor of four dimensions, `(B, H, rows, columns)`.

    Returns:
        The transposed tensor, `(B, H, columns, rows)`.
    """
    return g.op("Transpose", x, perm=[0, 1, 3, 2])


def running_sum(g: Graph, x: Value) -> Value:
    """Adds a node that computes the cumulative sum over the last dimension.

    Args:
        g: Graph to add the node to.
        x: Any tensor, `(..., S)`.

    Returns:
        The cumulative sums, `(..., S)`.
    """
    return g.op("CumSum", x, g.constant(torch.tensor(-1)))


LINEAR_LAYERS: PartTable[None] = PartTable("onnx", "linear layer", {Linear: None, nn.Linear: None})
"""Classes of linear layers that can be exported."""


def linear(g: Graph, module: nn.Module, x: Value) -> Value:
    """Adds the nodes of a linear layer to the ONNX graph.

    Args:
        g: Graph to add the nodes to.
        module: Linear layer from `in` to `out` features.
        x: Input of the layer, `(rows, in)`.

    Returns:
        Output of the layer, `(rows, out)`.
    """
    weight, bias = linear_weights(module)
    return g.linear(x, weight, bias)


def linear_weights(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Weight `(out, in)`, and bias `(out,)` or None, of a linear layer whose class can be exported."""
    LINEAR_LAYERS.find(module)
    bias: Tensor | None = module.bias  # type: ignore[assignment]
    return module.get_parameter("weight"), bias


def embedding_table(module: nn.Module) -> Tensor:
    """Embedding matrix `(V, E)` of a module, which must be exactly an `nn.Embedding`."""
    return exact(module, nn.Embedding, engine="onnx", family="embedding").weight


def head_linear(g: Graph, module: HeadLinear, x: Value) -> Value:
    """Adds the nodes of `HeadLinear.forward`, a separate linear map per attention head.

    Args:
        g: Graph to add the nodes to.
        module: Linear maps of all heads, from `in` to `out` features.
        x: Input of each head, `(B, H, T, in)`.

    Returns:
        Output of each head, `(B, H, T, out)`.
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
    """Functions that add the nodes of one class of attention score to an ONNX graph.

    Attributes:
        scores: Adds the nodes of `Score.forward`.
        project_key: Adds the nodes of `Score.project_key`; None if this class of score uses keys without projection.
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
"""Functions that add the nodes of a score, by the class of the score."""
SELF_ATTENTION_SCORES: PartTable[None] = PartTable(
    "onnx", "score of self-attention", {DotScore: None, ScaledDotScore: None, LocationScore: None}
)
"""Classes of scores that can be exported for self-attention: for several queries at once, without key projection."""


def projects_key(score: Score) -> bool:
    """Whether a score projects the keys before comparing them with queries."""
    return SCORES.find(score).project_key is not None


def project_key(g: Graph, score: Score, key: Value) -> Value:
    """Adds the nodes of `Score.project_key`, the part of a score that depends on the keys alone.

    Args:
        g: Graph to add the nodes to.
        score: The attention score.
        key: Keys, `(B, H, S, K)`.

    Returns:
        Projected keys of width P, `(B, H, S, P)`; the same keys if the score does not project them.
    """
    add_projection = SCORES.find(score).project_key
    return key if add_projection is None else add_projection(g, score, key)


def scores(g: Graph, score: Score, query: Value, key: Value) -> Value:
    """Adds the nodes of `Score.forward`; the additive score accepts only one query per row, T = 1.

    Args:
        g: Graph to add the nodes to.
        score: The attention score.
        query: Queries of width Q, `(B, H, T, Q)`.
        key: Projected keys of width P, `(B, H, S, P)`, from `project_key`.

    Returns:
        Attention scores before masking, `(B, H, T, S)`.
    """
    return SCORES.find(score).scores(g, score, query, key)


def window(
    g: Graph, module: Window, query: Value, src_len: Value, step: Value, num_keys: Value
) -> tuple[Value, list[Value]]:
    """Adds the nodes of a local attention window (Luong et al. 2015, §3.2) for one query per row.

    Args:
        g: Graph to add the nodes to.
        module: The window.
        query: Query of each row, of width Q, `(B, Q)`.
        src_len: Source length of each row, `(B,)` int64.
        step: Number of the decoding step of each row, from 0, `(B,)` int64.
        num_keys: Number of source positions S, `(1,)` int64.

    Returns:
        Bias that masks positions outside the window, `(B, 1, 1, S)`, and a list with the bias that favors positions
        near the center, `(B, 1, 1, S)`; the list is empty if the window has no such preference.
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
"""Functions that add the nodes for the center of a local window, and for the preference of positions near the center,
by the class of the window."""


def following_window(g: Graph, module: HistoryWindow, last: Value) -> Value:
    """Adds the nodes of a window around the center of the previous step's attention weights.

    Args:
        g: Graph to add the nodes to.
        module: The window.
        last: Attention weights of the previous step, `(B, H, 1, S)`.

    Returns:
        Bias that masks positions outside the window, `(B, H, 1, S)`.
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
"""Functions that add the nodes for the center of the previous step's attention weights, by the class of the window."""


def _distance(g: Graph, center: Value, num_keys: Value) -> Value:
    return g.op("Sub", g.op("Cast", positions(g, num_keys), to=1), center)


def _outside_bias(g: Graph, distance: Value, reach: int) -> Value:
    return mask_bias(g, g.op("LessOrEqual", g.op("Abs", distance), g.scalar(float(reach))))


def coverage(g: Graph, module: Coverage, total: Value) -> Value:
    """Adds the nodes of `Coverage.forward`, a bias computed from the attention of earlier steps.

    Args:
        g: Graph to add the nodes to.
        module: The coverage module.
        total: Sum of the attention weights of all earlier steps, `(B, H, 1, S)`.

    Returns:
        Bias to add to the attention scores, `(B, H, 1, S)`.
    """
    exact(module, Coverage, engine="onnx", family="coverage")
    w, b = module.hidden_map.weight, module.hidden_map.bias  # (8, 1), (8,)
    hidden = g.op(
        "Tanh", g.op("Add", g.op("Mul", g.op("Unsqueeze", total, g.ints(-1)), g.constant(w[:, 0])), g.constant(b))
    )
    return g.op("Squeeze", g.op("MatMul", hidden, g.constant(module.u[:, None])), g.ints(-1))


def location(g: Graph, module: LocationFeatures, last: Value) -> Value:
    """Adds the nodes of `LocationFeatures.forward`, features of the previous step's attention weights.

    Args:
        g: Graph to add the nodes to.
        module: The location features.
        last: Attention weights of the previous step, `(B, H, 1, S)`.

    Returns:
        Features to add to the projected keys, of their width P, `(B, H, S, P)`.
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
