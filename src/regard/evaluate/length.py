"""Quality by source length: where a model without attention falls behind (Bahdanau et al. 2015, fig. 2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from regard.errors import DataError
from regard.evaluate.scores import check_counts, corpus_bleu, corpus_chrf

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
        return f"{self.shortest}+" if self.longest is None else f"{self.shortest}-{self.longest}"


def by_source_length(
    sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str], *, edges: Sequence[int] = EDGES
) -> list[LengthRow]:
    """BLEU and chrF of buckets of source length.

    Args:
        sources: What was translated; words are what spaces separate.
        hypotheses: The translation of each.
        references: The right translation of each.
        edges: Words at which a new bucket begins, rising; the first bucket begins at 0.

    Returns:
        One row a bucket that has sentences, shortest sources first.

    Raises:
        DataError: The sequences differ in length or are empty, or the edges do not rise from 1 or more.
    """
    check_counts(hypotheses, references)
    check_counts(sources, references, what="sources")
    starts = [0, *edges]
    if any(before >= after for before, after in pairwise(starts)):
        raise DataError(f"expected rising edges of at least 1 word, got {', '.join(map(str, edges))}")
    buckets: dict[int, list[int]] = {}
    for number, source in enumerate(sources):
        buckets.setdefault(bisect_right(starts, len(source.split())) - 1, []).append(number)
    rows = []
    for bucket, numbers in sorted(buckets.items()):
        chosen = [hypotheses[number] for number in numbers]
        wanted = [references[number] for number in numbers]
        longest = starts[bucket + 1] - 1 if bucket + 1 < len(starts) else None
        rows.append(
            LengthRow(starts[bucket], longest, len(numbers), corpus_bleu(chosen, wanted), corpus_chrf(chosen, wanted))
        )
    return rows
