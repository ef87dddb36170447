"""Quality by source length: where a model without attention falls behind (Bahdanau et al. 2015, fig. 2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from regard.errors import DataError
from regard.evaluate.scores import check_counts, corpus_bleu, corpus_chrf
from regard.evaluate.tokenizers import AUTO, choose_tokenizer

EDGES = (10, 20, 30, 40, 50)
"""Words at which a new bucket begins, when not said otherwise."""


@dataclass(frozen=True, slots=True)
class LengthRow:
    """Sentences whose sources are about equally long, and their scores.

    Attributes:
        shortest: Fewest source words of the bucket.
        longest: Most source words; None = no limit.
        num_sentences: Sentences in it, at least 1.
        bleu: As in `Scores`, over the bucket.
        chrf: As in `Scores`, over the bucket.
    """

    shortest: int
    longest: int | None
    num_sentences: int
    bleu: float
    chrf: float

    @property
    def label(self) -> str:
        """The lengths as a reader writes them: `10-19`, `50+`."""
        return range_label(self.shortest, self.longest)


def by_source_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    edges: Sequence[int] = EDGES,
    tokenize: str = AUTO,
) -> list[LengthRow]:
    """BLEU and chrF of buckets of source length.

    Args:
        sources: What was translated; words are what spaces separate.
        hypotheses: The translation of each.
        references: The right translation of each.
        edges: Words at which a new bucket begins, rising; the first bucket begins at 0.
        tokenize: Tokenizer of BLEU, as for `regard.evaluate.scores.corpus_scores`; `auto` chooses one for all buckets.

    Returns:
        One row a bucket that has sentences, shortest sources first.

    Raises:
        DataError: The sequences differ in length or are empty, or the edges do not rise from 1 or more.
    """
    check_counts(hypotheses, references)
    check_counts(sources, references, what="sources")
    if any(before >= after for before, after in pairwise([0, *edges])):
        raise DataError(f"expected rising edges of at least 1 word, got {', '.join(map(str, edges))}")
    tokenizer = choose_tokenizer(references, tokenize)
    rows = []
    for shortest, longest, numbers in buckets([len(source.split()) for source in sources], edges):
        chosen = [hypotheses[number] for number in numbers]
        wanted = [references[number] for number in numbers]
        bleu = corpus_bleu(chosen, wanted, tokenize=tokenizer)
        rows.append(LengthRow(shortest, longest, len(numbers), bleu, corpus_chrf(chosen, wanted)))
    return rows


def buckets(values: Sequence[int], edges: Sequence[int]) -> list[tuple[int, int | None, list[int]]]:
    """Sorts things by size into ranges.

    >>> buckets([3, 12, 4, 99], [10, 20])
    [(0, 9, [0, 2]), (10, 19, [1]), (20, None, [3])]

    Args:
        values: The size of each.
        edges: Where a new range begins, beside 0; rising.

    Returns:
        Of each range that holds any: its smallest and largest value, None = no limit, and the places of what it holds.
    """
    starts = [0, *edges]
    found: dict[int, list[int]] = {}
    for place, value in enumerate(values):
        found.setdefault(bisect_right(starts, value) - 1, []).append(place)
    lasts = [*(start - 1 for start in edges), None]
    return [(starts[at], lasts[at], places) for at, places in sorted(found.items())]


def range_label(first: int, last: int | None) -> str:
    """A range as a reader writes it.

    >>> range_label(10, 19), range_label(50, None), range_label(0, 0)
    ('10-19', '50+', '0')

    Args:
        first: The smallest value.
        last: The largest; None = no limit.

    Returns:
        Such as `10-19`.
    """
    if last is None:
        return f"{first}+"
    return str(first) if first == last else f"{first}-{last}"
