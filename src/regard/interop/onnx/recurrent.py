"""Adds the nodes of recurrent models to ONNX graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.errors import ConfigError
from regard.interop.onnx import attention as parts
from regard.interop.onnx.decoder_attention import DecoderAttention
from regard.interop.onnx.graph import Attribute, Graph, Value
from regard.interop.onnx.ports import STATE, Port, Step, Values
from regard.interop.part_table import PartTable, exact
from regard.model.bahdanau import BahdanauDecoder
from regard.model.cells import ElmanLayer, GRULayer, LSTMLayer, RecurrentLayer
from regard.model.deep_output import DeepOutput, LinearDeepOutput, MaxoutDeepOutput
from regard.model.luong import LuongDecoder
from regard.model.plain import PlainDecoder
from regard.model.recurrent_stack import RecurrentStack
from regard.model.rnn_encoder import RNNEncoder

_TOP, _FED = f"{STATE}top", f"{STATE}fed"


class PlainPlan:
    """Adds the nodes of a recurrent model without attention to its two ONNX graphs.

    It is also the base class of the plans for recurrent models with attention.

    Args:
        encoder: Encoder of the model.
        decoder: Decoder of the model.

    Attributes:
        ports: Shapes and types, by name, of the tensors that the encoder graph passes to the decoder step graph.
    """

    def __init__(self, encoder: nn.Module, decoder: PlainDecoder | LuongDecoder | BahdanauDecoder) -> None:
        self._encoder = exact(encoder, RNNEncoder, engine="onnx", family="encoder")
        self._stack = exact(decoder.stack, RecurrentStack, engine="onnx", family="decoder recurrence")
        self._table = parts.embedding_table(decoder.embedding)
        self._readout = decoder.readout
        state_parts = ("hidden", "cell")[: self._stack.num_states]
        self._states = [
            [f"{STATE}{part}_{number}" for part in state_parts] for number in range(len(self._stack.layers))
        ]
        self.ports = {name: Port((self._stack.hidden_size,)) for names in self._states for name in names}

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """Adds the nodes that encode the source and compute the state before the first step. See `Plan.start`."""
        return self._begin(g, src_ids, src_len)[1]

    def _begin(self, g: Graph, src_ids: Value, src_len: Value) -> tuple[Value, Values]:
        """Annotations `(B, S, D)`, and the decoder's first states by port."""
        states, summary = self._encode(g, src_ids, src_len)
        initial = g.op("Tanh", parts.linear(g, self._stack.bridge, summary))
        names = [name for layer in self._states for name in layer]
        split = g.ops("Split", initial, count=len(names), axis=1, num_outputs=len(names))
        return states, dict(zip(names, split, strict=True))

    def _encode(self, g: Graph, src_ids: Value, src_len: Value) -> tuple[Value, Value]:
        """Annotations `(B, S, D)`, zero behind a sentence's end, and the summary of each sentence."""
        table = parts.embedding_table(self._encoder.embedding)
        rows = g.embed(g.op("Reshape", src_ids, g.ints(-1)), table)
        shape = g.op("Concat", g.op("Shape", src_ids), g.ints(table.shape[1]), axis=0)
        x = g.op("Transpose", g.op("Reshape", rows, shape), perm=[1, 0, 2])  # (S, B, E)
        lengths = g.op("Cast", src_len, to=6)  # int32
        summary = []
        for number, layer in enumerate(self._encoder.layers):
            output, last = _sequence(g, layer, x, lengths)
            x = g.op("Add", x, output) if number and self._encoder.residual else output
            summary += last
        return g.op("Transpose", x, perm=[1, 0, 2]), g.op("Concat", *summary, axis=1)

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Adds the nodes of one decoder step, given the last tokens and the tensors in `ports`. See `Plan.step`."""
        embedded = g.embed(ids, self._table)
        top, after = self._recur(g, [embedded], inputs)
        return Step(_read_out(g, self._readout, [top]), [], after)

    def _recur(self, g: Graph, layer_inputs: list[Value], inputs: Values) -> tuple[Value, Values]:
        """All layers: the output of the top one `(B, D)`, and the states after the step."""
        after: Values = {}
        x = ""
        for number, (layer, names) in enumerate(zip(self._stack.layers, self._states, strict=True)):
            below = layer_inputs if number == 0 else [x]
            state = _CELLS.find(layer)(g, layer, below, [inputs[name] for name in names])
            x = g.op("Add", x, state[0]) if number and self._stack.residual else state[0]
            after |= dict(zip(names, state, strict=True))
        return x, after


class LuongPlan(PlainPlan):
    """Adds the nodes of a recurrent model with Luong attention to its two ONNX graphs.

    One graph encodes the source, the other computes a decoder step: first the recurrent layers, then attention. See
    `regard.interop.onnx.ports.Plan` for the methods.

    Args:
        encoder: Encoder of the model.
        decoder: Decoder of the model.
    """

    def __init__(self, encoder: nn.Module, decoder: LuongDecoder) -> None:
        super().__init__(encoder, decoder)
        self._attention = DecoderAttention(decoder.attention, self._encoder.hidden_size)
        self._fed_size = decoder.input_feeding_size  # 0 without input feeding
        if self._fed_size:
            self.ports[_FED] = Port((self._fed_size,))
        self.ports |= self._attention.ports

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """Adds the nodes that encode the source and compute the state before the first step. See `Plan.start`."""
        states, values = self._begin(g, src_ids, src_len)
        if self._fed_size:
            shape = g.op("Concat", g.op("Shape", src_len), g.ints(self._fed_size), axis=0)
            values[_FED] = g.op("Expand", g.scalar(0.0), shape)
        return values | self._attention.start(g, states, src_len)

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Adds the nodes of one decoder step, given the last tokens and the tensors in `ports`. See `Plan.step`."""
        embedded = g.embed(ids, self._table)
        fed = [inputs[_FED]] if self._fed_size else []
        top, after = self._recur(g, [embedded, *fed], inputs)
        attended = self._attention.step(g, top, inputs)
        hidden = _read_out(g, self._readout, [attended.context, top])
        if self._fed_size:
            after[_FED] = hidden
        return Step(hidden, [attended.weights], after | attended.after)


