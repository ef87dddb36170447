"""Beam search: the N most probable prefixes of every sentence, all sentences of a batch at once.

A prefix that ends in eos keeps its place in the beam, so the search gets narrower as translations are found and
is over when N are. It ends earlier where that cannot change the result: log-probabilities only fall and are at
best divided by the penalty of the greatest length, so that no continuation of a prefix with log-probability s
can score more than `s / lp(max_len)` (the coverage penalty is at most 0). Once the most probable prefix cannot
exceed the worst of the translations to be returned by that bound, the sentence is done.

Only growing prefixes have a row in the model's batch, so finished sentences cost nothing from the next step on.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from regard.attention.masks import padding_mask
from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.search.history import PaddedHypotheses, StepAttention, build_hypotheses, mean_attention
from regard.search.log_probs import forbidden_ids, top_log_probs
from regard.search.penalties import coverage_penalty, length_penalty
from regard.search.single_path import check_limits
from regard.values import Hypothesis, Specials, StepOutput

MAX_BEAM = 1000
MAX_PENALTIES = {"length_penalty": 10, "coverage_penalty": 100}
"""As the configuration allows: a translation's length to a higher power is no float any more."""


@dataclass(frozen=True, slots=True)
class BeamOptions:
    """How wide, and by what hypotheses are ranked.

    Attributes:
        beam: N, prefixes kept a sentence.
        n_best: Hypotheses returned a sentence, at most N.
        length_penalty: α of Wu et al. 2016, eq. 14; 0 = none.
        coverage_penalty: β of the same; 0 = none, more needs a model with attention.
        min_len: The fewest tokens of a translation before its eos.

    Raises:
        SearchError: Where a number is out of its range.
    """

    beam: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    min_len: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.beam <= MAX_BEAM:
            raise SearchError(f"expected a beam from 1 to {MAX_BEAM:,}, got {self.beam}")
        if not 1 <= self.n_best <= self.beam:
            raise SearchError(
                f"expected n_best between 1 and the beam of {self.beam}, got {self.n_best}: widen the beam to find more"
            )
        if self.min_len < 0:
            raise SearchError(f"expected a min_len of at least 0, got {self.min_len}")
        for name, most in MAX_PENALTIES.items():
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise SearchError(f"expected a {name} from 0 to {most}, got {value}")


def beam_search(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    *,
    max_len: Tensor,
    specials: Specials,
    options: BeamOptions | None = None,
    need_weights: bool = False,
) -> list[list[Hypothesis]]:
    """Finds the best translations that a beam holds.

    Prefixes of one length are ranked by log-probability, finished hypotheses by
    `log P(Y|X) / lp(Y) + cp(X; Y)` (Wu et al. 2016, eq. 14).

    Args:
        model: What gives the probabilities; in evaluation mode.
        src_ids: `(B, S)` int64, each row ends with eos, then padding.
        src_len: `(B,)` int64, lengths with eos.
        max_len: `(B,)` int64, the most tokens of a hypothesis, eos among them.
        specials: Ids that are not text.
        options: Width and penalties; the defaults of `BeamOptions` when not given.
        need_weights: Whether attention is wanted.

    Returns:
        For each sentence its hypotheses, best first: up to `n_best` finished ones, fewer where fewer finished
        within the limit; where none did, the best unfinished ones.

    Raises:
        SearchError: A limit below 1, logits that are not finite, or a coverage penalty without attention.
    """
    check_limits(src_ids, max_len)
    if not len(src_ids):
        return []
    search = _BeamSearch(model, src_len, max_len, specials, options or BeamOptions(), need_weights)
    with torch.inference_mode():
        return search.run(src_ids)


@dataclass(frozen=True)
class _Prefixes(State):
    """The prefixes that still grow, one a row; what later depends on a prefix (a constraint) becomes a field.

    Attributes:
        model: The model's state.
        ids: `(R,)` int64, the last token.
        log_probs: `(R,)`, of the whole prefix.
        slots: `(R,)` int64, the place in the beams: sentence * N + rank.
        attended: `(R, S)`, what each source position has received so far; None without a coverage penalty.
    """

    model: State
    ids: Tensor
    log_probs: Tensor
    slots: Tensor
    attended: Tensor | None


