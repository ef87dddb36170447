"""Alignment error rate: how far guessed word links are from those that people drew (Och & Ney 2003, §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.errors import DataError
from regard.values import Links


@dataclass(frozen=True, slots=True)
class AlignmentScores:
    """Counts of links over a corpus, and the rates that follow from them.

    Guessed links are A, sure ones S, possible ones P, and S ⊆ P.

    Attributes:
        num_guessed: |A|.
        num_sure: |S|.
        num_in_sure: |A ∩ S|.
        num_in_possible: |A ∩ P|.
    """

    num_guessed: int
    num_sure: int
    num_in_sure: int
    num_in_possible: int

    @property
    def aer(self) -> float:
        """`1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|)`, 0 is perfect; 0 where there is nothing to link and no guess."""
        total = self.num_guessed + self.num_sure
        return 1.0 - (self.num_in_sure + self.num_in_possible) / total if total else 0.0

    @property
    def precision(self) -> float:
        """`|A ∩ P| / |A|`; 1 without a guess."""
        return self.num_in_possible / self.num_guessed if self.num_guessed else 1.0

    @property
    def recall(self) -> float:
        """`|A ∩ S| / |S|`; 1 where no link is sure."""
        return self.num_in_sure / self.num_sure if self.num_sure else 1.0

    def to_dict(self) -> dict[str, float]:
        """The rates as JSON has them: `aer`, `precision` and `recall`."""
        return {"aer": self.aer, "precision": self.precision, "recall": self.recall}


def alignment_error_rate(
    links: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links] | None = None
) -> AlignmentScores:
    """Compares guessed links with gold ones; counts are summed over the corpus before any rate is taken.

    >>> alignment_error_rate([((0, 0), (1, 1))], [((0, 0),)], [((1, 1), (1, 2))]).aer
    0.0

    Args:
        links: The guess, one alignment a sentence pair.
        sure: What must be found.
        possible: What may be found; sure links count among them whether they stand there or not. None = only
            what is sure.

    Returns:
        The counts, with `aer`, `precision` and `recall`.

    Raises:
        DataError: The sequences differ in length.
    """
    allowed = sure if possible is None else possible
    if not len(links) == len(sure) == len(allowed):
        raise DataError(
            f"expected alignments of the same sentence pairs, got {len(links)} guessed, {len(sure)} sure and "
            f"{len(allowed)} possible: align the files line by line"
        )
    guessed = [set(one) for one in links]
    certain = [set(one) for one in sure]
    either = [one | set(more) for one, more in zip(certain, allowed, strict=True)]
    return AlignmentScores(
        num_guessed=sum(map(len, guessed)),
        num_sure=sum(map(len, certain)),
        num_in_sure=sum(len(a & s) for a, s in zip(guessed, certain, strict=True)),
        num_in_possible=sum(len(a & p) for a, p in zip(guessed, either, strict=True)),
    )
