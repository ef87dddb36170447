"""The most probable next words of a translation.

A word consists of one or several tokens, and ends where the token after it begins a new word or is eos. The search
continues the most probable unfinished words until none of them can become one of the words to be returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.search.log_probs import log_probabilities
from regard.values import Specials

MAX_TOKENS = 20
"""Largest number of tokens of a word."""


@dataclass(frozen=True, eq=False)
class WordTokens:
    """Which tokens of a vocabulary begin a word, which continue one, and which text they stand for.

    Attributes:
        begins: `(V,)` bool, True for tokens that begin a new word, so that the word before them is complete.
        has_space: `(V,)` bool, True for tokens that begin with a space.
        is_text: `(V,)` bool, True for tokens that are not special.
        text_of: Function that detokenizes ids of this vocabulary of V tokens.
    """

    begins: Tensor
    has_space: Tensor
    is_text: Tensor
    text_of: Callable[[Sequence[int]], str]

    def to(self, device: torch.device) -> WordTokens:
        """Copies the masks, `(V,)` each, to a device."""
        return WordTokens(self.begins.to(device), self.has_space.to(device), self.is_text.to(device), self.text_of)

    def select(self, token_ids: Tensor) -> WordTokens:
        """Makes a `WordTokens` for a part of the vocabulary, whose K tokens get new ids.

        Args:
            token_ids: `(K,)` int64, ids of the K tokens in this vocabulary; the new ids are 0 to K - 1, in this order.

        Returns:
            The masks `begins`, `has_space` and `is_text` of the K tokens, `(K,)` each, and a function `text_of` that
            takes the new ids.
        """
        ids = token_ids.tolist()
        return WordTokens(
            self.begins[token_ids],
            self.has_space[token_ids],
            self.is_text[token_ids],
            lambda tokens: self.text_of([ids[token] for token in tokens]),
        )


def next_words(
    model: StepModel,
    src_ids: Tensor,
    prefix: Sequence[int],
    *,
    count: int,
    max_len: int,
    words: WordTokens,
    specials: Specials,
) -> list[tuple[int, ...]]:
    """Finds the most probable next words after a prefix of a translation.

    The probability of a word is that of its tokens, times the probability that a new word or eos follows them. For a
    word that can be spelled by several sequences of tokens, only the most probable sequence counts.

    Args:
        model: The model, in evaluation mode.
        src_ids: `(1, S)` int64, the source, which ends with eos.
        prefix: Ids of the target tokens before the word, without bos.
        count: Largest number of words to find.
        max_len: Largest number of tokens of the translation, eos included.
        words: Which tokens begin a word and which continue one.
        specials: Ids of the special tokens.

    Returns:
        The token ids of up to `count` different words, the most probable first.

    Raises:
        SearchError: `count` is below 1, or logits are not finite.
    """
    if count < 1:
        raise SearchError(f"expected at least 1 next word to search for, got count={count}: set count to 1 or more")
    with torch.inference_mode():
        state = model.start(src_ids, torch.full_like(src_ids[:, 0], src_ids.shape[1]))
        *before, last = specials.bos, *prefix
        for token in before:
            _, state = model.step(torch.full_like(src_ids[:, 0], token), state)
        search = _WordSearch(model, words.to(src_ids.device), specials, count, step=len(prefix) + 1)
        search.run(state, last, max_tokens=min(MAX_TOKENS, max_len - 1 - len(prefix)))
    return search.best()


@dataclass
class _WordSearch:
    """A search for words from one state of a model.

    Attributes:
        model: The model.
        words: Which tokens begin a word and which continue one.
        specials: Ids of the special tokens.
        count: Number of words to find.
        step: Number of the step that chooses the first token of the word.
        found: Log-probability and tokens of each word, by its text.
    """

    model: StepModel
    words: WordTokens
    specials: Specials
    count: int
    step: int
    found: dict[str, tuple[float, tuple[int, ...]]] = field(default_factory=dict)

    def run(self, state: State, last: int, *, max_tokens: int) -> None:
        """Finds the most probable next words, and stores them in `found`.

        Args:
            state: Decoder state of one row, before the token `last`.
            last: Id of the token before the word.
            max_tokens: Largest number of tokens of a word.
        """
        device = self.words.begins.device
        ends = self.words.begins.clone()
        ends[self.specials.eos] = True
        tokens: list[tuple[int, ...]] = [()]
        totals, ids = torch.zeros(1, 1, device=device), torch.tensor([last], device=device)
        for number in range(max_tokens + 1):
            output, state = self.model.step(ids, state)
            log_probs = log_probabilities(output.logits, torch.zeros_like(ids), step=self.step + number)
            ending = totals[:, 0] + log_probs.masked_fill(~ends, -torch.inf).logsumexp(-1)
            has_text = torch.tensor([self._record(*pair) for pair in zip(tokens, ending.tolist(), strict=True)])
            if number == max_tokens:
                return
            log_probs = totals + log_probs.masked_fill(self._excluded(number, has_text.to(device)), -torch.inf)
            width = min(max(32, 4 * self.count), log_probs.numel())
            best, index = log_probs.flatten().topk(width)
            can_be_returned = best > self._bound()
            index, best = index[can_be_returned], best[can_be_returned]
            if not len(index):
                return
            rows, ids, totals = index // log_probs.shape[1], index % log_probs.shape[1], best[:, None]
            tokens = [(*tokens[row], token) for row, token in zip(rows.tolist(), ids.tolist(), strict=True)]
            state = state.select(rows)

    def best(self) -> list[tuple[int, ...]]:
        """The tokens of the most probable words, the most probable first."""
        ordered = sorted(self.found.values(), key=lambda word: (-word[0], word[1]))
        return [tokens for _, tokens in ordered[: self.count]]

    def _record(self, tokens: tuple[int, ...], log_prob: float) -> bool:
        """Records a word; returns whether it has text."""
        text = self.words.text_of(tokens)
        if len(text.split()) == 1 and "\ufffd" not in text and log_prob > -torch.inf:
            self.found[text] = max(self.found.get(text, (-torch.inf, ())), (log_prob, tokens))
        return bool(text)

    def _excluded(self, number: int, has_text: Tensor) -> Tensor:
        """Tokens that cannot be token `number`, from 0, of each of R words: `(R, V)` bool."""
        words = self.words
        if number == 0:
            return ~(words.begins & words.is_text)[None]
        return words.begins.where(has_text[:, None], words.has_space) | ~words.is_text

    def _bound(self) -> float:
        """Log-probability that an unfinished word must exceed."""
        totals = sorted((log_prob for log_prob, _ in self.found.values()), reverse=True)
        return totals[self.count - 1] if len(totals) >= self.count else -torch.inf
