"""For each output word, the input words that mattered most and least."""

from __future__ import annotations

from dataclasses import dataclass

from regard.errors import ShapeError
from regard.inspection.record import AttentionRecord


@dataclass(frozen=True, slots=True)
class AttendedWord:
    """A source word and what it received.

    Attributes:
        index: 0-based number of the source word.
        word: The word.
        weight: Its share of the attention, 0 to 1.
    """

    index: int
    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The source words as one target word ranks them.

    Attributes:
        index: 0-based number of the target word.
        word: The target word.
        most: The source words that received most, largest first.
        least: Of the others, those that received least, smallest first.
        end_weight: What went to `</s>` and to no word.
    """

    index: int
    word: str
    most: tuple[AttendedWord, ...]
    least: tuple[AttendedWord, ...]
    end_weight: float


def most_and_least(
    record: AttentionRecord, k: int = 3, *, layer: int | None = None, head: int | None = None
) -> tuple[Ranking, ...]:
    """Ranks the source words for each target word.

    Args:
        record: What was attended to.
        k: At most so many words in each list; no word stands in both. On a tie the earlier word comes first.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.

    Returns:
        One ranking a target word.

    Raises:
        ShapeError: Where `k` is less than 1.
    """
    if k < 1:
        raise ShapeError(f"expected to list at least 1 word, got k={k}")
    src_words, rankings = record.src_words, []
    for index, (word, row) in enumerate(zip(record.tgt_words, record.words(layer, head), strict=True)):
        *weights, end = row.tolist()
        attended = [AttendedWord(place, src_words[place], weight) for place, weight in enumerate(weights)]
        most = sorted(attended, key=lambda one: -one.weight)[:k]
        least = sorted((one for one in attended if one not in most), key=lambda one: one.weight)[:k]
        rankings.append(Ranking(index, word, tuple(most), tuple(least), end))
    return tuple(rankings)
