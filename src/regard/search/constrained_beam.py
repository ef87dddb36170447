"""Beam search for translations that contain given terms, and do not contain others.

Each prefix knows the state of an automaton that reads its text, and the terms that are complete. Tokens that would
complete an excluded term are left out. The beam is divided among prefixes that lack different numbers of tokens for
their terms, so that those in which terms are begun do not lose against those without (dynamic beam allocation, Post &
Vilar 2018; for batches, Hu et al. 2019). A prefix may end only when all its terms are complete. A prefix for which the
length limit leaves no room for the missing terms loses against all others, so near the limit the missing terms are
written one after another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.model.decoder import State, StepModel
from regard.search.beam import BeamOptions, BeamSearch, Candidates, Prefixes
from regard.search.log_probs import forbid, forbidden_ids, log_probabilities, top_log_probs
from regard.search.single_path import check_limits
from regard.search.term_automaton import EXCLUDED, UNKNOWN
from regard.search.term_tables import TermTables
from regard.values import Hypothesis, Specials, StepOutput

MIN_BEAM = 5
"""Smallest beam of a search with constraints."""
SPARE = 3
"""Number of tokens per prefix that are looked for beside those for the beam, in case some are excluded."""


@dataclass(frozen=True)
class TermConstraints:
    """Terms that the translations of the B sentences of a batch must and must not contain.

    Attributes:
        tables: Tables of the automata that find the terms in the translations.
        starts: Number of the automaton's state at the start of each translation, `(B,)` int64.
        required: The terms that each translation must contain, as a bit mask (bit j = included term j), `(B,)` int64.
    """

    tables: TermTables
    starts: Tensor
    required: Tensor


@dataclass(frozen=True)
class TermPrefixes(Prefixes):
    """The R unfinished hypotheses (prefixes) of a beam search, with the terms that each contains so far.

    Attributes:
        states: `(R,)` int64, number of the state in which the automaton that finds terms is after reading the prefix.
        found: `(R,)` int64, terms found in the prefix so far, as a bit mask (bit j = included term j).
    """

    states: Tensor
    found: Tensor

    def select_terms(self, rows: Tensor) -> TermPrefixes:
        """Copies the hypotheses in rows `(N,)`, without model state and coverage, which finding terms does not need."""
        return replace(self, model=State(), coverage=None).select(rows)


@dataclass(frozen=True)
class TermCandidates(Candidates):
    """The N best continuations of each sentence at one step, with the terms that each contains; all `(B, N)`.

    Attributes:
        states: Number of the state in which the automaton that finds terms is after the continuation.
        found: Terms found in the continued prefix, as a bit mask (bit j = included term j).
    """

    states: Tensor
    found: Tensor


@dataclass(frozen=True)
class _Tokens:
    """Tokens that may continue each prefix, `(R, M)`.

    Attributes:
        ids: The tokens.
        log_probs: Their log-probabilities; -inf for those that are not possible.
        states: Numbers of the automata's states after them; `UNKNOWN` where not computed.
        found: Bits of the included terms that are complete.
    """

    ids: Tensor
    log_probs: Tensor
    states: Tensor
    found: Tensor

    def gather(self, columns: Tensor) -> _Tokens:
        """The tokens in some columns `(R, K)` of each row."""
        return _Tokens(*(values.gather(1, columns) for values in vars(self).values()))

    def with_rows(self, rows: Tensor, other: _Tokens) -> _Tokens:
        """Replaces the rows with indices `rows`, `(N,)`, by the N rows of `other`, in this order."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _Tokens(*(own.index_copy(0, rows, values) for own, values in pairs))

    def joined(self, other: _Tokens) -> _Tokens:
        """These tokens followed by those of `other`, for the same R prefixes."""
        return _Tokens(*map(torch.hstack, zip(vars(self).values(), vars(other).values(), strict=True)))


