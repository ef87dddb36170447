"""Checks ONNX graphs before ONNX Runtime reads them: only graphs as regard writes them are accepted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from regard.errors import CheckpointError
from regard.files.packages import require_package
from regard.files.reading import read_bytes
from regard.interop.onnx.graph import WEIGHTS

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, TensorProto

QUANTIZATIONS = ("float32", "int8")
_MAX_BYTES = 64 << 20
# fmt: off
OPERATORS = frozenset(
    {
        "Abs", "Add", "Cast", "Concat", "Conv", "Cos", "CumSum", "Div", "Equal", "Expand", "GRU", "Gather",
        "GatherElements", "Gelu", "Gemm", "Identity", "LSTM", "LayerNormalization", "Less", "LessOrEqual",
        "MatMul", "MatMulInteger", "Max", "Min", "Mul", "Neg", "Pad", "QuantizeLinear", "RNN", "Range",
        "ReduceL2", "ReduceMax", "ReduceSum", "Relu", "Reshape", "Shape", "Sigmoid", "Sin", "Slice", "Softmax",
        "Softplus", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "TopK", "Transpose", "Unsqueeze", "Where",
    }
)
# fmt: on
"""Operators in the graphs that regard writes: standard operators, without loops, branches and functions."""


def check_graph(path: Path) -> int:
    """Checks that an ONNX graph contains only what regard writes into graphs.

    Args:
        path: File of the graph; `weights.bin` is in the same directory.

    Returns:
        Offset in bytes of the end of the graph's last weight in `weights.bin`; 0 if all weights are in the graph file.

    Raises:
        ConfigError: The package onnx is not installed.
        CheckpointError: The graph is damaged, has other operators, or reads another file than `weights.bin`.
    """
    model = _read(path)
    fault = _foreign_content(model)
    if fault:
        raise CheckpointError(
            f"{path}: expected an ONNX graph written by regard, but {fault}, which regard never writes: export the "
            "model again"
        )
    weights = path.parent / WEIGHTS
    file_size = weights.stat().st_size if weights.is_file() and not weights.is_symlink() else 0
    return max((_checked_end(path, tensor, file_size) for tensor in model.graph.initializer), default=0)


def check_quantization(path: Path, quantization: str) -> None:
    """Checks that the number type in an export's manifest does not contradict the graph.

    Args:
        path: File of the graph.
        quantization: Number type in the manifest of the export.

    Raises:
        CheckpointError: The type in the manifest is unknown, or it is float32 although the graph has integer matrix
            products. Float32 products in an int8 graph are no error: quantization may leave some, or all, as they are.
    """
    if quantization not in QUANTIZATIONS:
        raise CheckpointError(
            f"{path.parent}: expected export.json to have a quantization, one of {', '.join(QUANTIZATIONS)}, got "
            f"{quantization[:40]!r}: export the model again"
        )
    if quantization == "float32" and any(node.op_type == "MatMulInteger" for node in _read(path).graph.node):
        raise CheckpointError(
            f"{path}: expected a float32 graph, as export.json says, but it has integer matrix products: export the "
            "model again"
        )


def _read(path: Path) -> ModelProto:
    require_package("onnx", to="read ONNX graphs")
    from onnx import ModelProto

    data = read_bytes(path, max_bytes=_MAX_BYTES, remedy="export the model again")
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # protobuf's error classes differ from version to version
        raise CheckpointError(f"{path}: damaged: not an ONNX graph: export the model again") from None
    return model


def _foreign_content(model: ModelProto) -> str:
    """Describes the first thing that regard does not write; empty if there is none."""
    graph: GraphProto = model.graph
    if model.functions or model.training_info or graph.sparse_initializer or graph.quantization_annotation:
        return "it holds more than a graph"
    for node in graph.node:
        if node.domain or node.op_type not in OPERATORS:
            return f"it has the operator {node.domain or 'ai.onnx'}.{node.op_type}"
        if any(_holds_data(attribute) for attribute in node.attribute):
            return f"an attribute of {node.op_type} holds a graph or a tensor"
    return ""


def _holds_data(attribute: AttributeProto) -> bool:
    return any(attribute.HasField(name) for name in ("t", "g", "sparse_tensor", "tp")) or bool(
        attribute.graphs or attribute.tensors
    )


def _checked_end(path: Path, tensor: TensorProto, file_size: int) -> int:
    """Offset behind a tensor's data in the file of weights, after a check that it is in there."""
    from onnx import TensorProto, helper

    if tensor.data_location != TensorProto.EXTERNAL:
        return 0
    entries = {entry.key: entry.value for entry in tensor.external_data}
    try:
        begin, length = int(entries["offset"]), int(entries["length"])
        width = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, ValueError, TypeError):
        begin, length, width = -1, 0, 0
    in_weights = entries.get("location") == WEIGHTS and set(entries) == {"location", "offset", "length"}
    has_its_size = min(tensor.dims, default=0) >= 0 and length == width * math.prod(tensor.dims)
    if not (in_weights and has_its_size and 0 <= begin <= begin + length <= file_size):
        raise CheckpointError(
            f"{path}: the data of the tensor {tensor.name[:80]!r} are not within {WEIGHTS}: export the model again"
        )
    return begin + length
