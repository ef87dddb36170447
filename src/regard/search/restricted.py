"""The model for one batch, with wrappers for shortlist, prefixes and restrictions, and a call before each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.model.decoder import StepModel
from regard.search.next_words import WordTokens, next_words
from regard.search.observed import ObservedModel
from regard.search.prefix import PrefixModel, WordEnd
from regard.search.restrictions import RestrictedTokens, Restrictions
from regard.search.shortlist import Shortlist, full_ids, shortlist_specials, with_shortlist
from regard.values import Hypothesis, Specials


@dataclass(frozen=True, eq=False)
class RestrictedModel:
    """A model for one batch, and the ids of its target tokens in the full vocabulary.

    Attributes:
        model: The model, whose vocabulary may be a shortlist of K tokens.
        specials: Ids of the special tokens in the model's vocabulary.
        token_ids: `(K,)` int64, the id in the full vocabulary of each token of the shortlist; None if the model has the
            full vocabulary.
    """

    model: StepModel
    specials: Specials
    token_ids: Tensor | None = None

    def with_shortlist(
        self,
        shortlist: Shortlist,
        src_ids: Tensor,
        prefixes: Sequence[Sequence[int]],
        terms: Sequence[Sequence[int]] = (),
    ) -> RestrictedModel:
        """Restricts the model to the tokens of a lexical shortlist and those of given prefixes and terms.

        Args:
            shortlist: The shortlist.
            src_ids: `(B, S)` int64, sources whose padding was replaced by eos.
            prefixes: For each sentence, the ids of its prefix, which are allowed, too; empty if there are no prefixes.
            terms: For each sentence, further ids that are allowed; empty if there are no terms.

        Returns:
            A model whose vocabulary is the K tokens allowed for any sentence of the batch, with ids from 0 to K - 1.
        """
        allowed = shortlist.allowed(src_ids)
        for needed in (prefixes, terms):
            for row, tokens in enumerate(needed):
                allowed[row, list(tokens)] = True
        token_ids = shortlist.token_ids(allowed)
        model = with_shortlist(self.model, token_ids, allowed)
        return RestrictedModel(model, shortlist_specials(self.specials, token_ids), token_ids)

    def with_prefixes(
        self, prefixes: Sequence[Sequence[int]], word_end: WordEnd | None, *, device: str
    ) -> RestrictedModel:
        """Wraps the model so that its translations begin with given prefixes.

        Args:
            prefixes: One prefix per sentence, in ids of the full vocabulary.
            word_end: Two masks over the full vocabulary, `(V,)` each. After a prefix whose last token is in the first
                mask, the next token may not be one of the second mask, which would lengthen the last word of the
                prefix. None = every token may follow every prefix.
            device: Device of the model.

        Returns:
            A model with the same ids as this one: those of the shortlist if `with_shortlist` was called before,
            otherwise those of the full vocabulary.
        """
        if self.token_ids is not None and word_end is not None:
            word_end = word_end.select(self.token_ids)
        own_ids = [self._own_ids(prefix) for prefix in prefixes]
        model = PrefixModel(self.model, own_ids, pad=self.specials.pad, word_end=word_end, device=device)
        return replace(self, model=model)

    def with_restrictions(
        self, restrictions: Restrictions, *, minima: Sequence[int], exempt: Sequence[Sequence[int]] = (), device: str
    ) -> RestrictedModel:
        """Wraps the model so that its translations have minimum lengths and limited repetitions.

        Args:
            restrictions: Options, of which those about repetitions are used.
            minima: Smallest number of tokens of the translation of each sentence, eos not counted.
            exempt: For each sentence, ids of the full vocabulary that may complete an n-gram a second time; empty =
                none in any sentence.
            device: Device of the model.

        Returns:
            A model with the same ids as this one.
        """
        wrapped = RestrictedTokens(
            self.model,
            restrictions,
            minima=torch.tensor(minima, device=device),
            specials=self.specials,
            exempt=[self._own_ids(ids) for ids in exempt],
        )
        return replace(self, model=wrapped)

    def observed(self, before_step: Callable[[], None]) -> RestrictedModel:
        """Returns this model with a function that is called before each decoder step."""
        return replace(self, model=ObservedModel(self.model, before_step))

    def next_words(
        self, src_ids: Tensor, prefix: Sequence[int], *, count: int, max_len: int, words: WordTokens
    ) -> list[tuple[int, ...]]:
        """Finds the most probable next words after a prefix of a translation.

        Args:
            src_ids: `(1, S)` int64, the source, which ends with eos.
            prefix: Target tokens before the word, as ids of the full vocabulary, without bos.
            count: Largest number of words to find.
            max_len: Largest number of tokens of the translation, eos included.
            words: Which tokens of the full vocabulary begin a word and which continue one.

        Returns:
            The token ids, in the full vocabulary, of up to `count` different words, the most probable first.
        """
        if self.token_ids is not None:
            words = words.select(self.token_ids)
        found = next_words(
            self.model,
            src_ids,
            self._own_ids(prefix),
            count=count,
            max_len=max_len,
            words=words,
            specials=self.specials,
        )
        return found if self.token_ids is None else [tuple(self.token_ids[list(word)].tolist()) for word in found]

    def _own_ids(self, ids: Sequence[int]) -> list[int]:
        """The model's ids for ids of the full vocabulary."""
        if self.token_ids is None:
            return list(ids)
        own: list[int] = torch.searchsorted(self.token_ids, torch.tensor(ids, dtype=torch.int64)).tolist()
        return own

    def full_ids(self, hypotheses: list[list[Hypothesis]]) -> list[list[Hypothesis]]:
        """Converts the token ids of the hypotheses of each sentence to ids of the full vocabulary."""
        return hypotheses if self.token_ids is None else full_ids(hypotheses, self.token_ids)
