"""One row a hypothesis, one token a step, no way back: what greedy search, sampling and forced decoding share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.search.history import PaddedHypotheses, StepAttention, StepBuffer, build_hypotheses
from regard.values import Hypothesis, Specials

ChooseToken = Callable[[Tensor, Tensor, Tensor, int], tuple[Tensor, Tensor]]
"""Takes logits `(R, V)`, the sentences `(R,)` and the paths `(R,)` that the rows belong to and the number of the step
from 1; gives the log-probability and the id of the next token of each row, both `(R,)`."""
FilterAttention = Callable[[StepAttention], StepAttention]
"""Takes the attention rows of a step and gives those that are kept."""

MIN_ENDED_SHARE = 0.125
"""Share of rows that must have ended before they are taken out: less does not pay for copying the others' state."""


def run_single_path(  # noqa: PLR0913 - what a search is, and what is kept of it
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    choose: ChooseToken,
    *,
    max_len: Tensor,
    specials: Specials,
    copies: int = 1,
    need_weights: bool = False,
    attention_filter: FilterAttention = lambda weights: weights,
) -> list[Hypothesis]:
    """Lets every row choose tokens until it chooses eos or reaches its limit.

    Args:
        model: What gives the probabilities.
        src_ids: `(B, S)` int64, each row ends with eos.
        src_len: `(B,)` int64, lengths with eos.
        choose: How the next token is chosen.
        max_len: `(B,)` int64, the most tokens of a hypothesis, eos among them.
        specials: Ids that are not text.
        copies: Paths a sentence, which stand side by side.
        need_weights: Whether attention is wanted.
        attention_filter: What is kept of a step's attention.

    Returns:
        `B * copies` hypotheses; the score is the sum of the log-probabilities.
    """
    check_limits(src_ids, max_len)
    if not len(src_ids):
        return []
    with torch.inference_mode():
        state = model.start(src_ids, src_len)
        sentences = torch.arange(len(src_ids), device=src_ids.device).repeat_interleave(copies)
        if copies > 1:
            state = state.select(sentences)
        return _Paths(model, sentences, max_len, specials, need_weights, attention_filter).run(
            state, choose, src_len[sentences]
        )


def check_limits(src_ids: Tensor, max_len: Tensor) -> None:
    """Refuses limits that no hypothesis can keep.

    Args:
        src_ids: `(B, S)`.
        max_len: `(B,)`.

    Raises:
        SearchError: Not one limit a sentence, or one below 1.
    """
    if max_len.shape != src_ids.shape[:1]:
        raise SearchError(
            f"expected one max_len for each of {len(src_ids)} sentences, got shape {tuple(max_len.shape)}"
        )
    if len(max_len) and int(max_len.min()) < 1:
        raise SearchError(f"expected max_len of at least 1 token (eos), got {int(max_len.min())}")


class _Paths:
    """M paths on their way; their rows leave the batch when enough of them have ended."""

    def __init__(
        self,
        model: StepModel,
        sentences: Tensor,
        max_len: Tensor,
        specials: Specials,
        need_weights: bool,
        attention_filter: FilterAttention,
    ) -> None:
        self.model = model
        self.sentences = sentences  # (M,)
        self.max_len = max_len[sentences]  # (M,)
        self.eos = specials.eos
        self.bos = specials.bos
        self.need_weights = need_weights
        self.attention_filter = attention_filter
        self.lengths = torch.zeros_like(sentences)  # 0 while a path goes on
        self.finished = torch.zeros_like(sentences, dtype=torch.bool)
        self.paths: list[Tensor] = []
        self.chosen, self.weights = StepBuffer(), StepBuffer()

    def run(self, state: State, choose: ChooseToken, src_len: Tensor) -> list[Hypothesis]:
        """All steps, from the state `(M, ...)` before the first; source lengths `(M,)`."""
        # Of each row (R,): its path, the path's sentence and limit, whether it goes on.
        paths = torch.arange(len(self.sentences), device=self.sentences.device)
        sentences, limits, going = self.sentences, self.max_len, torch.ones_like(self.finished)
        ids = torch.full_like(paths, self.bos)
        for step in range(1, int(self.max_len.max()) + 1):
            output, state = self.model.step(ids, state, need_weights=self.need_weights)
            log_probs, ids = choose(output.logits, sentences, paths, step)
            self.paths.append(paths)
            self.chosen.add((ids, log_probs))
            if output.weights:
                self.weights.add(self.attention_filter(output.weights))
            says_eos = ids == self.eos
            ends = going & (says_eos | (limits <= step))
            if not bool(ends.any()):
                continue
            self.lengths[paths[ends]] = step
            self.finished[paths[ends]] = says_eos[ends]
            going = going & ~ends
            rows = going.nonzero()[:, 0]
            if not len(rows):
                break
            if len(rows) <= (1 - MIN_ENDED_SHARE) * len(paths):
                paths, sentences, limits, going, ids = (x[rows] for x in (paths, sentences, limits, going, ids))
                state = state.select(rows)
        return build_hypotheses(self._traces(src_len), self.weights.drain())

    def _traces(self, src_len: Tensor) -> PaddedHypotheses:
        blank, steps = torch.zeros_like(self.lengths), list(self.chosen.drain())
        ids = torch.stack([blank.index_copy(0, paths, one) for paths, (one, _) in zip(self.paths, steps, strict=True)])
        log_probs = torch.stack(
            [
                one.new_zeros(len(blank)).index_copy(0, paths, one)
                for paths, (_, one) in zip(self.paths, steps, strict=True)
            ]
        )
        rows = torch.stack(
            [blank.index_copy(0, paths, torch.arange(len(paths), device=blank.device)) for paths in self.paths]
        )
        numbers = torch.arange(1, len(ids) + 1, device=ids.device)[:, None]
        within = numbers.le(self.lengths)  # (T, M)
        scores = log_probs.where(within, 0.0).sum(0)
        return PaddedHypotheses(ids, log_probs, rows, self.lengths, scores, self.finished, src_len)
