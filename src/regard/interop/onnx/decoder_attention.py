"""A recurrent decoder's look at the source as nodes of ONNX, with all that it remembers of earlier looks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from regard.attention.history import AttentionWithHistory
from regard.attention.multi import MultiHeadAttention
from regard.attention.scores import DotScore, LocationScore
from regard.interop.onnx import attention as parts
from regard.interop.onnx.graph import Graph, Value
from regard.interop.onnx.ports import SOURCE, STATE, Port, Values

_KEY, _VALUE, _BIAS, _LENGTH = (SOURCE + name for name in ("key", "value", "bias", "length"))
_LAST, _TOTAL, _STEP = (STATE + name for name in ("last", "total", "step"))


@dataclass(frozen=True, slots=True)
class DecoderAttentionOutput:
    """What a look gives.

    Attributes:
        context: `(B, D)`.
        weights: `(B, H, 1, S)`.
        after: What is remembered of it, by its ports.
    """

    context: Value
    weights: Value
    after: Values


class DecoderAttention:
    """The attention of a recurrent decoder.

    Args:
        attention: The attention.
        states_size: Width of the encoder's states.

    Attributes:
        ports: What it keeps of the source and from step to step, by name.
    """

    def __init__(self, attention: AttentionWithHistory, states_size: int) -> None:
        self._history = attention
        self._attention = attention.attention
        self._score = self._attention.score
        self._many = self._attention if isinstance(self._attention, MultiHeadAttention) else None
        self._window = None if isinstance(self._attention, MultiHeadAttention) else self._attention.window
        self._num_heads = self._many.num_heads if self._many else 1
        self._remembers = any(one is not None for one in (attention.coverage, attention.location, attention.window))
        width = states_size // self._num_heads
        with torch.no_grad():
            key_size = self._score.project_key(torch.zeros(1, self._num_heads, 1, width)).shape[-1]
        self.ports = {_KEY: Port((self._num_heads, "source", key_size)), _BIAS: Port((1, 1, "source"))}
        if self._many or not isinstance(self._score, (DotScore, LocationScore)):  # whose keys are the states as well
            self.ports[_VALUE] = Port((self._num_heads, "source", width))
        if self._window is not None:
            self.ports[_LENGTH] = Port((), torch.int64)
            self.ports[_STEP] = Port((), torch.int64)
        if self._remembers:
            self.ports |= {name: Port((self._num_heads, 1, "source")) for name in (_LAST, _TOTAL)}

    def start(self, g: Graph, states: Value, src_len: Value) -> Values:
        """Draws what is kept of the source.

        Args:
            g: The graph.
            states: `(B, S, D)`.
            src_len: `(B,)` int64.

        Returns:
            The value of each port.
        """
        num_keys = parts.size(g, states, 1)
        key, value = self._heads(g, states)
        length = g.op("Reshape", src_len, g.ints(-1, 1, 1, 1))
        values = {
            _KEY: parts.project_key(g, self._score, key),
            _VALUE: value,
            _BIAS: parts.bias_of(g, g.op("Less", parts.positions(g, num_keys), length)),
            _LENGTH: src_len,
            _STEP: g.op("Sub", src_len, src_len),
        }
        if self._remembers:
            rest = g.op("Concat", g.op("Shape", src_len), g.ints(self._num_heads, 1), num_keys, axis=0)
            first = g.op("Cast", g.op("Equal", parts.positions(g, num_keys), g.ints(0)), to=1)
            values |= {_LAST: g.op("Expand", first, rest), _TOTAL: g.op("Expand", g.scalar(0.0), rest)}
        return {name: values[name] for name in self.ports}

    def _heads(self, g: Graph, states: Value) -> tuple[Value, Value]:
        """Keys and values `(B, H, S, D / H)`."""
        if self._many is None:
            one = g.op("Unsqueeze", states, g.ints(1))
            return one, one
        key, value = (self._split(g, linear, states) for linear in (self._many.key_map, self._many.value_map))
        return key, value

    def _split(self, g: Graph, linear: nn.Linear, states: Value) -> Value:
        out_size, in_size = linear.weight.shape
        rows = g.linear(g.op("Reshape", states, g.ints(-1, in_size)), linear.weight, linear.bias)
        heads = g.ints(self._num_heads, out_size // self._num_heads)
        shape = g.op("Concat", g.op("Shape", states, start=0, end=2), heads, axis=0)
        return g.op("Transpose", g.op("Reshape", rows, shape), perm=[0, 2, 1, 3])

    def step(self, g: Graph, query: Value, given: Values) -> DecoderAttentionOutput:
        """Draws one look.

        Args:
            g: The graph.
            query: `(B, Q)`.
            given: The value of each port.

        Returns:
            What it gives.
        """
        key, hiding, favors = self._seen(g, query, given)
        asked = query if self._many is None else g.linear(query, self._many.query_map.weight, self._many.query_map.bias)
        heads = g.op("Reshape", asked, g.ints(0, self._num_heads, 1, -1))
        z = g.sum(parts.scores(g, self._score, heads, key), *favors)
        weights = parts.attend(g, self._attention.normalizer, z, g.sum(*hiding))
        value = given.get(_VALUE, given[_KEY])
        context = g.op("Reshape", g.op("MatMul", weights, value), g.ints(0, -1))  # (B, H, 1, D/H) -> (B, D)
        if self._many is not None:
            context = g.linear(context, self._many.output_map.weight, self._many.output_map.bias)
        after: Values = {}
        if self._window is not None:
            after[_STEP] = g.op("Add", given[_STEP], g.ints(1))
        if self._remembers:
            after |= {_LAST: weights, _TOTAL: g.op("Add", given[_TOTAL], weights)}
        return DecoderAttentionOutput(context, weights, after)

    def _seen(self, g: Graph, query: Value, given: Values) -> tuple[Value, list[Value], list[Value]]:
        """The keys as this step sees them, what hides some of them, and what favors some."""
        key, hiding = given[_KEY], [given[_BIAS]]
        favors: list[Value] = []
        if self._window is not None:
            hidden, favors = parts.window(g, self._window, query, given[_LENGTH], given[_STEP], parts.size(g, key, 2))
            hiding.append(hidden)
        if self._history.window is not None:
            hiding.append(parts.following_window(g, self._history.window, given[_LAST]))
        if self._history.coverage is not None:
            favors.append(parts.coverage(g, self._history.coverage, given[_TOTAL]))
        if self._history.location is not None:
            key = g.op("Add", key, parts.location(g, self._history.location, given[_LAST]))
        return key, hiding, favors
