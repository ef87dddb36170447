"""Several models as one: the mean of their probabilities (Sutskever et al. 2014, §3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.values import StepOutput


@dataclass(frozen=True)
class EnsembleState(State):
    """The state of each member."""

    members: tuple[State, ...]


class Ensemble:
    """A step model made of step models with the same vocabularies.

    Args:
        models: One or more.

    Raises:
        SearchError: When there are none.
    """

    def __init__(self, models: Sequence[StepModel]) -> None:
        if not models:
            raise SearchError("an ensemble needs at least one model, but got none")
        self.models = tuple(models)

    def start(self, src_ids: Tensor, src_len: Tensor) -> EnsembleState:
        """Each member reads the sources; see `StepModel.start`."""
        return EnsembleState(tuple(model.start(src_ids, src_len) for model in self.models))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """`p = 1/M Σ_m p_m`; the attention layers of all members, one member after the other.

        Args:
            ids: `(R,)` int64, the last token of each row.
            state: What `start` or the last `step` returned.
            need_weights: Whether attention rows are wanted.

        Returns:
            Logits and attention of this step, and the state after it.

        Raises:
            SearchError: When the members differ in the size of their target vocabulary.
        """
        if not isinstance(state, EnsembleState):
            raise AssertionError("the state comes from another model")
        steps = [
            model.step(ids, member, need_weights=need_weights)
            for model, member in zip(self.models, state.members, strict=True)
        ]
        sizes = [output.logits.shape[-1] for output, _ in steps]
        if len(set(sizes)) > 1:
            raise SearchError(f"an ensemble needs models of one target vocabulary, but theirs have {sizes} ids")
        each = torch.stack([output.logits.float().log_softmax(-1) for output, _ in steps])  # (M, R, V)
        total = each.logsumexp(0)  # logits need not be normalized: the sum serves as the mean
        weights = tuple(layer for output, _ in steps for layer in output.weights)
        return StepOutput(total, weights), EnsembleState(tuple(after for _, after in steps))