def constrained_beam_search(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    *,
    max_len: Tensor,
    specials: Specials,
    constraints: TermConstraints,
    options: BeamOptions,
    need_weights: bool = False,
) -> list[list[Hypothesis]]:
    """Finds the best translations that contain required terms and no excluded terms, by beam search.

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        constraints: Required and excluded terms of the B sentences.
        options: Beam size and penalties.
        need_weights: Whether to return attention weights.

    Returns:
        The hypotheses of each sentence, best first, at most `n_best`. They satisfy the constraints, unless that is not
        possible within `max_len` tokens.

    Raises:
        SearchError: `max_len` is below 1, the model's logits are not finite, or a coverage penalty is set and the model
            has no attention.
    """
    check_limits(src_ids, max_len)
    if not len(src_ids):
        return []
    search = ConstrainedBeamSearch(model, src_len, max_len, specials, options, need_weights, constraints=constraints)
    with torch.inference_mode():
        return search.run(src_ids)


class ConstrainedBeamSearch(BeamSearch):
    """One beam search over a batch of B sentences, for translations that contain required terms and no excluded terms.

    Args:
        model: The model, in evaluation mode.
        src_len: Source lengths with eos, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        options: Beam size and penalties.
        need_weights: Whether to return attention weights.
        constraints: Required and excluded terms of the B sentences.
    """

    def __init__(
        self,
        model: StepModel,
        src_len: Tensor,
        max_len: Tensor,
        specials: Specials,
        options: BeamOptions,
        need_weights: bool,
        *,
        constraints: TermConstraints,
    ) -> None:
        super().__init__(model, src_len, max_len, specials, options, need_weights)
        self.tables = constraints.tables
        self.starts = constraints.starts
        self.required = constraints.required[:, None]  # (B, 1)
        self.ignored = torch.zeros_like(self.required, dtype=torch.bool)  # excluded terms that cannot be avoided
        self.total = self.tables.missing(self.starts[:, None], torch.zeros_like(self.required), self.required)

    def _first(self, prefixes: Prefixes) -> TermPrefixes:
        """The prefixes before the first step. See `BeamSearch`."""
        return TermPrefixes(**vars(prefixes), states=self.starts, found=torch.zeros_like(self.starts))

    def _continue(self, after: Prefixes, candidates: Candidates, slots: Tensor) -> Prefixes:
        """The candidates in the slots `(R,)`, as prefixes of the next step. See `BeamSearch`."""
        if not isinstance(candidates, TermCandidates):
            raise AssertionError(
                f"expected TermCandidates, got {type(candidates).__name__}: this is a bug in regard: report it"
            )
        prefixes = super()._continue(after, candidates, slots)
        states, found = candidates.states.flatten()[slots], candidates.found.flatten()[slots]
        return TermPrefixes(**vars(prefixes), states=states, found=found)

    def _record(self, after: Prefixes, candidates: Candidates, step: int) -> Tensor:
        """Records hypotheses that end; continues only those that may still be among the best. See `BeamSearch`.

        Translations with improbable terms take long to end, so the bound is applied to each of them alone.
        """
        continued = super()._record(after, candidates, step)
        return continued & (candidates.totals / self.max_length_penalty > self.best[:, -1:])

    def _candidates(self, prefixes: Prefixes, output: StepOutput, step: int) -> Candidates:
        """The best continuations of each sentence that can still satisfy its constraints. See `BeamSearch`."""
        if not isinstance(prefixes, TermPrefixes):
            raise AssertionError(
                f"expected TermPrefixes, got {type(prefixes).__name__}: this is a bug in regard: report it"
            )
        sentences = prefixes.slots // self.options.beam
        while True:
            likely, log_norms = self._likely(prefixes, output.logits, sentences, step)
            tokens = likely.joined(self._nearing(prefixes, output.logits, sentences, likely.ids, log_norms))
            lookahead = self.tables.known(prefixes.states[:, None], tokens.states)
            missing = self.tables.missing(lookahead, tokens.found, self.required[sentences])
            left = self.max_len[sentences] - step  # (R, 1)
            if step >= int(self.max_len.min()):
                bad_end = (left <= 0) & self._ends_badly(prefixes, sentences, tokens, lookahead, missing)
                tokens = replace(tokens, log_probs=tokens.log_probs.masked_fill(bad_end, -torch.inf))
            feasible = missing <= left
            if not self._relax(sentences, tokens, feasible):
                # An excluded term that only a letter can continue is a dead end, unless the word is longer.
                dead_end = (self.tables.before_letter(lookahead) & EXCLUDED).bool()
                return self._allocate(prefixes, tokens, missing, feasible & ~dead_end)

    def _likely(self, prefixes: TermPrefixes, logits: Tensor, sentences: Tensor, step: int) -> tuple[_Tokens, Tensor]:
        """The most probable tokens that complete no excluded term, and `(R, 1)` logarithms of the norms."""
        forbidden = forbidden_ids(self.specials, unfinished=step <= self.options.min_len)
        count = min(self.options.beam + SPARE, logits.shape[1])
        log_probs, ids = top_log_probs(logits, count, forbidden=forbidden, sentences=sentences, step=step)
        log_norms = logits.gather(1, ids[:, :1]).float() - log_probs[:, :1]
        tokens = self._read(prefixes, sentences, ids, log_probs)
        if count == logits.shape[1]:
            return tokens, log_norms
        # Rows with too few tokens left, though there may be more.
        num_possible = (tokens.log_probs > -torch.inf).sum(1)
        rows = ((num_possible < self.options.beam) & (log_probs[:, -1] > -torch.inf)).nonzero()[:, 0]
        if len(rows):
            log_probs = forbid(log_probabilities(logits[rows], sentences[rows], step=step), forbidden)
            ids = torch.arange(logits.shape[1], device=logits.device)[None]
            whole = self._read(prefixes.select_terms(rows), sentences[rows], ids, log_probs)
            tokens = tokens.with_rows(rows, whole.gather(whole.log_probs.topk(count).indices))
        return tokens, log_norms

    def _nearing(
        self, prefixes: TermPrefixes, logits: Tensor, sentences: Tensor, likely: Tensor, log_norms: Tensor
    ) -> _Tokens:
        """The tokens that begin or continue missing terms, but are not among the likely ones, `(R, A)`."""
        ids, bits = self.tables.next_ids(prefixes.states)  # (R, A)
        missing = self.required[sentences] & ~prefixes.found[:, None]
        is_new = ((bits & missing) != 0) & (ids[:, :, None] != likely[:, None]).all(2)
        log_probs = (logits.gather(1, ids).float() - log_norms).masked_fill(~is_new, -torch.inf)
        return self._read(prefixes, sentences, ids, log_probs)

    def _read(self, prefixes: TermPrefixes, sentences: Tensor, ids: Tensor, log_probs: Tensor) -> _Tokens:
        """Reads the tokens `(R, M)`, and leaves out those that complete an excluded term, or end too early."""
        states, found = self.tables.move(prefixes.states[:, None], ids)
        is_eos = ids == self.specials.eos
        found = found | self.tables.at_end(prefixes.states)[:, None].where(is_eos, 0) | prefixes.found[:, None]
        is_excluded = (found & EXCLUDED).bool() & ~self.ignored[sentences]
        ends_early = is_eos & (self.required[sentences] & ~found).bool()
        log_probs = log_probs.masked_fill(is_excluded | ends_early, -torch.inf)
        return _Tokens(ids.expand_as(found), log_probs, states, found & ~EXCLUDED)

    def _ends_badly(
        self, prefixes: TermPrefixes, sentences: Tensor, tokens: _Tokens, lookahead: Tensor, missing: Tensor
    ) -> Tensor:
        """Whether a translation that ends after a token lacks a term, or contains an excluded one, `(R, M)`."""
        before = self.tables.before_letter(prefixes.states)[:, None].where(tokens.states == UNKNOWN, 0)
        excluded = ((self.tables.at_end(lookahead) | before) & EXCLUDED).bool() & ~self.ignored[sentences]
        return (tokens.ids != self.specials.eos) & (excluded | (missing > 0))

    def _relax(self, sentences: Tensor, tokens: _Tokens, feasible: Tensor) -> bool:
        """Gives up terms of sentences that have no token left; returns whether there were any.

        Terms that no continuation contains are given up first, then the excluded terms.
        """
        possible = tokens.log_probs > -torch.inf
        has_usable = torch.zeros_like(self.ignored[:, 0]).index_put((sentences[(feasible & possible).any(1)],), _TRUE)
        stuck = sentences[~has_usable[sentences]].unique().tolist()
        for sentence in stuck:
            rows = sentences == sentence
            found = tokens.found[rows][possible[rows]].tolist()
            if found:
                self.required[sentence] &= max(found, key=int.bit_count)
            elif bool(self.ignored[sentence]):
                return False  # the model itself allows no token
            else:
                self.ignored[sentence] = True
                self.required[sentence] = 0
        return bool(stuck)

    def _allocate(self, prefixes: TermPrefixes, tokens: _Tokens, missing: Tensor, feasible: Tensor) -> TermCandidates:
        """Chooses N continuations of each sentence; see `best_in_turn`."""
        beam, count = self.options.beam, tokens.ids.shape[1]
        totals = self._grid(prefixes.slots, prefixes.log_probs[:, None] + tokens.log_probs, -torch.inf)  # (B, N M)
        banks = (self.total - self._grid(prefixes.slots, missing, 0)).clamp(min=0)
        index = best_in_turn(totals, banks, self._grid(prefixes.slots, feasible, False), beam)
        parents = index // count
        numbers = torch.arange(len(prefixes.slots), device=index.device)[:, None]
        rows = self._grid(prefixes.slots, numbers, 0).gather(1, parents)
        inner = rows * count + index % count  # index into the flattened (R, M)
        totals, ids, states = totals.gather(1, index), tokens.ids.flatten()[inner], tokens.states.flatten()[inner]
        states = self.tables.resolve(prefixes.states[rows], ids, states.where(totals > -torch.inf, 0))
        log_probs, found = tokens.log_probs.flatten()[inner], tokens.found.flatten()[inner]
        return TermCandidates(totals, ids, log_probs, parents, rows, states, found)

    def _grid(self, slots: Tensor, values: Tensor, fill: float) -> Tensor:
        """Values `(R, M)` of rows, by the slots of the rows, `(B, N * M)`."""
        grid = values.new_full((len(self.open_slots) * self.options.beam, values.shape[1]), fill)
        grid[slots] = values
        return grid.view(len(self.open_slots), -1)


