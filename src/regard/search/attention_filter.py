"""Which part of the attention is kept while a model reads: all of it, or the one matrix that somebody will look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from regard.errors import ShapeError
from regard.search.history import StepAttention


class AttentionFilter(Protocol):
    """A choice of what is kept."""

    def apply(self, weights: StepAttention) -> StepAttention:
        """Takes it out of a step's attention, `(R, H, S)` a layer; gives `(R, H, S)` a layer."""
        ...


class KeepAll:
    """All layers and heads."""

    def apply(self, weights: StepAttention) -> StepAttention:
        """Gives the attention `(R, H, S)` a layer as it is."""
        return weights


KEEP_ALL = KeepAll()


@dataclass(frozen=True, slots=True)
class KeepMatrix:
    """A layer and a head, or means over them.

    Attributes:
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads of each layer.
    """

    layer: int | None = None
    head: int | None = None

    def apply(self, weights: StepAttention) -> StepAttention:
        """Takes it out of a step's attention, with the numbers that it has when all is kept and put together later.

        Args:
            weights: `(R, H, S)` a layer.

        Returns:
            One layer of one head, `(R, 1, S)`; nothing where the model has no attention.

        Raises:
            ShapeError: There is no such layer or head.
        """
        if not weights:
            return ()
        chosen = weights if self.layer is None else (weights[_place(self.layer, len(weights), "layer")],)
        if self.head is None:
            found = [one.mean(1, keepdim=True) if one.shape[1] > 1 else one for one in chosen]
        else:
            found = [one[:, _place(self.head, one.shape[1], "head")][:, None] for one in chosen]
        return (found[0] if len(found) == 1 else torch.stack(found).mean(0),)


def _place(number: int, count: int, what: str) -> int:
    if not -count <= number < count:
        raise ShapeError(f"there is no {what} {number}: expected 0 to {count - 1}, or negative from the last")
    return number
