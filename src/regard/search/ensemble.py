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
    """State of an `Ensemble` between two decoding steps.

    Attributes:
        members: State of each model of the ensemble.
    """

    members: tuple[State, ...]


class Ensemble:
    """An ensemble: averages the probabilities of several models with the same vocabularies; searches like one model.

    Args:
        models: The models, at least one, in evaluation mode.

    Raises:
        SearchError: `models` is empty.
    """

    def __init__(self, models: Sequence[StepModel]) -> None:
        if not models:
            raise SearchError("an ensemble needs at least one model, but got none: pass one or more models")
        self.models = tuple(models)

    def start(self, src_ids: Tensor, src_len: Tensor) -> EnsembleState:
        """Encodes source sentences with each model of the ensemble. See `StepModel.start`."""
        return EnsembleState(tuple(model.start(src_ids, src_len) for model in self.models))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Runs one decoding step of each model, and averages their probabilities.

        Args:
            ids: Last target token of each of R rows, `(R,)` int64; bos at the first step.
            state: State from `start` or from the previous `step`.
            need_weights: Whether to return attention weights.

        Returns:
            As logits, the logarithm of the mean probabilities plus a constant; the attention weights of all layers of
            the first model, then of the second, and so on; and the state for the next step.

        Raises:
            SearchError: The models have target vocabularies of different sizes.
        """
        if not isinstance(state, EnsembleState):
            raise AssertionError(f"expected a state of this ensemble, an EnsembleState, got {type(state).__name__}")
        steps = [
            model.step(ids, member, need_weights=need_weights)
            for model, member in zip(self.models, state.members, strict=True)
        ]
        sizes = [output.logits.shape[-1] for output, _ in steps]
        if len(set(sizes)) > 1:
            raise SearchError(
                f"an ensemble needs models with the same target vocabulary, but their vocabularies have {sizes} "
                "subwords: leave out models with another vocabulary"
            )
        log_probs = torch.stack([output.logits.float().log_softmax(-1) for output, _ in steps])  # (M, R, V)
        total = log_probs.logsumexp(0)  # logits need not be normalized, so the sum replaces the mean
        weights = tuple(layer for output, _ in steps for layer in output.weights)
        return StepOutput(total, weights), EnsembleState(tuple(after for _, after in steps))
