"""The interface between the two ONNX graphs of a model: one encodes the source, the other computes a decoder step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from regard.interop.onnx.graph import Dimension, Graph, Value

SOURCE, STATE, NEXT, WEIGHTS = "source.", "state.", "next.", "weights."
"""Prefixes of tensor names: tensors that are constant per sentence, the state before a step, the state after a step,
and attention weights."""

Values = dict[str, Value]
"""Tensors of an ONNX graph, by the names of their ports."""


@dataclass(frozen=True, slots=True)
class Port:
    """Shape and type of a tensor that the first graph passes to the second; dimension 0 is the batch.

    Attributes:
        shape: Sizes, or names of sizes, of the dimensions after the batch.
        dtype: Type of the elements, `torch.float32` or `torch.int64`.
    """

    shape: tuple[Dimension, ...]
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one decoder step, as tensors of an ONNX graph.

    Attributes:
        hidden: Hidden vectors, the input of the output layer, `(B, D)`.
        weights: Cross-attention weights of each layer, `(B, H, 1, S)`.
        after: State after the step: tensors by the name of their port.
    """

    hidden: Value
    weights: list[Value]
    after: Values


class Plan(Protocol):
    """Adds the nodes of a model to two ONNX graphs: one encodes the source, the other computes a decoder step.

    Attributes:
        ports: Shapes and types of the tensors that the first graph passes to the second, by name.
    """

    ports: dict[str, Port]

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """Adds the nodes that encode the source and compute the decoder state before the first step.

        Args:
            g: Graph to add the nodes to.
            src_ids: Source token ids, `(B, S)` int64.
            src_len: Source lengths, `(B,)` int64.

        Returns:
            The tensors of all ports, by name.
        """
        ...

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Adds the nodes of one decoder step.

        Args:
            g: Graph to add the nodes to.
            ids: Last token of each row, `(B,)` int64.
            inputs: The tensors of all ports before the step, by name.

        Returns:
            Hidden vectors, attention weights and the state after the step.
        """
        ...