class BahdanauPlan(PlainPlan):
    """Adds the nodes of a recurrent model with Bahdanau attention to its two ONNX graphs.

    One graph encodes the source, the other computes a decoder step: first attention, then the recurrent layers. See
    `regard.interop.onnx.ports.Plan` for the methods.

    Args:
        encoder: Encoder of the model.
        decoder: Decoder of the model.
    """

    def __init__(self, encoder: nn.Module, decoder: BahdanauDecoder) -> None:
        super().__init__(encoder, decoder)
        self._attention = DecoderAttention(decoder.attention, self._encoder.hidden_size)
        self._deep_output = decoder.deep_output
        self.ports[_TOP] = Port((self._stack.hidden_size,))
        self.ports |= self._attention.ports

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """Adds the nodes that encode the source and compute the state before the first step. See `Plan.start`."""
        states, values = self._begin(g, src_ids, src_len)
        values[_TOP] = values[self._states[-1][0]]
        return values | self._attention.start(g, states, src_len)

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Adds the nodes of one decoder step, given the last tokens and the tensors in `ports`. See `Plan.step`."""
        embedded = g.embed(ids, self._table)
        attended = self._attention.step(g, inputs[_TOP], inputs)
        top, after = self._recur(g, [embedded, attended.context], inputs)
        after[_TOP] = top
        readout_inputs = [top, attended.context, embedded] if self._deep_output else [top]
        return Step(_read_out(g, self._readout, readout_inputs), [attended.weights], after | attended.after)


@dataclass(frozen=True, slots=True)
class _Operator:
    """The ONNX operator of a PyTorch layer.

    Attributes:
        name: Name of the operator.
        gates: For each gate in ONNX's order, the number of the gate in PyTorch's order. LSTM: input, output, forget,
            cell in ONNX; input, forget, cell, output in PyTorch. GRU: update, reset, candidate in ONNX; reset, update,
            candidate in PyTorch.
        num_outputs: Number of outputs: the states after every step, and one or two last states.
    """

    name: str
    gates: tuple[int, ...]
    num_outputs: int


_OPERATORS: PartTable[_Operator] = PartTable(
    "onnx",
    "recurrent layer",
    {
        nn.LSTM: _Operator("LSTM", (0, 3, 1, 2), 3),
        nn.GRU: _Operator("GRU", (1, 0, 2), 2),
        nn.RNN: _Operator("RNN", (0,), 2),
    },
)


def _sequence(g: Graph, module: nn.Module, x: Value, lengths: Value) -> tuple[Value, list[Value]]:
    """A whole layer over `(S, B, E)`: `(S, B, D)`, and the last states of each direction, `(B, D)` each."""
    operator, rnn = _OPERATORS.find(module), _checked_rnn(module)
    ends = ("", "_reverse")[: 1 + rnn.bidirectional]
    w, r = (
        torch.stack([_gates(rnn.get_parameter(f"{name}_l0{end}"), operator.gates) for end in ends])
        for name in ("weight_ih", "weight_hh")
    )
    b = torch.stack(
        [
            torch.cat([_gates(rnn.get_parameter(f"{name}_l0{end}"), operator.gates) for name in ("bias_ih", "bias_hh")])
            for end in ends
        ]
    )
    options: dict[str, Attribute] = {"hidden_size": rnn.hidden_size}
    if rnn.bidirectional:
        options["direction"] = "bidirectional"
        options |= {"activations": ["Tanh", "Tanh"]} if operator.name == "RNN" else {}
    if operator.name == "GRU":
        options["linear_before_reset"] = 1
    y, *last = g.ops(
        operator.name, x, g.constant(w), g.constant(r), g.constant(b), lengths, count=operator.num_outputs, **options
    )
    y = g.op("Reshape", g.op("Transpose", y, perm=[0, 2, 1, 3]), g.ints(0, 0, -1))  # (S, directions, B, width)
    return y, [g.op("Reshape", g.op("Transpose", state, perm=[1, 0, 2]), g.ints(0, -1)) for state in last]


def _checked_rnn(module: nn.Module) -> nn.RNNBase:
    """The layer itself, if it has one level, and tanh where PyTorch has a choice."""
    if not isinstance(module, nn.RNNBase):
        raise AssertionError(
            f"expected a recurrent layer of PyTorch, a subclass of torch.nn.RNNBase, got {type(module).__name__}"
        )
    nonlinearity = getattr(module, "nonlinearity", "tanh")
    if nonlinearity != "tanh":
        raise ConfigError(
            f"ONNX Runtime cannot run this model: its recurrent layer is RNN with nonlinearity = {nonlinearity!r}, "
            "expected 'tanh': translate with regard's own engine, or build the model with tanh"
        )
    return module


def _gates(parameter: Tensor, order: tuple[int, ...]) -> Tensor:
    chunks = parameter.detach().chunk(len(order))
    return torch.cat([chunks[number] for number in order])


def _cell_weights(layer: RecurrentLayer, kind: type[nn.RNNBase]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W, U and both biases of one layer."""
    rnn = _checked_rnn(exact(layer.rnn, kind, engine="onnx", family="recurrent layer"))
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    w, u, b, c = (rnn.get_parameter(name).detach() for name in names)
    return w, u, b, c


