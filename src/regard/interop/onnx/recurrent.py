"""Recurrent models as graphs of ONNX."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from regard.interop.onnx.decoder_attention import DecoderAttention
from regard.interop.onnx.graph import Attribute, Graph, Value
from regard.interop.onnx.ports import STATE, Port, Step, Values
from regard.model.bahdanau import BahdanauDecoder
from regard.model.cells import GRULayer, LSTMLayer, RecurrentLayer
from regard.model.luong import LuongDecoder
from regard.model.plain import PlainDecoder
from regard.model.rnn_encoder import RNNEncoder
from regard.model.stack import DeepOutput, LinearDeepOutput, MaxoutDeepOutput

_TORCH_TO_ONNX = {nn.LSTM: (0, 3, 1, 2), nn.GRU: (1, 0, 2), nn.RNN: (0,)}
"""The standard's order of gates: input, output, forget, cell; update, reset, candidate."""


class RecurrentPlan:
    """A recurrent encoder and any decoder on it.

    Args:
        encoder: The encoder.
        decoder: The decoder.

    Attributes:
        ports: See `Plan`.
    """

    def __init__(self, encoder: RNNEncoder, decoder: PlainDecoder | LuongDecoder | BahdanauDecoder) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._layers = [cast("RecurrentLayer", layer) for layer in decoder.stack.layers]
        self._look = (
            None if isinstance(decoder, PlainDecoder) else DecoderAttention(decoder.attention, encoder.hidden_size)
        )
        self._fed = decoder.fed_size if isinstance(decoder, LuongDecoder) else 0
        width = decoder.stack.hidden_size
        names = [name for layer in self._names() for name in layer]
        self.ports = {name: Port((width,)) for name in names}
        if isinstance(decoder, BahdanauDecoder):
            self.ports[f"{STATE}top"] = Port((width,))
        if self._fed:
            self.ports[f"{STATE}fed"] = Port((self._fed,))
        if self._look is not None:
            self.ports |= self._look.ports

    def _names(self) -> list[list[str]]:
        """The ports of each layer's state."""
        parts = ("hidden", "cell")[: self._decoder.stack.num_states]
        return [[f"{STATE}{part}_{number}" for part in parts] for number in range(len(self._layers))]

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """See `Plan.start`."""
        states, summary = self._encode(g, src_ids, src_len)
        bridge = self._decoder.stack.bridge
        parts = g.op("Tanh", g.linear(summary, bridge.weight, bridge.bias))
        names = [name for layer in self._names() for name in layer]
        values = dict(zip(names, g.ops("Split", parts, count=len(names), axis=1, num_outputs=len(names)), strict=True))
        if isinstance(self._decoder, BahdanauDecoder):
            values[f"{STATE}top"] = values[self._names()[-1][0]]
        if self._fed:
            shape = g.op("Concat", g.op("Shape", src_len), g.ints(self._fed), axis=0)
            values[f"{STATE}fed"] = g.op("Expand", g.scalar(0.0), shape)
        return values if self._look is None else values | self._look.start(g, states, src_len)

    def _encode(self, g: Graph, src_ids: Value, src_len: Value) -> tuple[Value, Value]:
        """Annotations `(B, S, D)`, zero behind a sentence's end, and the summary of each sentence."""
        table = self._encoder.embedding.weight
        rows = g.embed(g.op("Reshape", src_ids, g.ints(-1)), table)
        shape = g.op("Concat", g.op("Shape", src_ids), g.ints(table.shape[1]), axis=0)
        x = g.op("Transpose", g.op("Reshape", rows, shape), perm=[1, 0, 2])  # (S, B, E)
        lengths = g.op("Cast", src_len, to=6)  # int32
        summary = []
        for number, layer in enumerate(self._encoder.layers):
            output, last = _recurrence(g, cast("nn.RNNBase", layer), x, lengths)
            x = g.op("Add", x, output) if number and self._encoder.residual else output
            summary += last
        return g.op("Transpose", x, perm=[1, 0, 2]), g.op("Concat", *summary, axis=1)

    def step(self, g: Graph, ids: Value, given: Values) -> Step:
        """See `Plan.step`."""
        decoder = self._decoder
        embedded = g.embed(ids, decoder.embedding.weight)
        if self._look is None:
            top, after = self._recur(g, [embedded], given)
            return Step(_read_out(g, decoder.readout, [top]), [], after)
        if isinstance(decoder, BahdanauDecoder):
            looked = self._look.step(g, given[f"{STATE}top"], given)
            top, after = self._recur(g, [embedded, looked.context], given)
            after[f"{STATE}top"] = top
            parts = [top, looked.context, embedded] if decoder.deep_output else [top]
        else:
            fed = [given[f"{STATE}fed"]] if self._fed else []
            top, after = self._recur(g, [embedded, *fed], given)
            looked = self._look.step(g, top, given)
            parts = [looked.context, top]
        hidden = _read_out(g, decoder.readout, parts)
        if self._fed:
            after[f"{STATE}fed"] = hidden
        return Step(hidden, [looked.weights], after | looked.after)

    def _recur(self, g: Graph, inputs: list[Value], given: Values) -> tuple[Value, Values]:
        """All layers: the output of the top one `(B, D)`, and the states after the step."""
        after: Values = {}
        x = ""
        for number, (layer, names) in enumerate(zip(self._layers, self._names(), strict=True)):
            state = _cell(g, layer, inputs if number == 0 else [x], [given[name] for name in names])
            x = g.op("Add", x, state[0]) if number and self._decoder.stack.residual else state[0]
            after |= dict(zip(names, state, strict=True))
        return x, after


