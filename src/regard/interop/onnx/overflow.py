"""Overflow of 8-bit matrix products on processors without VNNI: checks of weights, and a test of this processor."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from regard.errors import CheckpointError
from regard.native.int8_levels import MAX_INT8_WEIGHT


def weight_levels(*graphs: Path) -> int:
    """Finds the largest magnitude of the 8-bit weights in ONNX graphs, and checks that no sum can overflow.

    Args:
        *graphs: Files of graphs that `check_graph` has accepted.

    Returns:
        Largest magnitude of an 8-bit weight in a matrix product, at most `MAX_INT8_WEIGHT`; 0 without 8-bit weights.

    Raises:
        CheckpointError: A weight is larger, so that sums of products would overflow on some processors.
    """
    largest = max((_largest(graph) for graph in graphs), default=0)
    if largest > MAX_INT8_WEIGHT:
        raise CheckpointError(
            f"an 8-bit weight is {largest}, but products are exact on all processors only with weights up to "
            f"{MAX_INT8_WEIGHT}, so nothing was exported: this is a bug in regard; please report it"
        )
    return largest


def _largest(path: Path) -> int:
    from onnx import load, numpy_helper

    graph = load(str(path)).graph
    multiplied = {node.input[1] for node in graph.node if node.op_type == "MatMulInteger"}
    weights = [numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name in multiplied]
    return max((int(np.abs(weight.astype(np.int16)).max()) for weight in weights), default=0)


@cache
def overflows_here() -> bool:
    """Whether ONNX Runtime's 8-bit matrix products overflow on this processor; tested once per process."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    from regard.interop.onnx.graph import IR_VERSION, OPSET

    size = 64
    weights = numpy_helper.from_array(np.full((size, size), 127, dtype=np.int8), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "weights"], ["sums"])],
        "trial",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [size, size])],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, [size, size])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    [sums] = session.run(["sums"], {"x": np.full((size, size), 255, dtype=np.uint8)})
    return bool((sums != size * 255 * 127).any())
