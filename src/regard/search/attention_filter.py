"""Filters of the attention that forced decoding keeps: all matrices, or a single one to save memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from regard.errors import ShapeError
from regard.search.history import StepAttention


class AttentionFilter(Protocol):
    """Interface of filters that select which attention weights forced decoding keeps."""

    def apply(self, weights: StepAttention) -> StepAttention:
        """Selects the attention weights of a decoding step to keep: one `(R, H, S)` per layer, R hypotheses."""
        ...


class KeepAll:
    """Filter that keeps the attention weights of all layers and heads."""

    def apply(self, weights: StepAttention) -> StepAttention:
        """Returns the attention weights of one step, one `(R, H, S)` per layer, unchanged."""
        return weights


KEEP_ALL = KeepAll()


@dataclass(frozen=True, slots=True)
class KeepMatrix:
    """Filter that keeps a single attention matrix: that of one layer and head, or a mean over layers or heads.

    Attributes:
        layer: Index of the layer to keep, negative from the last; None = keep the mean over the layers.
        head: Index of the head to keep, negative from the last; None = keep the mean over the heads.
    """

    layer: int | None = None
    head: int | None = None

    def apply(self, weights: StepAttention) -> StepAttention:
        """Selects, or averages, the attention weights of one step.

        Args:
            weights: Attention weights of the step, one `(R, H, S)` per layer, R = rows of the batch.

        Returns:
            A tuple of one tensor, `(R, 1, S)`: the weights of the layer and head, or their mean over layers or heads
            where `layer` or `head` is None. An empty tuple if the model has no attention.

        Raises:
            ShapeError: The model has no layer `layer` or no head `head`.
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
        raise ShapeError(
            f"there is no {what} {index} in the attention of this model: expected 0 to {count - 1}, or a negative "
            f"number counted from the last {what}"
        )
    return index
