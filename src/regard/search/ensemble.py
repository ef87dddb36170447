"""Ensembles: the mean of the probabilities of several models (Sutskever et al. 2014, §3.2)."""

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
    """The states of all members."""

    members: tuple[State, ...]


class Ensemble:
    """A step model that averages several step models with the same vocabularies.

    Args:
        models: One or more models.

    Raises:
        SearchError: There are no models.
    """

    def __init__(self, models: Sequence[StepModel]) -> None:
        if not models:
            raise SearchError("an ensemble needs at least one model, but got none")
        self.models = tuple(models)

    def start(self, src_ids: Tensor, src_len: Tensor) -> EnsembleState:
        """Encodes the sources with each member; see `StepModel.start`."""
        return EnsembleState(tuple(model.start(src_ids, src_len) for model in self.models))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """One step of all members: the mean of their probabilities, and all their attention layers in order.

        Args:
            ids: `(R,)` int64, the last token of each row.
            state: From `start` or the previous step.
            need_weights: Whether to return attention.

        Returns:
            The logarithm of the mean probabilities as logits, the attention, and the state after the step.

        Raises:
            SearchError: The members differ in the size of their target vocabulary.
        """
        if not isinstance(state, EnsembleState):
            raise AssertionError("the state comes from another model")
        steps = [
            model.step(ids, member, need_weights=need_weights)
            for model, member in zip(self.models, state.members, strict=True)
        ]
        sizes = [output.logits.shape[-1] for output, _ in steps]
        if len(set(sizes)) > 1:
            raise SearchError(
                f"an ensemble needs models with the same target vocabulary, but the sizes of theirs are {sizes}"
            )
        log_probs = torch.stack([output.logits.float().log_softmax(-1) for output, _ in steps])  # (M, R, V)
        total = log_probs.logsumexp(0)  # logits need not be normalized, so the sum replaces the mean
        weights = tuple(layer for output, _ in steps for layer in output.weights)
        return StepOutput(total, weights), EnsembleState(tuple(after for _, after in steps))
