"""Restrictions of translations: minimum lengths, and fewer repetitions.

The search sees a model that gives log-probability -inf to excluded tokens, and a lower one to penalized tokens. Their
probability is added to padding, which no search chooses. So the log-probabilities of the other tokens stay those of the
model. A hypothesis for which a single token is possible, such as one within a prefix, is not restricted, and neither is
one for which the restrictions would leave no token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.values import Specials, StepOutput

MAX_NGRAM, MAX_PENALTY, MAX_RATIO = 100, 100.0, 100.0
"""Largest size of an n-gram, repetition penalty, and ratio of lengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """Options that set a minimum length and reduce repetitions, in every kind of search.

    Attributes:
        min_len: Smallest number of tokens of a translation, eos not counted.
        min_len_ratio: Smallest number of tokens of a translation per source token, 0 to 100, eos not counted; at the
            length limit, a translation may be shorter.
        no_repeat_ngram: Size n, 0 to 100, of the sequences of tokens that may occur only once in a translation (Paulus
            et al. 2018, §2.5); 0 = no restriction.
        repetition_penalty: Factor by which the log-probability of a token is multiplied if the translation contains it
            already, 1 to 100; 1 = no penalty (similar to Keskar et al. 2019, §4.1, who divide logits).

    Raises:
        SearchError: A number is out of its range.
    """

    min_len: int = 0
    min_len_ratio: float = 0.0
    no_repeat_ngram: int = 0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.min_len < 0:
            raise SearchError(f"expected a min_len of at least 0, got {self.min_len}")
        if not 0 <= self.min_len_ratio <= MAX_RATIO:
            raise SearchError(f"expected a min_len_ratio from 0 to {MAX_RATIO:g}, got {self.min_len_ratio}")
        if not 0 <= self.no_repeat_ngram <= MAX_NGRAM:
            raise SearchError(f"expected no_repeat_ngram from 0 (off) to {MAX_NGRAM}, got {self.no_repeat_ngram}")
        if not 1 <= self.repetition_penalty <= MAX_PENALTY:
            raise SearchError(
                f"expected a repetition_penalty from 1 (off) to {MAX_PENALTY:g}, got {self.repetition_penalty}"
            )

    @property
    def restrictions(self) -> Restrictions:
        """A `Restrictions` object with the same values, without the further options of a subclass."""
        return Restrictions(**{field.name: getattr(self, field.name) for field in fields(Restrictions)})

    def minimum(self, src_len: int, limit: int) -> int:
        """Smallest length of the translation of a sentence that `min_len_ratio` requires.

        Args:
            src_len: Number of source tokens, eos not counted.
            limit: Largest number of tokens of the translation, eos included.

        Returns:
            Number of tokens, eos not counted; less than `limit`.
        """
        # A product such as 1.1 * 10, which is 11.000000000000002 in binary, must not be rounded up.
        return min(math.ceil(self.min_len_ratio * src_len - 1e-6), limit - 1)

    @property
    def depends_on_tokens(self) -> bool:
        """Whether the model must be wrapped in `RestrictedTokens`: any option is set except `min_len`."""
        return bool(self.min_len_ratio or self.no_repeat_ngram) or self.repetition_penalty != 1.0


@dataclass(frozen=True)
class RestrictedState(State):
    """Decoder state of a `RestrictedTokens` model with R rows.

    Attributes:
        model: State of the wrapped model.
        sentences: Index of each row's sentence in the batch, `(R,)` int64.
        tokens: Tokens of each translation so far, without bos, `(R, T)` int64; None before the first step.
    """

    model: State
    sentences: Tensor
    tokens: Tensor | None = None


