"""Prefixes: translations that begin with given tokens.

At each position within a prefix, the model gives log-probability -inf to all tokens except the one of the prefix. The
probability of these excluded tokens is added to padding, which no search chooses. So the probabilities still sum to 1,
and the log-probabilities and scores of the other tokens stay those of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.values import Specials, StepOutput


class PrefixError(SearchError):
    """Error that a translation cannot begin with a given prefix, which is too long or contains special tokens.

    Args:
        sentence: Index of the sentence, from 0.
        reason: What is wrong, and what to do.
        where: Name of the sentence in the message; by default its number.

    Attributes:
        sentence: Index of the sentence, from 0.
        reason: What is wrong, and what to do.
    """

    def __init__(self, sentence: int, reason: str, *, where: str | None = None) -> None:
        super().__init__(f"{where or f'sentence {sentence + 1}'}: {reason}")
        self.sentence = sentence
        self.reason = reason


@dataclass(frozen=True, eq=False)
class WordEnd:
    """Two masks that say which tokens may not follow a prefix directly, since they would lengthen its last word.

    Attributes:
        last: `(V,)` bool. If True for the last token of a prefix, no token of `excluded` may follow the prefix;
            otherwise any token may.
        excluded: `(V,)` bool, True for tokens that continue a word.
    """

    last: Tensor
    excluded: Tensor

    def select(self, token_ids: Tensor) -> WordEnd:
        """Makes the same masks for a part of the vocabulary, whose K tokens get new ids.

        Args:
            token_ids: `(K,)` int64, ids of the K tokens in the full vocabulary; the new ids are 0 to K - 1, in this
                order.

        Returns:
            The masks `last` and `excluded` of the K tokens, `(K,)` each.
        """
        return WordEnd(self.last[token_ids], self.excluded[token_ids])


def check_prefixes(prefixes: Sequence[Sequence[int]], limits: Sequence[int], specials: Specials) -> None:
    """Checks that there is a prefix for each sentence, shorter than the length limit and without special tokens.

    Args:
        prefixes: Token ids of the prefix of each sentence; empty for a sentence without a prefix.
        limits: Largest number of tokens of each translation, eos included.
        specials: Ids of the special tokens.

    Raises:
        SearchError: There is not one prefix per sentence.
        PrefixError: A prefix is too long, or contains padding, bos or eos.
    """
    if len(prefixes) != len(limits):
        raise SearchError(f"expected a prefix for each of {len(limits)} sentences, empty for none, got {len(prefixes)}")
    for sentence, (prefix, limit) in enumerate(zip(prefixes, limits, strict=True)):
        if prefix and len(prefix) >= limit:
            raise PrefixError(
                sentence,
                f"expected a prefix of fewer than {limit} subwords, the length limit of the translation, got "
                f"{len(prefix)}: give a shorter prefix, or raise search.max_len_offset",
            )
        wrong = next((token for token in (specials.pad, specials.bos, specials.eos) if token in prefix), None)
        if wrong is not None:
            raise PrefixError(sentence, f"its prefix contains the special token with id {wrong}: give subwords only")


@dataclass(frozen=True)
class PrefixState(State):
    """Decoder state of a `PrefixModel`, with R rows, one per hypothesis.

    Attributes:
        model: State of the model that the `PrefixModel` wraps.
        sentences: `(R,)` int64, index in the batch of the source sentence of each row.
        position: Number of tokens of each translation so far, those of the prefix included.
    """

    model: State
    sentences: Tensor
    position: int


class PrefixModel:
    """Wraps a step model so that its translations of one batch begin with given prefixes.

    Within a prefix, all tokens except the next one of the prefix are excluded. The probability of excluded tokens is
    added to padding, which no search chooses, so the scores of the other tokens stay those of the wrapped model.

    Args:
        model: The model to wrap.
        prefixes: Token ids of the prefix of each sentence of the batch; empty for a sentence without a prefix.
        pad: Id of padding.
        word_end: Which tokens may not follow which prefixes directly, because they would lengthen the last word; None =
            every token may follow.
        device: Device of the model.
    """

    def __init__(
        self,
        model: StepModel,
        prefixes: Sequence[Sequence[int]],
        *,
        pad: int,
        word_end: WordEnd | None = None,
        device: str = "cpu",
    ) -> None:
        self.model = model
        self.pad = pad
        self.longest = max(map(len, prefixes))
        rows = [[*prefix, *[-1] * (self.longest + 1 - len(prefix))] for prefix in prefixes]
        self.ids = torch.tensor(rows, device=device)  # (B, longest + 1), -1 after the end of a prefix
        self.excluded = None if word_end is None else word_end.excluded.to(device)
        ends = [bool(prefix) and word_end is not None and bool(word_end.last[prefix[-1]]) for prefix in prefixes]
        lengths = [len(prefix) if end else -1 for prefix, end in zip(prefixes, ends, strict=True)]
        self.ends = torch.tensor(lengths, device=device)  # (B,), position at which some tokens are excluded; -1 = none

    def start(self, src_ids: Tensor, src_len: Tensor) -> PrefixState:
        """Encodes source sentences and returns the state before the first token. See `StepModel.start`."""
        sentences = torch.arange(len(src_ids), device=src_ids.device)
        return PrefixState(self.model.start(src_ids, src_len), sentences, 0)

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Computes one decoder step and excludes tokens that do not fit the prefixes. See `StepModel.step`.

        Args:
            ids: `(R,)` int64, last token of each of R hypotheses.
            state: State before the step.
            need_weights: Whether to return attention weights.

        Returns:
            The logits `(R, V)` and attention weights, and the state after the step.
        """
        if not isinstance(state, PrefixState):
            raise AssertionError(
                f"expected a state of this model with prefixes, a PrefixState, got {type(state).__name__}"
            )
        output, model_state = self.model.step(ids, state.model, need_weights=need_weights)
        after = PrefixState(model_state, state.sentences, state.position + 1)
        if state.position > self.longest:
            return output, after
        return StepOutput(self._restrict(output.logits, state.sentences, state.position), output.weights), after

    def _restrict(self, logits: Tensor, sentences: Tensor, position: int) -> Tensor:
        """Logits `(R, V)` without the tokens that cannot stand at a position, for rows of some sentences `(R,)`."""
        next_ids = self.ids[sentences, position]  # (R,)
        is_end = self.ends[sentences] == position
        rows = ((next_ids >= 0) | is_end).nonzero()[:, 0]
        if not len(rows):
            return logits
        next_ids, is_end = next_ids[rows, None], is_end[rows, None]
        log_probs = logits[rows].float().log_softmax(-1)
        excluded = torch.ones_like(log_probs, dtype=torch.bool).scatter_(1, next_ids.clamp(min=0), False)
        if self.excluded is not None:
            excluded = self.excluded.where(is_end, excluded)
        excluded[:, self.pad] = True
        rest = log_probs.masked_fill(~excluded, -torch.inf).logsumexp(-1)
        log_probs = log_probs.masked_fill(excluded, -torch.inf)
        log_probs[:, self.pad] = rest
        return logits.float().index_copy(0, rows, log_probs)