@dataclass(frozen=True)
class _Candidates:
    """The N most probable continuations of each sentence at one step, most probable first; all `(B, N)`.

    Attributes:
        totals: Log-probability of the whole; -inf where there are fewer than N.
        ids: The token that was added.
        log_probs: Its log-probability.
        parents: Rank of the prefix that it was added to.
        rows: That prefix's row in the step's batch.
    """

    totals: Tensor
    ids: Tensor
    log_probs: Tensor
    parents: Tensor
    rows: Tensor


class _BeamSearch:
    """One search over a batch of B sentences, and the notes it takes."""

    def __init__(
        self,
        model: StepModel,
        src_len: Tensor,
        max_len: Tensor,
        specials: Specials,
        options: BeamOptions,
        need_weights: bool,
    ) -> None:
        self.model = model
        self.src_len = src_len
        self.max_len = max_len[:, None]  # (B, 1)
        self.specials = specials
        self.options = options
        self.need_weights = need_weights
        self.src_mask = padding_mask(src_len, int(src_len.max()))[:, 0, 0]  # (B, longest source)
        device = src_len.device
        self.ranks = torch.arange(options.beam, device=device)
        self.free = torch.full((len(src_len), 1), options.beam, device=device)  # places that are not taken by eos
        self.best = torch.full((len(src_len), options.n_best), -torch.inf, device=device)  # finished scores, sorted
        self.longest = length_penalty(self.max_len.float(), options.length_penalty)
        self.candidates: list[_Candidates] = []
        self.finished: list[Tensor] = []  # (B, N) a step: score of what ended in eos there, else -inf
        self.unfinished: list[Tensor] = []  # (B, N) a step: score of what met its limit there, else -inf
        self.weights: list[StepAttention] = []

    def run(self, src_ids: Tensor) -> list[list[Hypothesis]]:
        """All steps for sources `(B, S)`."""
        attended = torch.zeros(self.src_mask.shape, device=src_ids.device) if self.options.coverage_penalty else None
        rows = torch.arange(len(src_ids), device=src_ids.device)
        prefixes = _Prefixes(
            self.model.start(src_ids, self.src_len),
            torch.full_like(rows, self.specials.bos),
            torch.zeros(len(rows), device=rows.device),
            rows * self.options.beam,
            attended,
        )
        for step in range(1, int(self.max_len.max()) + 1):
            after, candidates = self._extend(prefixes, step)
            slots = self._settle(after, candidates, step).flatten().nonzero()[:, 0]
            if not len(slots):
                break
            prefixes = self._grow(after, candidates, slots)
        return self._result()

    def _extend(self, prefixes: _Prefixes, step: int) -> tuple[_Prefixes, _Candidates]:
        """Scores all continuations; gives the prefixes with the model's new state, and the best continuations."""
        need_weights = self.need_weights or prefixes.attended is not None
        output, state = self.model.step(prefixes.ids, prefixes.model, need_weights=need_weights)
        sentences = prefixes.slots // self.options.beam
        if self.need_weights and output.weights:
            self.weights.append(output.weights)
        attended = None if prefixes.attended is None else prefixes.attended + self._attention(output)
        after = _Prefixes(state, prefixes.ids, prefixes.log_probs, prefixes.slots, attended)
        never = forbidden_ids(self.specials, unfinished=step <= self.options.min_len)
        count = min(self.options.beam, output.logits.shape[1])  # K: no prefix can have more than N among the N best
        values, ids = top_log_probs(output.logits, count, never=never, sentences=sentences, step=step)
        return after, self._choose(prefixes, values, ids)

    def _attention(self, output: StepOutput) -> Tensor:
        if not output.weights:
            raise SearchError(
                "a coverage penalty needs attention, and this model has none: set search.coverage_penalty to 0"
            )
        return mean_attention(output)[:, : self.src_mask.shape[1]]

    def _choose(self, prefixes: _Prefixes, values: Tensor, ids: Tensor) -> _Candidates:
        """The N most probable continuations among N * K, from the log-probabilities `(R, K)` of the last tokens."""
        beam, count = self.options.beam, values.shape[1]
        places = len(self.free) * beam
        totals = values.new_full((places, count), -torch.inf)
        totals[prefixes.slots] = prefixes.log_probs[:, None] + values
        row_of_slot = prefixes.slots.new_zeros(places)
        row_of_slot[prefixes.slots] = torch.arange(len(prefixes.slots), device=ids.device)
        # (B N, K) -> (B, N K)
        best, index = totals.view(-1, beam * count).topk(beam)  # (B, N)
        parents = index // count
        rows = row_of_slot.view(-1, beam).gather(1, parents)
        inner = rows * count + index % count  # place in the flattened (R, K)
        return _Candidates(best, ids.flatten()[inner], values.flatten()[inner], parents, rows)

    def _settle(self, after: _Prefixes, candidates: _Candidates, step: int) -> Tensor:
        """Writes down what ended at this step; gives the candidates `(B, N)` that are to grow on."""
        options = self.options
        in_beam = (self.ranks < self.free) & (candidates.totals > -torch.inf)
        says_eos = in_beam & (candidates.ids == self.specials.eos)
        at_limit = in_beam & ~says_eos & (self.max_len <= step)
        scores = candidates.totals / length_penalty(float(step), options.length_penalty)
        if after.attended is not None:
            mask = self.src_mask[after.slots // options.beam]
            scores = scores + coverage_penalty(after.attended, mask, beta=options.coverage_penalty)[candidates.rows]
        finished = scores.where(says_eos, -torch.inf)
        self.candidates.append(candidates)
        self.finished.append(finished)
        self.unfinished.append(scores.where(at_limit, -torch.inf))
        self.free = self.free - says_eos.sum(1, keepdim=True)
        self.best = torch.cat((self.best, finished), dim=1).topk(options.n_best).values
        growing = in_beam & ~says_eos & ~at_limit
        hope = candidates.totals.where(growing, -torch.inf).amax(1, keepdim=True) / self.longest
        return growing & (hope > self.best[:, -1:])

    def _grow(self, after: _Prefixes, candidates: _Candidates, slots: Tensor) -> _Prefixes:
        """The candidates at the places `(R,)` as the next step's prefixes."""
        chosen = after.select(candidates.rows.flatten()[slots])
        ids, totals = candidates.ids.flatten()[slots], candidates.totals.flatten()[slots]
        return _Prefixes(chosen.model, ids, totals, slots, chosen.attended)

    def _result(self) -> list[list[Hypothesis]]:
        beam, n_best = self.options.beam, self.options.n_best
        finished = torch.stack(self.finished, dim=1).flatten(1)  # (B, T, N) -> (B, T N)
        unfinished = torch.stack(self.unfinished, dim=1).flatten(1)
        any_finished = finished.amax(1, keepdim=True) > -torch.inf
        scores, index = finished.where(any_finished, unfinished).topk(n_best)
        exists = scores > -torch.inf
        sentences = exists.nonzero()[:, 0]  # (M,), as all that follows
        index = index[exists]
        traces = PaddedHypotheses(
            *self._trace(sentences, index // beam, index % beam),
            lengths=index // beam + 1,
            scores=scores[exists],
            finished=any_finished[sentences, 0],
            src_len=self.src_len[sentences],
        )
        found = iter(build_hypotheses(traces, self.weights))
        return [[next(found) for _ in range(count)] for count in exists.sum(1).tolist()]

    def _trace(self, sentences: Tensor, steps: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Follows M hypotheses back from where they ended: tokens, log-probabilities and rows, `(T, M)` each."""
        ids, log_probs, rows = [], [], []
        for step in range(len(self.candidates) - 1, -1, -1):
            candidates = self.candidates[step]
            ids.append(candidates.ids[sentences, ranks])
            log_probs.append(candidates.log_probs[sentences, ranks])
            rows.append(candidates.rows[sentences, ranks])
            ranks = candidates.parents[sentences, ranks].where(steps >= step, ranks)
        return torch.stack(ids[::-1]), torch.stack(log_probs[::-1]), torch.stack(rows[::-1])
