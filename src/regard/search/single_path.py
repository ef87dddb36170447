"""Decoding with one path per hypothesis, shared by greedy search, sampling and forced decoding."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.search.history import PaddedHypotheses, StepAttention, StepBuffer, build_hypotheses
from regard.values import Hypothesis, Specials

ChooseToken = Callable[[Tensor, Tensor, Tensor, int], tuple[Tensor, Tensor]]
"""Takes logits `(R, V)`, the sentence `(R,)` and the path `(R,)` of each row, and the number of the step from 1;
returns the log-probability and the id of the next token of each row, both `(R,)`."""
FilterAttention = Callable[[StepAttention], StepAttention]
"""Takes the attention of a step and returns the part to keep."""

MIN_ENDED_SHARE = 0.125
"""Share of rows that must have ended before they are removed; for fewer, copying the state costs more than it saves."""


def run_single_path(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    choose: ChooseToken,
    *,
    max_len: Tensor,
    specials: Specials,
    copies: int = 1,
    attention_filter: FilterAttention | None = None,
) -> list[Hypothesis]:
    """Decodes without a beam: chooses one next token per hypothesis and step, until eos or the length limit.

    Greedy search, sampling and forced decoding use this function with different `choose`.

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        choose: Function that takes logits `(R, V)`, the indices of the sentence and of the hypothesis of each row,
            `(R,)` each, and the number of the step, from 1. It returns the log-probability and the id of the next token
            of each row, `(R,)` each.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        copies: Number of hypotheses per sentence.
        attention_filter: Function that selects which attention weights of each step to return; None = return none.

    Returns:
        `B * copies` hypotheses, those of a sentence one after another. Their score is the sum of the tokens'
        log-probabilities.
    """
    check_limits(src_ids, max_len)
    if not len(src_ids):
        return []
    with torch.inference_mode():
        state = model.start(src_ids, src_len)
        sentences = torch.arange(len(src_ids), device=src_ids.device).repeat_interleave(copies)
        if copies > 1:
            state = state.select(sentences)
        return _Paths(model, sentences, max_len, specials, attention_filter).run(state, choose, src_len[sentences])


def check_limits(src_ids: Tensor, max_len: Tensor) -> None:
    """Checks the length limits of a search's hypotheses.

    Args:
        src_ids: Source tokens, `(B, S)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.

    Raises:
        SearchError: `max_len` does not have one value per sentence, or a value is below 1.
    """
    if max_len.shape != src_ids.shape[:1]:
        raise SearchError(
            f"expected one max_len for each of {len(src_ids)} sentences, got a tensor of shape {tuple(max_len.shape)}"
        )
    if len(max_len) and int(max_len.min()) < 1:
        raise SearchError(f"expected max_len of at least 1 token (eos), got {int(max_len.min())}")


class _Paths:
    """M paths during decoding; ended ones are removed from the batch when they are enough."""

    def __init__(
        self,
        model: StepModel,
        sentences: Tensor,
        max_len: Tensor,
        specials: Specials,
        attention_filter: FilterAttention | None,
    ) -> None:
        self.model = model
        self.sentences = sentences  # (M,)
        self.max_len = max_len[sentences]  # (M,)
        self.eos = specials.eos
        self.bos = specials.bos
        self.attention_filter = attention_filter
        self.lengths = torch.zeros_like(sentences)  # 0 until a path has ended
        self.finished = torch.zeros_like(sentences, dtype=torch.bool)
        self.paths: list[Tensor] = []
        self.tokens, self.weights = StepBuffer(), StepBuffer()

    def run(self, state: State, choose: ChooseToken, src_len: Tensor) -> list[Hypothesis]:
        """Decodes M hypotheses from their initial state until all have ended; `src_len` has source lengths, `(M,)`."""
        # For each row, (R,): its path, sentence and limit, and whether it is active.
        paths = torch.arange(len(self.sentences), device=self.sentences.device)
        sentences, limits, active = self.sentences, self.max_len, torch.ones_like(self.finished)
        ids = torch.full_like(paths, self.bos)
        for step in range(1, int(self.max_len.max()) + 1):
            output, state = self.model.step(ids, state, need_weights=self.attention_filter is not None)
            log_probs, ids = choose(output.logits, sentences, paths, step)
            self.paths.append(paths)
            self.tokens.append((ids, log_probs))
            if output.weights and self.attention_filter is not None:
                self.weights.append(self.attention_filter(output.weights))
            is_eos = ids == self.eos
            ends = active & (is_eos | (limits <= step))
            if not bool(ends.any()):
                continue
            self.lengths[paths[ends]] = step
            self.finished[paths[ends]] = is_eos[ends]
            active = active & ~ends
            rows = active.nonzero()[:, 0]
            if not len(rows):
                break
            if len(rows) <= (1 - MIN_ENDED_SHARE) * len(paths):
                paths, sentences, limits, active, ids = (x[rows] for x in (paths, sentences, limits, active, ids))
                state = state.select(rows)
        return build_hypotheses(self._padded(src_len), self.weights.drain())

    def _padded(self, src_len: Tensor) -> PaddedHypotheses:
        padding, steps = torch.zeros_like(self.lengths), list(self.tokens.drain())
        ids = torch.stack(
            [padding.index_copy(0, paths, step_ids) for paths, (step_ids, _) in zip(self.paths, steps, strict=True)]
        )
        log_probs = torch.stack(
            [
                step_log_probs.new_zeros(len(padding)).index_copy(0, paths, step_log_probs)
                for paths, (_, step_log_probs) in zip(self.paths, steps, strict=True)
            ]
        )
        rows = torch.stack(
            [padding.index_copy(0, paths, torch.arange(len(paths), device=padding.device)) for paths in self.paths]
        )
        numbers = torch.arange(1, len(ids) + 1, device=ids.device)[:, None]
        within = numbers.le(self.lengths)  # (T, M)
        scores = log_probs.where(within, 0.0).sum(0)
        return PaddedHypotheses(ids, log_probs, rows, self.lengths, scores, self.finished, src_len)
