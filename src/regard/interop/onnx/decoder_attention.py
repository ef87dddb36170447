"""Adds the nodes of a recurrent decoder's cross-attention, with its history of earlier steps, to an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from regard.attention.history import AttentionWithHistory
from regard.attention.multi import MultiHeadAttention
from regard.attention.single import Attention
from regard.attention.windows import Window
from regard.interop.onnx import attention as parts
from regard.interop.onnx.graph import Graph, Value
from regard.interop.onnx.normalizers import attention_weights
from regard.interop.onnx.ports import SOURCE, STATE, Port, Values
from regard.interop.part_table import PartTable, exact

_KEY, _VALUE, _BIAS, _LENGTH = (SOURCE + name for name in ("key", "value", "bias", "length"))
_LAST, _TOTAL, _STEP = (STATE + name for name in ("last", "total", "step"))


@dataclass(frozen=True, slots=True)
class DecoderAttentionOutput:
    """Result of one attention step of a recurrent decoder, as tensors of an ONNX graph.

    Attributes:
        context: Context vectors, `(B, D)`.
        weights: Attention weights, `(B, H, 1, S)`.
        after: State after the step, by name: tensors that replace those of the same names as inputs of the next step.
    """

    context: Value
    weights: Value
    after: Values


class _OneHead:
    """ONNX nodes of the parts of an `Attention` module: the encoder's states are keys and values."""

    num_heads = 1

    def __init__(self, attention: Attention) -> None:
        self.window: Window | None = attention.window

    def keys_and_values(self, g: Graph, states: Value) -> tuple[Value, Value]:
        """Adds the node that gives encoder states a dimension for heads, so that they serve as keys and values.

        Args:
            g: Graph to add the node to.
            states: Encoder states, `(B, S, D)`.

        Returns:
            Keys and values, which are the same tensor, `(B, 1, S, D)`.
        """
        heads = g.op("Unsqueeze", states, g.ints(1))
        return heads, heads

    def query(self, g: Graph, query: Value) -> Value:
        return query

    def context(self, g: Graph, context: Value) -> Value:
        return context


