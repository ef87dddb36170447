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
    """BLEU and chrF of the translations of all sentences whose source length is in one range.

    Attributes:
        shortest: Smallest source length of the range, in words.
        longest: Largest source length of the range, in words; None = no limit.
        num_sentences: Number of sentences in the range, at least 1.
        bleu: BLEU of these sentences, 0 to 100.
        chrf: chrF2 of these sentences, 0 to 100.
    """

    shortest: int
    longest: int | None
    num_sentences: int
    bleu: float
    chrf: float

    @property
    def label(self) -> str:
        """The range of source lengths as text, such as `10-19` or `50+`."""
        return range_label(self.shortest, self.longest)


def by_source_length(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    edges: Sequence[int] = EDGES,
    tokenize: str = AUTO,
) -> list[LengthRow]:
    """Computes BLEU and chrF separately for ranges of source length.

    Args:
        sources: Source sentences, with words separated by spaces.
        hypotheses: Translations to score, one per source.
        references: Reference translations, one per source.
        edges: Lengths in words at which a new range begins, in increasing order; the first range begins at 0.
        tokenize: sacreBLEU's name of the tokenizer for BLEU; `auto` = chosen by the script of all references.

    Returns:
        One row per range that contains sentences, shortest sources first.

    Raises:
        DataError: The numbers of sources, translations and references differ or are 0, or `edges` do not increase from
            at least 1.
    """
    check_counts(hypotheses, references)
    check_counts(sources, references, what="sources")
    if any(before >= after for before, after in pairwise([0, *edges])):
        raise DataError(
            "source lengths at which a new range begins: expected numbers of at least 1 in increasing order, got "
            f"{', '.join(map(str, edges))}"
        )
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
    """Groups values, such as sentence lengths, into ranges.

    >>> buckets([3, 12, 4, 99], [10, 20])
    [(0, 9, [0, 2]), (10, 19, [1]), (20, None, [3])]

    Args:
        values: Values of at least 0.
        edges: Values at which a new range begins, in increasing order; the first range begins at 0.

    Returns:
        Per range that contains values: the smallest and the largest value allowed (None = no limit), and the indices in
        `values` of those in the range.
    """
    starts = [0, *edges]
    by_range: dict[int, list[int]] = {}
    for index, value in enumerate(values):
        by_range.setdefault(bisect_right(starts, value) - 1, []).append(index)
    lasts = [*(start - 1 for start in edges), None]
    return [(starts[number], lasts[number], indices) for number, indices in sorted(by_range.items())]


def range_label(first: int, last: int | None) -> str:
    """Formats a range of integers as text.

    >>> range_label(10, 19), range_label(50, None), range_label(0, 0)
    ('10-19', '50+', '0')

    Args:
        first: Smallest value of the range.
        last: Largest value of the range; None = no limit.

    Returns:
        The range as text, such as `10-19`.
    """
    if last is None:
        return f"{first}+"
    return str(first) if first == last else f"{first}-{last}"
