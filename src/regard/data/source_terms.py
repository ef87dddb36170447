"""Inserts translations of terms into training sources, so that a model learns to use them (Dinu et al. 2019)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from regard.data.corpus import Corpus, Ragged
from regard.data.guided_links import GuidedLinks
from regard.data.source_noise import drawn_rows
from regard.text.source_terms import Insertion, TermWriter, insert_terms
from regard.text.subword import Subword
from regard.text.words import word_spans

MAX_WORDS = 3
"""Largest number of words of a term, in the source and in the target."""
MAX_TERMS = 3
"""Largest number of terms in a sentence."""
_STREAM = 0x7465726D
"""Number that keeps these random numbers apart from others with the same seed."""

LinkedSpan = tuple[int, int, int, int]
"""First word and end of a source span, first word and end of the target span that it is linked to."""


def linked_spans(links: Sequence[Sequence[int]]) -> list[LinkedSpan]:
    """Finds all pairs of a source span and a target span that translate each other.

    Every word of the two spans has a link, and all links of these words are to words of the other span.

    >>> linked_spans([(0, 0), (1, 2), (2, 1)])
    [(0, 1, 0, 1), (0, 3, 0, 3), (1, 2, 2, 3), (1, 3, 1, 3), (2, 3, 1, 2)]

    Args:
        links: Word links: pairs of a source word and a target word, both 0-based.

    Returns:
        For each pair of spans of at most 3 (`MAX_WORDS`) words: first source word, end of the source span (excluded),
        first target word, end of the target span (excluded); sorted by source span.
    """
    targets: dict[int, set[int]] = {}
    sources: dict[int, set[int]] = {}
    for src, tgt in links:
        targets.setdefault(src, set()).add(tgt)
        sources.setdefault(tgt, set()).add(src)
    spans = []
    for start in sorted(targets):
        linked: set[int] = set()
        for end in range(start + 1, start + MAX_WORDS + 1):
            if end - 1 not in targets:
                break
            linked |= targets[end - 1]
            first, last = min(linked), max(linked) + 1
            if len(linked) == last - first <= MAX_WORDS and all(
                start <= src < end for tgt in linked for src in sources[tgt]
            ):
                spans.append((start, end, first, last))
    return spans


class SourceTerms:
    """Inserts the translations of some source words, taken from the target, into a random share of the sources.

    Args:
        share: Fraction of the pairs whose source gets terms, from 0 to 1; each epoch draws other pairs.
        links: Word links of the corpus, which show how each source word is translated.
        subword: Source vocabulary, which must have the two symbols that enclose a term.
        max_len: Largest number of subwords of a source with terms; a source that would become longer gets none.
    """

    def __init__(self, share: float, links: GuidedLinks, subword: Subword, max_len: int) -> None:
        self.share = share
        self._links = links
        self._writer = TermWriter(subword)
        self._max_len = max_len
        self._has_letter = np.array([any(map(str.isalnum, piece)) for piece in subword.pieces], dtype=bool)

    def apply(self, corpus: Corpus, *, seed: int, epoch: int) -> Corpus:
        """Inserts terms into a random share of the sources of a corpus.

        Which terms a source gets depends only on the pair, the seed, the epoch and the row number.

        Args:
            corpus: The corpus; `SourceNoise` may have altered its sources.
            seed: Random seed.
            epoch: Number of the epoch.

        Returns:
            A corpus of the same pairs, in which only the ids of the sources with inserted terms differ.
        """
        drawn = set(self.rows(len(corpus), seed=seed, epoch=epoch).tolist())
        if not drawn:
            return corpus
        rows = [
            self._with_terms(corpus, row, random.Random(f"{seed} {epoch} {row} terms"))
            if row in drawn
            else corpus.src[row].tolist()
            for row in range(len(corpus))
        ]
        return replace(corpus, src=Ragged.from_rows(rows))

    def rows(self, num_pairs: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
        """Row numbers of the pairs that are drawn to get terms in an epoch, `(num_drawn,)`. See `SourceNoise.rows`."""
        return drawn_rows(num_pairs, self.share, (seed, epoch, _STREAM))

    def _with_terms(self, corpus: Corpus, row: int, generator: random.Random) -> list[int]:
        ids: list[int] = corpus.src[row].tolist()
        possible = self._possible_terms(corpus, row)
        generator.shuffle(possible)
        chosen: list[tuple[LinkedSpan, Insertion]] = []
        most = generator.randint(1, MAX_TERMS)
        for span, insertion in possible:
            if len(chosen) < most and not any(_overlap(span, other) for other, _ in chosen):
                chosen.append((span, insertion))
        longer = insert_terms(ids, [insertion for _, insertion in sorted(chosen, key=lambda each: each[0])])
        return longer if len(longer) <= self._max_len else ids

    def _possible_terms(self, corpus: Corpus, row: int) -> list[tuple[LinkedSpan, Insertion]]:
        ids = corpus.src[row]
        numbers = self._links.src.word_numbers(ids)
        target, words = corpus.pairs[row].tgt, word_spans(corpus.pairs[row].tgt)
        terms = []
        for span in linked_spans(self._links.links[row].reshape(-1, 2).tolist()):
            src_start, src_end, tgt_start, tgt_end = span
            text = _without_marks(target[words[tgt_start][0] : words[tgt_end - 1][1]])
            [own] = np.nonzero((numbers >= src_start) & (numbers < src_end))
            lettered = own[self._has_letter[ids[own]]]
            # A term of a glossary has no final mark, so here it stands before that of the last word, too. Noise may
            # have removed the last word.
            if text and len(lettered) and numbers[lettered[-1]] == src_end - 1:
                terms.append((span, self._writer.insertion(int(own[0]), int(lettered[-1]) + 1, text)))
        return terms


def _overlap(first: LinkedSpan, second: LinkedSpan) -> bool:
    """Whether two linked spans share source words; only then do they share target words."""
    return first[0] < second[1] and second[0] < first[1]


def _without_marks(text: str) -> str:
    """A text without signs before its first and after its last letter or digit; empty if it has none."""
    places = [index for index, character in enumerate(text) if character.isalnum()]
    return text[places[0] : places[-1] + 1] if places else ""
