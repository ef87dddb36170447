"""Whether a graph is one that regard may have written: nothing else is given to ONNX Runtime."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from regard.errors import CheckpointError
from regard.files.reading import read_bytes
from regard.interop.onnx.graph import WEIGHTS
from regard.interop.packages import require_package

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, TensorProto

QUANTIZATIONS = ("float32", "int8")
_LARGEST = 64 << 20
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
"""What regard's own graphs consist of: no loops, no branches, no functions, no operators from elsewhere."""


def check_graph(path: Path) -> int:
    """Refuses a graph that regard would not have written.

    Args:
        path: The graph, with the file of weights beside it.

    Returns:
        Where the last of its weights ends in that file.

    Raises:
        ConfigError: The package onnx is not installed.
        CheckpointError: It is damaged, holds other operators, or reads another file than `weights.bin`.
    """
    model = _read(path)
    wrong = _foreign(model)
    if wrong:
        raise CheckpointError(f"{path}: {wrong}, which regard never writes: export the model again")
    weights = path.parent / WEIGHTS
    reach = weights.stat().st_size if weights.is_file() and not weights.is_symlink() else 0
    return max((_check_place(path, tensor, reach) for tensor in model.graph.initializer), default=0)


def check_quantization(path: Path, quantization: str) -> None:
    """Refuses a graph that computes in another type than its export says.

    Args:
        path: The graph.
        quantization: As the export says.

    Raises:
        CheckpointError: It multiplies bytes, though it should not.
    """
    if quantization not in QUANTIZATIONS:
        raise CheckpointError(
            f"{path.parent}: expected a quantization of {', '.join(QUANTIZATIONS)}, got {quantization[:40]!r}: export "
            "the model again"
        )
    if quantization == "float32" and any(node.op_type == "MatMulInteger" for node in _read(path).graph.node):
        raise CheckpointError(f"{path}: multiplies bytes, where export.json says float32: export the model again")


def _read(path: Path) -> ModelProto:
    require_package("onnx", to="read a graph of ONNX")
    from onnx import ModelProto

    data = read_bytes(path, max_bytes=_LARGEST, remedy="export the model again")
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # an error of the package protobuf, which has no types
        raise CheckpointError(f"{path}: damaged: export the model again") from None
    return model


def _foreign(model: ModelProto) -> str:
    """What of a model is not regard's; empty where nothing is."""
    graph: GraphProto = model.graph
    if model.functions or model.training_info or graph.sparse_initializer or graph.quantization_annotation:
        return "it holds more than a graph"
    for node in graph.node:
        if node.domain or node.op_type not in OPERATORS:
            return f"it has the operator {node.domain or 'ai.onnx'}.{node.op_type}"
        if any(_is_large(one) for one in node.attribute):
            return f"an attribute of {node.op_type} holds a graph or a tensor"
    return ""


def _is_large(attribute: AttributeProto) -> bool:
    return any(attribute.HasField(name) for name in ("t", "g", "sparse_tensor", "tp")) or bool(
        attribute.graphs or attribute.tensors
    )


def _check_place(path: Path, tensor: TensorProto, reach: int) -> int:
    """Where its numbers end."""
    from onnx import TensorProto, helper

    if tensor.data_location != TensorProto.EXTERNAL:
        return 0
    place = {entry.key: entry.value for entry in tensor.external_data}
    try:
        begin, length = int(place["offset"]), int(place["length"])
        width = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, ValueError, TypeError):
        begin, length, width = -1, 0, 0
    named = place.get("location") == WEIGHTS and set(place) == {"location", "offset", "length"}
    filled = min(tensor.dims, default=0) >= 0 and length == width * math.prod(tensor.dims)
    if not (named and filled and 0 <= begin <= begin + length <= reach):
        raise CheckpointError(f"{path}: the tensor {tensor.name[:80]!r} is not in {WEIGHTS}: export the model again")
    return begin + length
