"""The interface between a model's two graphs: one reads the source, the other computes a decoder step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from regard.interop.onnx.graph import Dimension, Graph, Value

SOURCE, STATE, NEXT, WEIGHTS = "source.", "state.", "next.", "weights."
"""Prefixes of tensor names: constant per sentence, state before a step, state after it, attention weights."""

Values = dict[str, Value]
"""Tensors by port name."""


@dataclass(frozen=True, slots=True)
class Port:
    """A tensor that one graph passes to the other, with the batch at dim 0.

    Attributes:
        shape: Sizes of the other dimensions.
        dtype: `torch.float32` or `torch.int64`.
    """

    shape: tuple[Dimension, ...]
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one decoder step.

    Attributes:
        hidden: Input of the output layer, `(B, D)`.
        weights: Cross-attention of each layer, `(B, H, 1, S)`.
        after: State after the step, by port.
    """

    hidden: Value
    weights: list[Value]
    after: Values


class Plan(Protocol):
    """A kind of model that can be exported as two graphs.

    Attributes:
        ports: Tensors that the first graph passes to the second, by name.
    """

    ports: dict[str, Port]

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """Adds the nodes that read the source to the graph.

        Args:
            g: The graph.
            src_ids: `(B, S)` int64.
            src_len: `(B,)` int64.

        Returns:
            The value of each port.
        """
        ...

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Adds the nodes of one step to the graph.

        Args:
            g: The graph.
            ids: `(B,)` int64, the last token of each row.
            inputs: The value of each port.

        Returns:
            The result of the step.
        """
        ...
