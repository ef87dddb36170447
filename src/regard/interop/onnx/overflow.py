"""Whether integer products come out exactly: for every processor by what a graph holds, on this one by trying."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from regard.errors import CheckpointError
from regard.native.int8_levels import MAX_INT8_WEIGHT


def weight_levels(*graphs: Path) -> int:
    """Largest magnitude of a weight that the graphs multiply as an integer, read from their files.

    Args:
        *graphs: Graphs that `onnx_check` has passed.

    Returns:
        At most `MAX_INT8_WEIGHT`; 0 where there is no such weight.

    Raises:
        CheckpointError: One is larger, so that some processors would cut sums off.
    """
    largest = max((_largest(graph) for graph in graphs), default=0)
    if largest > MAX_INT8_WEIGHT:
        raise CheckpointError(
            f"a rounded weight is {largest} where at most {MAX_INT8_WEIGHT} is exact on every processor, so nothing "
            "was exported: this is a fault of regard; please report it"
        )
    return largest


def _largest(path: Path) -> int:
    from onnx import load, numpy_helper

    graph = load(str(path)).graph
    multiplied = {node.input[1] for node in graph.node if node.op_type == "MatMulInteger"}
    found = [numpy_helper.to_array(one) for one in graph.initializer if one.name in multiplied]
    return max((int(np.abs(one.astype(np.int16)).max()) for one in found), default=0)


@cache
def overflows_here() -> bool:
    """Whether ONNX Runtime on this processor cuts off sums of two products of bytes at 16 bits; finds out once."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    from regard.interop.onnx.graph import IR_VERSION, OPSET

    size = 64
    weights = numpy_helper.from_array(np.full((size, size), 127, dtype=np.int8), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["given", "weights"], ["sums"])],
        "try",
        [helper.make_tensor_value_info("given", TensorProto.UINT8, [size, size])],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, [size, size])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    [sums] = session.run(["sums"], {"given": np.full((size, size), 255, dtype=np.uint8)})
    return bool((sums != size * 255 * 127).any())