def _recurrence(g: Graph, rnn: nn.RNNBase, x: Value, lengths: Value) -> tuple[Value, list[Value]]:
    """A whole layer over `(S, B, E)`: `(S, B, D)`, and what is left of each direction's states, `(B, D)` each."""
    order = _TORCH_TO_ONNX[type(rnn)]
    ends = ("", "_reverse")[: 1 + rnn.bidirectional]
    w, r = (
        torch.stack([_gates(rnn.get_parameter(f"{name}_l0{end}"), order) for end in ends])
        for name in ("weight_ih", "weight_hh")
    )
    b = torch.stack(
        [
            torch.cat([_gates(rnn.get_parameter(f"{name}_l0{end}"), order) for name in ("bias_ih", "bias_hh")])
            for end in ends
        ]
    )
    kind = {nn.LSTM: "LSTM", nn.GRU: "GRU", nn.RNN: "RNN"}[type(rnn)]
    options: dict[str, Attribute] = {"hidden_size": rnn.hidden_size}
    if rnn.bidirectional:
        options["direction"] = "bidirectional"
        options |= {"activations": ["Tanh", "Tanh"]} if kind == "RNN" else {}
    if kind == "GRU":
        options["linear_before_reset"] = 1
    y, *last = g.ops(
        kind, x, g.constant(w), g.constant(r), g.constant(b), lengths, count=3 if kind == "LSTM" else 2, **options
    )
    y = g.op("Reshape", g.op("Transpose", y, perm=[0, 2, 1, 3]), g.ints(0, 0, -1))  # (S, directions, B, width)
    return y, [g.op("Reshape", g.op("Transpose", one, perm=[1, 0, 2]), g.ints(0, -1)) for one in last]


def _gates(parameter: Tensor, order: tuple[int, ...]) -> Tensor:
    parts = parameter.detach().chunk(len(order))
    return torch.cat([parts[number] for number in order])


def _cell(g: Graph, layer: RecurrentLayer, inputs: list[Value], state: list[Value]) -> list[Value]:
    """One step of a layer; see `RecurrentLayer.step`."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    w, u, b, c = (layer.rnn.get_parameter(name).detach() for name in names)
    hidden = state[0]
    if isinstance(layer, GRULayer):
        return [_gru(g, g.linear(_joined(g, inputs), w, b), g.linear(hidden, u, c), hidden)]
    gates = g.linear(_joined(g, [*inputs, hidden]), torch.cat((w, u), dim=1), b + c)
    if not isinstance(layer, LSTMLayer):
        return [g.op("Tanh", gates)]
    write, forget, candidate, read = g.ops("Split", gates, count=4, axis=1, num_outputs=4)
    kept = g.op("Mul", g.op("Sigmoid", forget), state[1])
    cell = g.op("Add", kept, g.op("Mul", g.op("Sigmoid", write), g.op("Tanh", candidate)))
    return [g.op("Mul", g.op("Sigmoid", read), g.op("Tanh", cell)), cell]


def _gru(g: Graph, from_input: Value, from_hidden: Value, hidden: Value) -> Value:
    reset_x, update_x, candidate_x = g.ops("Split", from_input, count=3, axis=1, num_outputs=3)
    reset_h, update_h, candidate_h = g.ops("Split", from_hidden, count=3, axis=1, num_outputs=3)
    reset = g.op("Sigmoid", g.op("Add", reset_x, reset_h))
    candidate = g.op("Tanh", g.op("Add", candidate_x, g.op("Mul", reset, candidate_h)))
    update = g.op("Sigmoid", g.op("Add", update_x, update_h))
    return g.op("Add", candidate, g.op("Mul", update, g.op("Sub", hidden, candidate)))


def _joined(g: Graph, parts: list[Value]) -> Value:
    return parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=1)


def _read_out(g: Graph, readout: nn.Module, parts: list[Value]) -> Value:
    joined = _joined(g, parts)
    if isinstance(readout, LinearDeepOutput):
        return joined
    if not isinstance(readout, (DeepOutput, MaxoutDeepOutput)):
        raise AssertionError(f"a readout of another kind: {type(readout).__name__}")
    mapped = g.linear(joined, readout.map.weight, readout.map.bias)
    if isinstance(readout, DeepOutput):
        return g.op("Tanh", mapped)
    return g.op("Max", *g.ops("Split", mapped, count=2, axis=1, num_outputs=2))