def _gru_cell(g: Graph, layer: GRULayer, inputs: list[Value], state: list[Value]) -> list[Value]:
    w, u, b, c = _cell_weights(layer, nn.GRU)
    hidden = state[0]
    from_input, from_hidden = g.linear(_joined(g, inputs), w, b), g.linear(hidden, u, c)
    reset_x, update_x, candidate_x = g.ops("Split", from_input, count=3, axis=1, num_outputs=3)
    reset_h, update_h, candidate_h = g.ops("Split", from_hidden, count=3, axis=1, num_outputs=3)
    reset = g.op("Sigmoid", g.op("Add", reset_x, reset_h))
    candidate = g.op("Tanh", g.op("Add", candidate_x, g.op("Mul", reset, candidate_h)))
    update = g.op("Sigmoid", g.op("Add", update_x, update_h))
    return [g.op("Add", candidate, g.op("Mul", update, g.op("Sub", hidden, candidate)))]


def _elman_cell(g: Graph, layer: ElmanLayer, inputs: list[Value], state: list[Value]) -> list[Value]:
    w, u, b, c = _cell_weights(layer, nn.RNN)
    return [g.op("Tanh", g.linear(_joined(g, [*inputs, state[0]]), torch.cat((w, u), dim=1), b + c))]


def _lstm_cell(g: Graph, layer: LSTMLayer, inputs: list[Value], state: list[Value]) -> list[Value]:
    w, u, b, c = _cell_weights(layer, nn.LSTM)
    hidden, cell = state
    gates = g.linear(_joined(g, [*inputs, hidden]), torch.cat((w, u), dim=1), b + c)
    write, forget, candidate, read = g.ops("Split", gates, count=4, axis=1, num_outputs=4)
    remaining = g.op("Mul", g.op("Sigmoid", forget), cell)
    cell = g.op("Add", remaining, g.op("Mul", g.op("Sigmoid", write), g.op("Tanh", candidate)))
    return [g.op("Mul", g.op("Sigmoid", read), g.op("Tanh", cell)), cell]


_CELLS: PartTable[Callable[..., list[Value]]] = PartTable(
    "onnx", "recurrent layer", {GRULayer: _gru_cell, LSTMLayer: _lstm_cell, ElmanLayer: _elman_cell}
)
"""Functions that add the nodes of one step of a recurrent layer, by the class of the layer: from the layer's inputs and
state, `(B, ...)` each, to the next state."""


def _joined(g: Graph, values: list[Value]) -> Value:
    return values[0] if len(values) == 1 else g.op("Concat", *values, axis=1)


def _read_out(g: Graph, readout: nn.Module, values: list[Value]) -> Value:
    return _READOUTS.find(readout)(g, readout, _joined(g, values))


def _linear_readout(g: Graph, readout: LinearDeepOutput, joined: Value) -> Value:
    return joined


def _deep_readout(g: Graph, readout: DeepOutput, joined: Value) -> Value:
    return g.op("Tanh", parts.linear(g, readout.map, joined))


def _maxout_readout(g: Graph, readout: MaxoutDeepOutput, joined: Value) -> Value:
    mapped = parts.linear(g, readout.map, joined)
    return g.op("Max", *g.ops("Split", mapped, count=2, axis=1, num_outputs=2))


_READOUTS: PartTable[Callable[..., Value]] = PartTable(
    "onnx",
    "readout",
    {LinearDeepOutput: _linear_readout, DeepOutput: _deep_readout, MaxoutDeepOutput: _maxout_readout},
)
