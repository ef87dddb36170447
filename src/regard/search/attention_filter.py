"""Filters of the attention that forced decoding keeps: all matrices, or a single one to save memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from regard.errors import ShapeError
from regard.search.history import StepAttention


class AttentionFilter(Protocol):
    """Selects the part of the attention to keep."""

    def apply(self, weights: StepAttention) -> StepAttention:
        """Filters the attention of one step: one `(R, H, S)` per layer to the same for the layers and heads kept."""
        ...


class KeepAll:
    """Keeps all layers and heads."""

    def apply(self, weights: StepAttention) -> StepAttention:
        """Returns the attention, one `(R, H, S)` per layer, unchanged."""
        return weights


KEEP_ALL = KeepAll()


@dataclass(frozen=True, slots=True)
class KeepMatrix:
    """Keeps a single matrix: one layer and head, or a mean over layers or heads.

    Attributes:
        layer: Index of the layer; None = mean over the layers.
        head: Index of the head; None = mean over the heads of each layer.
    """

    layer: int | None = None
    head: int | None = None

    def apply(self, weights: StepAttention) -> StepAttention:
        """Selects the matrix from the attention of one step.

        Args:
            weights: One `(R, H, S)` per layer.

        Returns:
            One layer with one head, `(R, 1, S)`, with the same numbers as when all attention is kept and averaged
            later; empty where the model has no attention.

        Raises:
            ShapeError: There is no such layer or head.
        """
        if not weights:
            return ()
        layers = weights if self.layer is None else (weights[_checked_index(self.layer, len(weights), "layer")],)
        if self.head is None:
            matrices = [layer.mean(1, keepdim=True) if layer.shape[1] > 1 else layer for layer in layers]
        else:
            matrices = [layer[:, _checked_index(self.head, layer.shape[1], "head")][:, None] for layer in layers]
        return (matrices[0] if len(matrices) == 1 else torch.stack(matrices).mean(0),)


def _checked_index(index: int, count: int, what: str) -> int:
    if not -count <= index < count:
        raise ShapeError(f"there is no {what} {index}: expected 0 to {count - 1}, or a negative number from the last")
    return index
