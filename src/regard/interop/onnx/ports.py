"""What flows between a model's two graphs: the one that reads the source, and the one that does a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from regard.interop.onnx.graph import Dimension, Graph, Value

SOURCE, STATE, NEXT, WEIGHTS = "source.", "state.", "next.", "weights."
"""How names begin: of what stays from step to step, what a step is given anew, what it gives back, and attention."""

Values = dict[str, Value]
"""Tensors by the name of the port that they go through."""


@dataclass(frozen=True, slots=True)
class Port:
    """A tensor with the batch at dim 0 that one graph gives to the other.

    Attributes:
        shape: Its sizes behind the batch's.
        dtype: Its type.
    """

    shape: tuple[Dimension, ...]
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True, slots=True)
class Step:
    """What a step computes.

    Attributes:
        hidden: What is projected to the vocabulary, `(B, D)`.
        weights: Cross-attention of each layer, `(B, H, 1, S)`.
        after: The state, by its ports.
    """

    hidden: Value
    weights: list[Value]
    after: Values


class Plan(Protocol):
    """A kind of model, drawn as two graphs.

    Attributes:
        ports: What the first gives to the second, by name.
    """

    ports: dict[str, Port]

    def start(self, g: Graph, src_ids: Value, src_len: Value) -> Values:
        """Draws what reads the sources.

        Args:
            g: The graph.
            src_ids: `(B, S)` int64.
            src_len: `(B,)` int64.

        Returns:
            The value of each port.
        """
        ...

    def step(self, g: Graph, ids: Value, inputs: Values) -> Step:
        """Draws one step.

        Args:
            g: The graph.
            ids: `(B,)` int64, the last token of each row.
            inputs: The value of each port.

        Returns:
            What the step computes.
        """
        ...
