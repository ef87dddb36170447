"""Ranks the source words by the attention that each target word gives them."""

from __future__ import annotations

from dataclasses import dataclass

from regard.errors import ShapeError
from regard.inspection.record import AttentionRecord


@dataclass(frozen=True, slots=True)
class AttendedWord:
    """A source word with the attention weight that a target word gives to the source word.

    Attributes:
        index: 0-based position of the source word in the sentence.
        word: The source word.
        weight: Attention weight of the source word, 0 to 1.
    """

    index: int
    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The most and least attended source words of one target word.

    Attributes:
        index: 0-based position of the target word in the sentence.
        word: The target word.
        most: The most attended source words, largest weight first.
        least: The least attended of the other source words, smallest weight first.
        end_weight: Attention weight on the source `</s>` and on source subwords that belong to no word.
    """

    index: int
    word: str
    most: tuple[AttendedWord, ...]
    least: tuple[AttendedWord, ...]
    end_weight: float


def most_and_least(
    record: AttentionRecord, k: int = 3, *, layer: int | None = None, head: int | None = None
) -> tuple[Ranking, ...]:
    """Lists the most and the least attended source words of each target word.

    Args:
        record: The attention of a sentence.
        k: Largest number of source words in each of the two lists; no word is in both. Words of equal weight are
            ordered by position.
        layer: 0-based layer; None = mean over the layers.
        head: 0-based head; None = mean over the heads.

    Returns:
        One ranking per target word.

    Raises:
        ShapeError: `k` is less than 1.
    """
    if k < 1:
        raise ShapeError(f"expected k, the number of words in each list of attended words, to be at least 1, got k={k}")
    src_words, rankings = record.src_words, []
    for index, (word, row) in enumerate(zip(record.tgt_words, record.words(layer, head), strict=True)):
        *weights, end = row.tolist()
        attended = [AttendedWord(position, src_words[position], weight) for position, weight in enumerate(weights)]
        most = sorted(attended, key=lambda source: -source.weight)[:k]
        least = sorted((source for source in attended if source not in most), key=lambda source: source.weight)[:k]
        rankings.append(Ranking(index, word, tuple(most), tuple(least), end))
    return tuple(rankings)
