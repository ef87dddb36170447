"""BLEU and chrF by source length: models without attention get worse as it grows (Bahdanau et al. 2015, fig. 2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from regard.errors import DataError
from regard.evaluate.scores import check_counts, corpus_bleu, corpus_chrf
from regard.evaluate.tokenizers import AUTO, choose_tokenizer

EDGES = (10, 20, 30, 40, 50)
"""Default source lengths, in words, at which a new bucket begins."""


@dataclass(frozen=True, slots=True)
class LengthRow:
    """Scores of the sentences whose source length is in one range.

    Attributes:
        shortest: Smallest source length of the range, in words.
        longest: Largest source length; None = no limit.
        num_sentences: Number of sentences, at least 1.
        bleu: BLEU of these sentences, as in `Scores`.
        chrf: chrF of these sentences, as in `Scores`.
    """

    shortest: int
    longest: int | None
    num_sentences: int
    bleu: float
    chrf: float

    @property
    def label(self) -> str:
        """The range as text: `10-19`, `50+`."""
        return range_label(self.shortest, self.longest)


def by_source_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    edges: Sequence[int] = EDGES,
    tokenize: str = AUTO,
) -> list[LengthRow]:
    """Computes BLEU and chrF by source length.

    Args:
        sources: Source sentences; words are separated by spaces.
        hypotheses: One translation per source.
        references: One reference per source.
        edges: Lengths at which a new bucket begins, in increasing order; the first bucket begins at 0.
        tokenize: Tokenizer of BLEU, as for `regard.evaluate.scores.corpus_scores`; `auto` chooses one for all buckets.

    Returns:
        One row per bucket with sentences, shortest sources first.

    Raises:
        DataError: The sequences differ in length or are empty, or the edges do not increase from at least 1.
    """
    check_counts(hypotheses, references)
    check_counts(sources, references, what="sources")
    if any(before >= after for before, after in pairwise([0, *edges])):
        raise DataError(f"expected edges of at least 1 word in increasing order, got {', '.join(map(str, edges))}")
    tokenizer = choose_tokenizer(references, tokenize)
    rows = []
    for shortest, longest, indices in buckets([len(source.split()) for source in sources], edges):
        bucket_hypotheses = [hypotheses[index] for index in indices]
        bucket_references = [references[index] for index in indices]
        bleu = corpus_bleu(bucket_hypotheses, bucket_references, tokenize=tokenizer)
        chrf = corpus_chrf(bucket_hypotheses, bucket_references)
        rows.append(LengthRow(shortest, longest, len(indices), bleu, chrf))
    return rows


def buckets(values: Sequence[int], edges: Sequence[int]) -> list[tuple[int, int | None, list[int]]]:
    """Groups values into ranges.

    >>> buckets([3, 12, 4, 99], [10, 20])
    [(0, 9, [0, 2]), (10, 19, [1]), (20, None, [3])]

    Args:
        values: Values, at least 0.
        edges: Values at which a new range begins, besides 0, in increasing order.

    Returns:
        For each range that is not empty: its smallest and largest value (None = no limit), and the indices of its
        values.
    """
    starts = [0, *edges]
    by_range: dict[int, list[int]] = {}
    for index, value in enumerate(values):
        by_range.setdefault(bisect_right(starts, value) - 1, []).append(index)
    lasts = [*(start - 1 for start in edges), None]
    return [(starts[number], lasts[number], indices) for number, indices in sorted(by_range.items())]


def range_label(first: int, last: int | None) -> str:
    """Formats a range.

    >>> range_label(10, 19), range_label(50, None), range_label(0, 0)
    ('10-19', '50+', '0')

    Args:
        first: Smallest value.
        last: Largest value; None = no limit.

    Returns:
        Text such as `10-19`.
    """
    if last is None:
        return f"{first}+"
    return str(first) if first == last else f"{first}-{last}"
