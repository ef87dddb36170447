"""Calls a function before each step of a search, to stop it or to run another one in between."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from regard.model.decoder import State, StepModel
from regard.values import StepOutput


class ObservedModel:
    """Wraps a step model so that a given function is called before each of its decoder steps.

    Args:
        model: The model to wrap.
        before_step: Function to call before each step; an exception that it raises ends the search.
    """

    def __init__(self, model: StepModel, before_step: Callable[[], None]) -> None:
        self.model = model
        self.before_step = before_step

    def start(self, src_ids: Tensor, src_len: Tensor) -> State:
        """Encodes source sentences with the wrapped model, without calling `before_step`. See `StepModel.start`."""
        return self.model.start(src_ids, src_len)

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Calls `before_step`, then computes the step of the wrapped model for ids `(R,)`; see `StepModel.step`."""
        self.before_step()
        return self.model.step(ids, state, need_weights=need_weights)