class RestrictedTokens:
    """Wraps a step model so that its translations of one batch have minimum lengths and limited repetitions.

    Args:
        model: The model to wrap.
        restrictions: The restrictions; `min_len` has no effect here.
        minima: Smallest number of tokens of the translation of each sentence, eos not counted, `(B,)` int64.
        specials: Ids of the special tokens.
        exempt: For each sentence, ids of tokens that may complete an n-gram a second time, such as those of a required
            term; empty = none in any sentence.
    """

    def __init__(
        self,
        model: StepModel,
        restrictions: Restrictions,
        *,
        minima: Tensor,
        specials: Specials,
        exempt: Sequence[Sequence[int]] = (),
    ) -> None:
        self.model = model
        self.restrictions = restrictions
        self.minima = minima
        self.longest_minimum = int(minima.max()) if len(minima) else 0
        self.specials = specials
        longest = max(map(len, exempt), default=0)
        rows = [[*ids, *[specials.pad] * (longest - len(ids))] for ids in exempt]
        self.exempt = torch.tensor(rows, dtype=torch.int64, device=minima.device) if longest else None  # (B, longest)

    def start(self, src_ids: Tensor, src_len: Tensor) -> RestrictedState:
        """Encodes source sentences and returns the state before the first token. See `StepModel.start`."""
        sentences = torch.arange(len(src_ids), device=src_ids.device)
        return RestrictedState(self.model.start(src_ids, src_len), sentences)

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Computes one decoder step and restricts the next tokens. See `StepModel.step`.

        Args:
            ids: `(R,)` int64, last token of each of R hypotheses.
            state: State before the step.
            need_weights: Whether to return attention weights.

        Returns:
            The logits `(R, V)` and attention weights, and the state after the step.
        """
        if not isinstance(state, RestrictedState):
            raise AssertionError(f"expected a RestrictedState, got {type(state).__name__}")
        output, model_state = self.model.step(ids, state.model, need_weights=need_weights)
        if state.tokens is None:
            tokens = ids.new_empty((len(ids), 0))
        else:
            tokens = torch.cat((state.tokens, ids[:, None]), dim=1)
        after = RestrictedState(model_state, state.sentences, tokens)
        return StepOutput(self._restrict(output.logits, after), output.weights), after

    def _restrict(self, logits: Tensor, after: RestrictedState) -> Tensor:
        """Logits `(R, V)` for the next token of hypotheses with the state `after`."""
        assert after.tokens is not None
        is_excluded = self._excluded(logits, after, after.tokens)
        penalty = self.restrictions.repetition_penalty
        if penalty != 1.0 and after.tokens.shape[1]:
            rows = torch.arange(len(logits), device=logits.device)
        else:
            rows = is_excluded.any(1).nonzero()[:, 0] if is_excluded is not None else logits.new_empty(0)
        if not len(rows):
            return logits
        before = logits[rows].float().log_softmax(-1)
        log_probs = before
        if penalty != 1.0:
            repeated = torch.zeros_like(before, dtype=torch.bool).scatter_(1, after.tokens[rows], True)
            log_probs = before.where(~repeated, penalty * before)
        if is_excluded is not None:
            log_probs = log_probs.masked_fill(is_excluded[rows], -torch.inf)
        return logits.float().index_copy(0, rows, self._with_rest(before, log_probs))

    def _excluded(self, logits: Tensor, after: RestrictedState, tokens: Tensor) -> Tensor | None:
        """`(R, V)` bool, tokens that may not come next; None if there are none."""
        excluded = torch.zeros_like(logits, dtype=torch.bool)
        rows, ids = repeating_ids(tokens, self.restrictions.no_repeat_ngram)
        if len(rows):
            excluded[rows, ids] = True
            if self.exempt is not None:
                excluded.scatter_(1, self.exempt[after.sentences], False)
        is_short = tokens.shape[1] < self.longest_minimum
        if is_short:
            excluded[:, self.specials.eos] = self.minima[after.sentences] > tokens.shape[1]
        return excluded if is_short or len(rows) else None

    def _with_rest(self, before: Tensor, log_probs: Tensor) -> Tensor:
        """Restricted log-probabilities `(R, V)`, with the rest of the probability at padding.

        Rows for which one token is possible, or would be left, keep their log-probabilities of before.
        """
        pad, bos = self.specials.pad, self.specials.bos
        # Of p, a penalized token keeps p ** penalty; computed so that no digits cancel.
        lost = before.exp() * -torch.expm1((log_probs - before).nan_to_num(nan=0.0))
        log_probs = log_probs.clone()
        log_probs[:, pad] = (lost.sum(1) + before[:, pad].exp()).log()
        is_possible = before > -torch.inf
        is_left = log_probs > -torch.inf
        is_possible[:, [pad, bos]] = is_left[:, [pad, bos]] = False
        restrict = (is_possible.sum(1) > 1) & is_left.any(1)
        return log_probs.where(restrict[:, None], before)


def repeating_ids(tokens: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Finds the tokens that would repeat an n-gram of a hypothesis.

    >>> repeating_ids(torch.tensor([[7, 8, 9, 7, 8], [1, 2, 3, 4, 5]]), 3)
    (tensor([0]), tensor([9]))

    Args:
        tokens: Tokens of R hypotheses, `(R, T)` int64.
        size: n, the number of tokens of an n-gram; 0 = no token is found.

    Returns:
        Indices of hypotheses, and for each a token that would repeat an n-gram in it, `(M,)` int64 each. The same pair
        may occur several times.
    """
    length = tokens.shape[1]
    if not size or length < size:
        return tokens.new_empty(0), tokens.new_empty(0)
    ngrams = tokens.unfold(1, size, 1)  # (R, T - n + 1, n)
    last = tokens[:, length - size + 1 :]  # (R, n - 1)
    rows, places = (ngrams[:, :, :-1] == last[:, None]).all(-1).nonzero(as_tuple=True)
    return rows, ngrams[rows, places, -1]