def best_in_turn(totals: Tensor, banks: Tensor, feasible: Tensor, count: int) -> Tensor:
    """Chooses the best candidate of all, and then the best of each bank in turn.

    A bank (Post & Vilar 2018) holds the candidates that lack the same number of tokens of their required terms. After
    the best of each bank comes the second best of each, and so on. The best candidate of all comes first, because
    otherwise translations with many terms would contain little else. Banks that lack fewer tokens come before others,
    because otherwise terms would be left to the end of a translation.

    Args:
        totals: Log-probabilities of Q candidates, `(B, Q)`; -inf for those that are not possible.
        banks: Number of each candidate's bank, from 0, `(B, Q)` int64; larger numbers lack fewer tokens.
        feasible: Whether each candidate can probably satisfy its constraints, `(B, Q)` bool; the others come last.
        count: N, the number of candidates to choose.

    Returns:
        Indices of the candidates in the order of choice, those that are not possible last, `(B, N)` int64.
    """
    ordered, order = totals.sort(dim=1, descending=True, stable=True)
    banks, feasible = banks.gather(1, order), feasible.gather(1, order)
    num_banks = int(banks.max()) + 1
    members = torch.nn.functional.one_hot(banks, num_banks) * feasible[..., None]  # (B, Q, banks)
    ranks = members.cumsum(1).gather(2, banks[..., None])[..., 0]  # from 1
    keys = ranks * num_banks + (num_banks - 1 - banks)
    keys[:, 0] = 0
    size = totals.shape[1]
    last = (size + 2) * num_banks  # beyond the keys of all feasible candidates
    keys = keys.where(feasible, last + torch.arange(size, device=totals.device))
    keys = keys.masked_fill(ordered == -torch.inf, last + size)
    return order.gather(1, keys.topk(count, largest=False).indices)


_TRUE = torch.tensor(True)