class _ManyHeads:
    """ONNX nodes of the parts of a `MultiHeadAttention` module: projections of query, key, value and context."""

    window: Window | None = None

    def __init__(self, attention: MultiHeadAttention) -> None:
        self._attention = attention
        self.num_heads = attention.num_heads

    def keys_and_values(self, g: Graph, states: Value) -> tuple[Value, Value]:
        """Adds the nodes that project encoder states to keys and values, and split them into heads.

        Args:
            g: Graph to add the nodes to.
            states: Encoder states, `(B, S, D)`.

        Returns:
            Keys and values, `(B, H, S, D / H)` each.
        """
        key, value = (self._split(g, module, states) for module in (self._attention.key_map, self._attention.value_map))
        return key, value

    def _split(self, g: Graph, module: nn.Linear, states: Value) -> Value:
        out_size, in_size = module.weight.shape
        rows = parts.linear(g, module, g.op("Reshape", states, g.ints(-1, in_size)))
        heads = g.ints(self.num_heads, out_size // self.num_heads)
        shape = g.op("Concat", g.op("Shape", states, start=0, end=2), heads, axis=0)
        return g.op("Transpose", g.op("Reshape", rows, shape), perm=[0, 2, 1, 3])

    def query(self, g: Graph, query: Value) -> Value:
        return parts.linear(g, self._attention.query_map, query)

    def context(self, g: Graph, context: Value) -> Value:
        return parts.linear(g, self._attention.output_map, context)


_HEADS: PartTable[Callable[..., _OneHead | _ManyHeads]] = PartTable(
    "onnx", "attention", {Attention: _OneHead, MultiHeadAttention: _ManyHeads}
)


class DecoderAttention:
    """Adds the nodes of a recurrent decoder's cross-attention to ONNX graphs.

    Args:
        attention: The decoder's attention module.
        states_size: Width of the encoder's states.

    Attributes:
        ports: Shapes and types, by name, of the tensors that each step needs: keys, values and masks, computed once per
            sentence, and the state that one step passes to the next.
    """

    def __init__(self, attention: AttentionWithHistory, states_size: int) -> None:
        self._history = exact(attention, AttentionWithHistory, engine="onnx", family="decoder attention")
        self._score, self._normalizer = attention.attention.score, attention.attention.normalizer
        self._heads = _HEADS.find(attention.attention)(attention.attention)
        self._window = self._heads.window
        self._num_heads = self._heads.num_heads
        self._has_history = any(part is not None for part in (attention.coverage, attention.location, attention.window))
        width = states_size // self._num_heads
        separate_keys = parts.projects_key(self._score) or isinstance(self._heads, _ManyHeads)
        with torch.no_grad():
            key_size = self._score.project_key(torch.zeros(1, self._num_heads, 1, width)).shape[-1]
        self.ports = {_KEY: Port((self._num_heads, "source", key_size)), _BIAS: Port((1, 1, "source"))}
        if separate_keys:  # else keys and values are the same tensor
            self.ports[_VALUE] = Port((self._num_heads, "source", width))
        if self._window is not None:
            self.ports[_LENGTH] = Port((), torch.int64)
            self.ports[_STEP] = Port((), torch.int64)
        if self._has_history:
            self.ports |= {name: Port((self._num_heads, 1, "source")) for name in (_LAST, _TOTAL)}

    def start(self, g: Graph, states: Value, src_len: Value) -> Values:
        """Adds the nodes that compute keys, values and the state before the first step.

        Args:
            g: Graph to add the nodes to.
            states: Encoder states, `(B, S, D)`.
            src_len: Source lengths, `(B,)` int64.

        Returns:
            Keys, values, masks and state, by their names in `ports`.
        """
        num_keys = parts.size(g, states, 1)
        key, value = self._heads.keys_and_values(g, states)
        length = g.op("Reshape", src_len, g.ints(-1, 1, 1, 1))
        values = {
            _KEY: parts.project_key(g, self._score, key),
            _VALUE: value,
            _BIAS: parts.mask_bias(g, g.op("Less", parts.positions(g, num_keys), length)),
            _LENGTH: src_len,
            _STEP: g.op("Sub", src_len, src_len),
        }
        if self._has_history:
            shape = g.op("Concat", g.op("Shape", src_len), g.ints(self._num_heads, 1), num_keys, axis=0)
            first = g.op("Cast", g.op("Equal", parts.positions(g, num_keys), g.ints(0)), to=1)
            values |= {_LAST: g.op("Expand", first, shape), _TOTAL: g.op("Expand", g.scalar(0.0), shape)}
        return {name: values[name] for name in self.ports}

    def step(self, g: Graph, query: Value, inputs: Values) -> DecoderAttentionOutput:
        """Adds the nodes of one attention step.

        Args:
            g: Graph to add the nodes to.
            query: Query of width Q of each row, `(B, Q)`.
            inputs: Keys, values, masks and the state before the step, by their names in `ports`.

        Returns:
            Context, attention weights and the state after the step.
        """
        key, mask_biases, score_biases = self._keys_and_biases(g, query, inputs)
        heads = g.op("Reshape", self._heads.query(g, query), g.ints(0, self._num_heads, 1, -1))
        z = g.sum(parts.scores(g, self._score, heads, key), *score_biases)
        weights = attention_weights(g, self._normalizer, z, g.sum(*mask_biases))
        value = inputs.get(_VALUE, inputs[_KEY])
        context = g.op("Reshape", g.op("MatMul", weights, value), g.ints(0, -1))  # (B, H, 1, D/H) -> (B, D)
        context = self._heads.context(g, context)
        after: Values = {}
        if self._window is not None:
            after[_STEP] = g.op("Add", inputs[_STEP], g.ints(1))
        if self._has_history:
            after |= {_LAST: weights, _TOTAL: g.op("Add", inputs[_TOTAL], weights)}
        return DecoderAttentionOutput(context, weights, after)

    def _keys_and_biases(self, g: Graph, query: Value, inputs: Values) -> tuple[Value, list[Value], list[Value]]:
        """The keys of this step, the biases of its masks, and further biases of its scores."""
        key, mask_biases = inputs[_KEY], [inputs[_BIAS]]
        score_biases: list[Value] = []
        if self._window is not None:
            outside, score_biases = parts.window(
                g, self._window, query, inputs[_LENGTH], inputs[_STEP], parts.size(g, key, 2)
            )
            mask_biases.append(outside)
        if self._history.window is not None:
            mask_biases.append(parts.following_window(g, self._history.window, inputs[_LAST]))
        if self._history.coverage is not None:
            score_biases.append(parts.coverage(g, self._history.coverage, inputs[_TOTAL]))
        if self._history.location is not None:
            key = g.op("Add", key, parts.location(g, self._history.location, inputs[_LAST]))
        return key, mask_biases, score_biases
