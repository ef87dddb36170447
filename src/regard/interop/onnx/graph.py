"""Graphs of ONNX written node by node, their large weights in one file that several graphs share."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

WEIGHTS = "weights.bin"
"""The file beside the graphs that holds what they share."""
OPSET, IR_VERSION = 20, 10
"""Of the ONNX standard; ONNX Runtime reads both since 1.17."""

_INLINE = 1024
"""Bytes up to which a tensor stays in its graph."""
_ALIGNMENT = 64

Value = str
"""The name of a tensor that flows in a graph."""
Attribute = int | float | str | list[int] | list[str]
Dimension = int | str
"""A size, or a name for one that may differ from call to call."""


class WeightFile:
    """Large tensors one behind the other; what is equal is written once.

    Args:
        file: The file, open to be written, empty.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places: dict[bytes, int] = {}

    def place(self, data: bytes) -> int:
        """Where these bytes begin in the file; written there, unless they are there already."""
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            self._file.write(bytes(-self._file.tell() % _ALIGNMENT))
            self._places[key] = self._file.tell()
            self._file.write(data)
        return self._places[key]


class Graph:
    """One graph in the making.

    Args:
        name: What it is called.
        weights: Where large tensors go.
    """

    def __init__(self, name: str, weights: WeightFile) -> None:
        from onnx import helper

        self._helper = helper
        self._name = name
        self._weights = weights
        self._graph = helper.make_graph([], name, [], [])
        self._constants: dict[tuple[bytes, str], Value] = {}
        self._made: set[Value] = set()
        self._named: dict[Value, str] = {}
        self._count = 0

    def input(self, name: str, dtype: torch.dtype, *shape: Dimension) -> Value:
        """What the graph is given.

        Args:
            name: Its name.
            dtype: Its type.
            *shape: Its sizes, `(...)`.

        Returns:
            The name.
        """
        self._graph.input.append(self._helper.make_tensor_value_info(name, _onnx_type(dtype), shape))
        return name

    def output(self, name: str, value: Value, dtype: torch.dtype, *shape: Dimension) -> None:
        """What the graph gives.

        Args:
            name: Its name.
            value: The tensor.
            dtype: Its type.
            *shape: Its sizes, `(...)`.
        """
        if value in self._made and value not in self._named:
            self._named[value] = name
        else:  # an input, or given already under another name
            self._graph.node.append(self._helper.make_node("Identity", [value], [name]))
        self._graph.output.append(self._helper.make_tensor_value_info(name, _onnx_type(dtype), shape))

    def op(self, kind: str, *inputs: Value, **attributes: Attribute) -> Value:
        """A node with one result.

        Args:
            kind: An operator of the standard.
            *inputs: What it reads; an empty name for an input that is left out.
            **attributes: As the standard names them.

        Returns:
            Its result.
        """
        return self.ops(kind, *inputs, count=1, **attributes)[0]

    def ops(self, kind: str, *inputs: Value, count: int, **attributes: Attribute) -> list[Value]:
        """A node with several results.

        Args:
            kind: An operator of the standard.
            *inputs: What it reads; an empty name for an input that is left out.
            count: How many results it has.
            **attributes: As the standard names them.

        Returns:
            Its results.
        """
        names = [f"{kind.lower()}_{self._count + number}" for number in range(count)]
        self._count += count
        self._made.update(names)
        node = self._helper.make_node(kind, list(inputs), names)
        node.attribute.extend(self._helper.make_attribute(name, value) for name, value in attributes.items())
        self._graph.node.append(node)
        return names

    def linear(self, x: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
        """`W x + b`.

        Args:
            x: `(N, in)`.
            weight: W, `(out, in)`.
            bias: b, `(out,)`.

        Returns:
            `(N, out)`.
        """
        rest = () if bias is None else (self.constant(bias),)
        return self.op("Gemm", x, self.constant(weight), *rest, transB=1)

    def embed(self, ids: Value, table: Tensor) -> Value:
        """Rows of a table.

        Args:
            ids: `(N,)` int64.
            table: `(V, E)`.

        Returns:
            `(N, E)`.
        """
        return self.op("Gather", self.constant(table), ids)

    def sum(self, *terms: Value) -> Value:
        """The sum of one or more tensors, `(...)`."""
        return terms[0] if len(terms) == 1 else self.op("Sum", *terms)

    def ints(self, *values: int) -> Value:
        """A constant vector `(N,)` of int64."""
        return self.constant(torch.tensor(values, dtype=torch.int64))

    def scalar(self, value: float) -> Value:
        """A constant number `()` in float32."""
        return self.constant(torch.tensor(value, dtype=torch.float32))

    def constant(self, tensor: Tensor) -> Value:
        """A tensor that does not change; the same one again where it is there already.

        Args:
            tensor: Of any shape `(...)`.

        Returns:
            Its name.
        """
        array = tensor.detach().cpu().contiguous().numpy()
        data = array.tobytes()
        key = (hashlib.sha256(data).digest(), f"{array.dtype}{array.shape}")
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._graph.initializer.append(self._stored(self._constants[key], array, data))
        return self._constants[key]

    def _stored(self, name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], data: bytes) -> TensorProto:
        from onnx import TensorProto, numpy_helper

        if len(data) <= _INLINE:
            return numpy_helper.from_array(array, name)
        kind = self._helper.np_dtype_to_tensor_dtype(array.dtype)
        proto = TensorProto(name=name, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", WEIGHTS), ("offset", self._weights.place(data)), ("length", len(data))):
            proto.external_data.add(key=key, value=str(value))
        return proto

    def model(self) -> ModelProto:
        """The whole of it, to be written."""
        for node in self._graph.node:
            for names in (node.input, node.output):
                names[:] = [self._named.get(name, name) for name in names]
        return self._helper.make_model(
            self._graph, opset_imports=[self._helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )


def _onnx_type(dtype: torch.dtype) -> int:
    from onnx import TensorProto

    return {torch.float32: TensorProto.FLOAT, torch.int64: TensorProto.INT64}[dtype]
