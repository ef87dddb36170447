"""The tensors that pass between the two ONNX graphs of a model.

The encoder graph encodes the source; the decoder step graph computes one decoder step. A port is a named tensor that
the encoder graph returns and the decoder step graph takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from regard.interop.onnx.graph import Dimension, Graph, Value

SOURCE, STATE, NEXT, WEIGHTS = "source.", "state.", "next.", "weights."
"""Prefixes of tensor names: tensors that are constant per sentence, the state before a step, the state after a step,
and attention weights."""

Values = dict[str, Value]
"""Tensors of an ONNX graph, by name of the port: a tensor that the encoder graph returns and the step graph takes."""


@dataclass(frozen=True, slots=True)
class Port:
    """Shape and type of a named tensor that the encoder graph passes to the decoder step graph.

    Dimension 0, which is not in `shape`, is the batch.

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
        after: State after the step, by name: tensors that replace those of the same names as inputs of the next step.
    """

    hidden: Value
    weights: list[Value]
    after: Values


class Plan(Protocol):
    """Adds the nodes of a model to two ONNX graphs: one encodes the source, the other computes a decoder step.

    Attributes:
        ports: Shapes and types, by name, of the tensors that the encoder graph passes to the decoder step graph.
    """

    ports: dict[str, Port]

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """Adds the nodes that encode the source and compute the decoder state before the first step.

        Args:
            g: Graph to add the nodes to.
            src_ids: Source token ids, `(B, S)` int64.
            src_len: Source lengths, `(B,)` int64.

        Returns:
            The tensors that `ports` describes, by name: encoded source and decoder state.
        """
        ...

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Adds the nodes of one decoder step.

        Args:
            g: Graph to add the nodes to.
            ids: Last token of each row, `(B,)` int64.
            inputs: The tensors that `ports` describes, by name, as they are before the step: encoded source and decoder
                state.

        Returns:
            Hidden vectors, attention weights and the state after the step.
        """
        ...
