"""Builds ONNX graphs node by node; large weights are stored in a file that several graphs share."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

WEIGHTS = "weights.bin"
"""Name of the file with the large weights of all graphs in a directory."""
OPSET, IR_VERSION = 20, 10
"""Version of the ONNX operator set, and of ONNX's file format; ONNX Runtime reads both since version 1.17."""

_INLINE = 1024
"""Size in bytes of the largest tensor that is stored in the graph itself, not in the file of weights."""
_ALIGNMENT = 64

Value = str
"""Name of a tensor in a graph."""
Attribute = int | float | str | list[int] | list[str]
Dimension = int | str
"""Size of a dimension, or a name for a size that differs between runs of the graph."""


class WeightFile:
    """Writer of a file with the data of large tensors; equal data are stored once.

    Args:
        file: Empty binary file, open for writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offsets: dict[bytes, int] = {}

    def add(self, data: bytes) -> int:
        """Writes the data of a tensor, unless equal data are in the file already, and returns their offset in bytes."""
        key = hashlib.sha256(data).digest()
        if key not in self._offsets:
            self._file.write(bytes(-self._file.tell() % _ALIGNMENT))
            self._offsets[key] = self._file.tell()
            self._file.write(data)
        return self._offsets[key]


class Graph:
    """Builder of one ONNX graph.

    Args:
        name: Name of the graph.
        weights: File for the data of large constants.
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
        """Adds an input of the graph.

        Args:
            name: Name of the input.
            dtype: Type of the elements, `torch.float32` or `torch.int64`.
            *shape: Size, or name of the size, of each dimension of the input `(...)`.

        Returns:
            The name of the input.
        """
        self._graph.input.append(self._helper.make_tensor_value_info(name, _onnx_type(dtype), shape))
        return name

    def output(self, name: str, value: Value, dtype: torch.dtype, *shape: Dimension) -> None:
        """Adds an output of the graph.

        Args:
            name: Name of the output.
            value: Tensor of the graph to return as this output.
            dtype: Type of the elements, `torch.float32` or `torch.int64`.
            *shape: Size, or name of the size, of each dimension of the output `(...)`.
        """
        if value in self._made and value not in self._named:
            self._named[value] = name
        else:  # an input, or an output under another name already
            self._graph.node.append(self._helper.make_node("Identity", [value], [name]))
        self._graph.output.append(self._helper.make_tensor_value_info(name, _onnx_type(dtype), shape))

    def op(self, kind: str, *inputs: Value, **attributes: Attribute) -> Value:
        """Adds a node with one output.

        Args:
            kind: Name of an operator of the ONNX standard.
            *inputs: Names of the node's inputs; an empty name stands for an optional input that is left out.
            **attributes: Attributes of the node, by their names in the standard.

        Returns:
            The name of the node's output.
        """
        return self.ops(kind, *inputs, count=1, **attributes)[0]

    def ops(self, kind: str, *inputs: Value, count: int, **attributes: Attribute) -> list[Value]:
        """Adds a node with several outputs.

        Args:
            kind: Name of an operator of the ONNX standard.
            *inputs: Names of the node's inputs; an empty name stands for an optional input that is left out.
            count: Number of outputs.
            **attributes: Attributes of the node, by their names in the standard.

        Returns:
            The names of the node's outputs.
        """
        names = [f"{kind.lower()}_{self._count + number}" for number in range(count)]
        self._count += count
        self._made.update(names)
        node = self._helper.make_node(kind, list(inputs), names)
        node.attribute.extend(self._helper.make_attribute(name, value) for name, value in attributes.items())
        self._graph.node.append(node)
        return names

    def linear(self, x: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
        """Adds the nodes of a linear map, `W x + b` for each row x.

        Args:
            x: N input rows, `(N, in)`.
            weight: W, `(out, in)`.
            bias: b, `(out,)`; None = no bias.

        Returns:
            N output rows, `(N, out)`.
        """
        rest = () if bias is None else (self.constant(bias),)
        return self.op("Gemm", x, self.constant(weight), *rest, transB=1)

    def embed(self, ids: Value, table: Tensor) -> Value:
        """Adds the nodes of an embedding lookup.

        Args:
            ids: Token ids, `(tokens,)` int64.
            table: Embedding matrix, `(V, E)`.

        Returns:
            Embedding of each token, `(tokens, E)`.
        """
        return self.op("Gather", self.constant(table), ids)

    def sum(self, *terms: Value) -> Value:
        """Adds a node that sums one or more tensors of broadcastable shapes, `(...)`."""
        return terms[0] if len(terms) == 1 else self.op("Sum", *terms)

    def ints(self, *values: int) -> Value:
        """Adds a constant int64 vector with the given values, `(values,)`."""
        return self.constant(torch.tensor(values, dtype=torch.int64))

    def scalar(self, value: float) -> Value:
        """Adds a constant float32 scalar, `()`."""
        return self.constant(torch.tensor(value, dtype=torch.float32))

    def constant(self, tensor: Tensor) -> Value:
        """Adds a constant tensor, unless an equal constant was added before.

        Args:
            tensor: Tensor of any shape, `(...)`.

        Returns:
            The name of the constant.
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
        for key, value in (("location", WEIGHTS), ("offset", self._weights.add(data)), ("length", len(data))):
            proto.external_data.add(key=key, value=str(value))
        return proto

    def model(self) -> ModelProto:
        """The finished ONNX model, which contains the graph; nothing can be added afterward."""
        for node in self._graph.node:
            for names in (node.input, node.output):
                names[:] = [self._named.get(name, name) for name in names]
        return self._helper.make_model(
            self._graph, opset_imports=[self._helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )


def _onnx_type(dtype: torch.dtype) -> int:
    from onnx import TensorProto

    return {torch.float32: TensorProto.FLOAT, torch.int64: TensorProto.INT64}[dtype]
