"""Alignment error rate of predicted word links against gold links (Och & Ney 2003, §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.errors import DataError
from regard.values import Links


@dataclass(frozen=True, slots=True)
class AlignmentScores:
    """Counts of word links over a corpus, and the rates computed from these counts.

    Predicted links are A, sure gold links S, possible gold links P, and S ⊆ P.

    Attributes:
        num_predicted: |A|, number of predicted links.
        num_sure: |S|, number of sure gold links.
        num_in_sure: |A ∩ S|, number of predicted links that are sure gold links.
        num_in_possible: |A ∩ P|, number of predicted links that are possible gold links.
    """

    num_predicted: int
    num_sure: int
    num_in_sure: int
    num_in_possible: int

    @property
    def aer(self) -> float:
        """Alignment error rate, `1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|)`; 0 is perfect."""
        total = self.num_predicted + self.num_sure
        return 1.0 - (self.num_in_sure + self.num_in_possible) / total if total else 0.0

    @property
    def precision(self) -> float:
        """Share of predicted links that are possible gold links, `|A ∩ P| / |A|`; 1 without predicted links."""
        return self.num_in_possible / self.num_predicted if self.num_predicted else 1.0

    @property
    def recall(self) -> float:
        """Share of sure gold links that were predicted, `|A ∩ S| / |S|`; 1 without sure links."""
        return self.num_in_sure / self.num_sure if self.num_sure else 1.0

    def to_dict(self) -> dict[str, float]:
        """Converts the rates to a dictionary with the keys `aer`, `precision` and `recall`."""
        return {"aer": self.aer, "precision": self.precision, "recall": self.recall}


def alignment_error_rate(
    links: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links] | None = None
) -> AlignmentScores:
    """Compares predicted word links with gold links; the rates are computed from counts over the whole corpus.

    >>> alignment_error_rate([((0, 0), (1, 1))], [((0, 0),)], [((1, 1), (1, 2))]).aer
    0.0

    Args:
        links: Predicted links of each sentence pair.
        sure: Sure gold links of each sentence pair, which must be predicted.
        possible: Possible gold links of each sentence pair, which may be predicted; sure links always count as possible
            links. None = only the sure links.

    Returns:
        Counts of links, with the rates as the properties `aer`, `precision` and `recall`.

    Raises:
        DataError: The numbers of sentence pairs differ.
    """
    allowed = sure if possible is None else possible
    if not len(links) == len(sure) == len(allowed):
        raise DataError(
            f"expected predicted, sure and possible links of the same sentence pairs, got those of {len(links)}, "
            f"{len(sure)} and {len(allowed)} pairs: give files with one line for each sentence pair"
        )
    predicted = [set(pair) for pair in links]
    certain = [set(pair) for pair in sure]
    either = [own | set(more) for own, more in zip(certain, allowed, strict=True)]
    return AlignmentScores(
        num_predicted=sum(map(len, predicted)),
        num_sure=sum(map(len, certain)),
        num_in_sure=sum(len(a & s) for a, s in zip(predicted, certain, strict=True)),
        num_in_possible=sum(len(a & p) for a, p in zip(predicted, either, strict=True)),
    )
