"""Beam search: the N most probable prefixes of every sentence, for all sentences of a batch at once.

A prefix that ends in eos keeps its slot in the beam, so the beam gets narrower as translations are finished, and the
search ends when N are. It ends earlier when more steps cannot change the result. Log-probabilities only decrease, and
the largest divisor of a score is the length penalty of the largest length, so no continuation of a prefix with
log-probability s can score more than `s / lp(max_len)` (the coverage penalty is at most 0). A sentence is done when
this bound of its most probable prefix does not exceed the worst of the translations to be returned.

Only unfinished prefixes have a row in the model's batch, so finished sentences cost nothing from the next step on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.attention.masks import padding_mask
from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.search.history import PaddedHypotheses, StepAttention, build_hypotheses, mean_attention
from regard.search.log_probs import forbidden_ids, top_log_probs
from regard.search.penalties import coverage_penalty, length_penalty
from regard.search.restrictions import Restrictions
from regard.search.single_path import check_limits
from regard.values import Hypothesis, Specials, StepOutput

MAX_BEAM = 1000
MAX_PENALTIES = {"length_penalty": 10, "coverage_penalty": 100, "diversity": 100}
"""Same limits as in the configuration; with larger exponents the length penalty overflows."""


@dataclass(frozen=True, slots=True)
class BeamOptions(Restrictions):
    """Options of beam search: beam size, number of results, penalties for ranking hypotheses, and restrictions.

    Attributes:
        beam: Beam size N: the number of partial hypotheses per sentence that are kept after each step, 1 to 1000.
        n_best: Number of hypotheses to return per sentence, 1 to N.
        length_penalty: α of Wu et al. 2016, eq. 14, 0 to 10; 0 = no penalty.
        coverage_penalty: β of Wu et al. 2016, eq. 14, 0 to 100; 0 = no penalty. Other values need a model with
            attention.
        groups: Number of groups into which the beam is divided, a divisor of N; each group avoids the tokens that
            earlier groups choose at the same step (diverse beam search, see `regard.search.diverse`). 1 = no groups.
        diversity: λ of Vijayakumar et al. 2018, algorithm 1, 0 to 100: what a token loses, in nats, for each hypothesis
            of an earlier group that chose it at the same step.

    Raises:
        SearchError: A number is out of its range, or the beam cannot be divided into the groups.
    """

    beam: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    groups: int = 1
    diversity: float = 0.5

    def __post_init__(self) -> None:
        Restrictions.__post_init__(self)
        if not 1 <= self.beam <= MAX_BEAM:
            raise SearchError(f"expected a beam from 1 to {MAX_BEAM:,}, got {self.beam}")
        if not 1 <= self.n_best <= self.beam:
            raise SearchError(
                f"expected n_best between 1 and the beam of {self.beam}, got {self.n_best}: use a larger beam for more"
            )
        if self.groups < 1 or self.beam % self.groups:
            raise SearchError(
                f"expected a number of groups that divides the beam of {self.beam}, got {self.groups}: choose a "
                "multiple of the number of groups as the beam"
            )
        for name, largest in MAX_PENALTIES.items():
            value = getattr(self, name)
            if not 0 <= value <= largest:
                raise SearchError(f"expected a {name} from 0 to {largest}, got {value}")


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
    """Finds the best translations of source sentences by beam search.

    Partial hypotheses of the same length are ranked by log-probability, finished hypotheses by
    `log P(Y|X) / lp(Y) + cp(X; Y)` (Wu et al. 2016, eq. 14).

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        options: Beam size and penalties; by default `BeamOptions()`.
        need_weights: Whether to return attention weights.

    Returns:
        The hypotheses of each sentence, best first: at most `n_best` finished hypotheses; if none is finished within
        `max_len`, unfinished hypotheses.

    Raises:
        SearchError: `max_len` is below 1, the model's logits are not finite, or a coverage penalty is set and the model
            has no attention.
    """
    check_limits(src_ids, max_len)
    if not len(src_ids):
        return []
    search = BeamSearch(model, src_len, max_len, specials, options or BeamOptions(), need_weights)
    with torch.inference_mode():
        return search.run(src_ids)


@dataclass(frozen=True)
class Prefixes(State):
    """The R unfinished hypotheses (prefixes of translations) of a beam search, one per row, for all sentences.

    Attributes:
        model: Decoder state of the model.
        ids: `(R,)` int64, the last token.
        log_probs: `(R,)`, log-probability of the whole prefix.
        slots: `(R,)` int64, sentence * N + rank in the beam of this sentence, N = beam size.
        coverage: `(R, S)`, sum of the attention weights of each source position; None without a coverage penalty.
    """

    model: State
    ids: Tensor
    log_probs: Tensor
    slots: Tensor
    coverage: Tensor | None


@dataclass(frozen=True)
class Candidates:
    """The N most probable continuations of each sentence at one step, best first; all `(B, N)`.

    Attributes:
        totals: Log-probability of the prefix with the added token; -inf where there are fewer than N continuations.
        ids: The added token.
        log_probs: Log-probability of the added token.
        parents: Rank, in the beam before this step, of the prefix that was continued.
        rows: Row of that prefix in the model's batch at this step.
    """

    totals: Tensor
    ids: Tensor
    log_probs: Tensor
    parents: Tensor
    rows: Tensor


class BeamSearch:
    """One search over a batch of B sentences, with the record of its steps.

    Args:
        model: The model, in evaluation mode.
        src_len: Source lengths with eos, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        options: Beam size and penalties; `groups` has no effect here.
        need_weights: Whether to return attention weights.
    """

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
        self.max_continuations = options.beam  # of one prefix that can be in the beam
        self.ranks = torch.arange(options.beam, device=device)
        self.open_slots = torch.full((len(src_len), 1), options.beam, device=device)  # not taken by finished hypotheses
        self.best = torch.full(
            (len(src_len), options.n_best), -torch.inf, device=device
        )  # scores of finished hypotheses, sorted
        self.max_length_penalty = length_penalty(self.max_len.float(), options.length_penalty)
        self.candidates: list[Candidates] = []
        self.finished: list[Tensor] = []  # (B, N) per step: score if eos was chosen, else -inf
        self.unfinished: list[Tensor] = []  # (B, N) per step: score if the limit was reached, else -inf
        self.weights: list[StepAttention] = []

    def run(self, src_ids: Tensor) -> list[list[Hypothesis]]:
        """Searches for translations of source sentences, `(B, S)` token ids, and returns those of each sentence."""
        coverage = torch.zeros(self.src_mask.shape, device=src_ids.device) if self.options.coverage_penalty else None
        rows = torch.arange(len(src_ids), device=src_ids.device)
        prefixes = self._first(
            Prefixes(
                self.model.start(src_ids, self.src_len),
                torch.full_like(rows, self.specials.bos),
                torch.zeros(len(rows), device=rows.device),
                rows * self.options.beam,
                coverage,
            )
        )
        for step in range(1, int(self.max_len.max()) + 1):
            after, candidates = self._extend(prefixes, step)
            slots = self._record(after, candidates, step).flatten().nonzero()[:, 0]
            if not len(slots):
                break
            prefixes = self._continue(after, candidates, slots)
        return self._result()

    def _first(self, prefixes: Prefixes) -> Prefixes:
        """The prefixes before the first step, from those with the state of the model only."""
        return prefixes

    def _extend(self, prefixes: Prefixes, step: int) -> tuple[Prefixes, Candidates]:
        """Scores all continuations; returns the prefixes with the model's new state, and the best continuations."""
        need_weights = self.need_weights or prefixes.coverage is not None
        output, state = self.model.step(prefixes.ids, prefixes.model, need_weights=need_weights)
        if self.need_weights and output.weights:
            self.weights.append(output.weights)
        coverage = None if prefixes.coverage is None else prefixes.coverage + self._attention(output)
        after = replace(prefixes, model=state, coverage=coverage)
        return after, self._candidates(after, output, step)

    def _candidates(self, prefixes: Prefixes, output: StepOutput, step: int) -> Candidates:
        """The best continuations of each sentence, from the model's output for each prefix."""
        forbidden = forbidden_ids(self.specials, unfinished=step <= self.options.min_len)
        count = min(self.max_continuations, output.logits.shape[1])  # K
        sentences = prefixes.slots // self.options.beam
        log_probs, ids = top_log_probs(output.logits, count, forbidden=forbidden, sentences=sentences, step=step)
        return self._choose(prefixes, log_probs, ids)

    def _attention(self, output: StepOutput) -> Tensor:
        if not output.weights:
            raise SearchError(
                "a coverage penalty needs attention, and this model has none: set search.coverage_penalty to 0"
            )
        return mean_attention(output)[:, : self.src_mask.shape[1]]

    def _choose(self, prefixes: Prefixes, log_probs: Tensor, ids: Tensor) -> Candidates:
        """The N best continuations of N * K, from log-probabilities and ids `(R, K)` of next tokens."""
        beam, count = self.options.beam, log_probs.shape[1]
        num_slots = len(self.open_slots) * beam
        totals = log_probs.new_full((num_slots, count), -torch.inf)
        totals[prefixes.slots] = prefixes.log_probs[:, None] + log_probs
        row_of_slot = prefixes.slots.new_zeros(num_slots)
        row_of_slot[prefixes.slots] = torch.arange(len(prefixes.slots), device=ids.device)
        # (B N, K) -> (B, N K)
        best, index = self.best_continuations(totals.view(-1, beam * count), prefixes.slots, ids)  # (B, N)
        parents = index // count
        rows = row_of_slot.view(-1, beam).gather(1, parents)
        inner = rows * count + index % count  # index into the flattened (R, K)
        return Candidates(best, ids.flatten()[inner], log_probs.flatten()[inner], parents, rows)

    def best_continuations(self, totals: Tensor, slots: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Chooses the N best continuations of each of B sentences, the best first; N is the beam size.

        Args:
            totals: Log-probabilities of K continuations of each of the N hypotheses in a beam, `(B, N * K)`; -inf where
                a beam has fewer hypotheses.
            slots: Sentence * N + rank in the beam, for each of the R hypotheses of all beams, `(R,)` int64.
            ids: The tokens that continue each hypothesis, `(R, K)` int64.

        Returns:
            Log-probabilities of the chosen continuations, and their indices in `totals`, `(B, N)` each.
        """
        return totals.topk(self.options.beam)

    def _record(self, after: Prefixes, candidates: Candidates, step: int) -> Tensor:
        """Records hypotheses that end at this step; returns which candidates are to be continued, `(B, N)` bool."""
        options = self.options
        in_beam = (self.ranks < self.open_slots) & (candidates.totals > -torch.inf)
        is_eos = in_beam & (candidates.ids == self.specials.eos)
        at_limit = in_beam & ~is_eos & (self.max_len <= step)
        scores = candidates.totals / length_penalty(float(step), options.length_penalty)
        if after.coverage is not None:
            mask = self.src_mask[after.slots // options.beam]
            scores = scores + coverage_penalty(after.coverage, mask, beta=options.coverage_penalty)[candidates.rows]
        finished = scores.where(is_eos, -torch.inf)
        self.candidates.append(candidates)
        self.finished.append(finished)
        self.unfinished.append(scores.where(at_limit, -torch.inf))
        self.open_slots = self.open_slots - is_eos.sum(1, keepdim=True)
        self.best = torch.cat((self.best, finished), dim=1).topk(options.n_best).values
        unfinished = in_beam & ~is_eos & ~at_limit
        bound = candidates.totals.where(unfinished, -torch.inf).amax(1, keepdim=True) / self.max_length_penalty
        return unfinished & (bound > self.best[:, -1:])

    def _continue(self, after: Prefixes, candidates: Candidates, slots: Tensor) -> Prefixes:
        """The candidates in the slots `(R,)`, as prefixes of the next step."""
        chosen = after.select(candidates.rows.flatten()[slots])
        ids, totals = candidates.ids.flatten()[slots], candidates.totals.flatten()[slots]
        return Prefixes(chosen.model, ids, totals, slots, chosen.coverage)

    def _result(self) -> list[list[Hypothesis]]:
        beam, n_best = self.options.beam, self.options.n_best
        finished = torch.stack(self.finished, dim=1).flatten(1)  # (B, T, N) -> (B, T N)
        unfinished = torch.stack(self.unfinished, dim=1).flatten(1)
        any_finished = finished.amax(1, keepdim=True) > -torch.inf
        scores, index = finished.where(any_finished, unfinished).topk(n_best)
        exists = scores > -torch.inf
        sentences = exists.nonzero()[:, 0]  # (M,), like all tensors below
        index = index[exists]
        padded = PaddedHypotheses(
            *self._trace_back(sentences, index // beam, index % beam),
            lengths=index // beam + 1,
            scores=scores[exists],
            finished=any_finished[sentences, 0],
            src_len=self.src_len[sentences],
        )
        hypotheses = iter(build_hypotheses(padded, self.weights))
        return [[next(hypotheses) for _ in range(count)] for count in exists.sum(1).tolist()]

    def _trace_back(self, sentences: Tensor, steps: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Traces M hypotheses back from their last step: tokens, log-probabilities and rows, `(T, M)` each."""
        ids, log_probs, rows = [], [], []
        for step in range(len(self.candidates) - 1, -1, -1):
            candidates = self.candidates[step]
            ids.append(candidates.ids[sentences, ranks])
            log_probs.append(candidates.log_probs[sentences, ranks])
            rows.append(candidates.rows[sentences, ranks])
            ranks = candidates.parents[sentences, ranks].where(steps >= step, ranks)
        return torch.stack(ids[::-1]), torch.stack(log_probs[::-1]), torch.stack(rows[::-1])
