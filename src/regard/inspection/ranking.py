"""Ranks the source words by the attention that each target word gives them."""

from __future__ import annotations

from dataclasses import dataclass

from regard.errors import ShapeError
from regard.inspection.record import AttentionRecord


@dataclass(frozen=True, slots=True)
class AttendedWord:
    """A source word with its attention weight.

    Attributes:
        index: 0-based number of the source word.
        word: The word.
        weight: Attention weight, 0 to 1.
    """

    index: int
    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The most and least attended source words of one target word.

    Attributes:
        index: 0-based number of the target word.
        word: The target word.
        most: The most attended source words, largest weight first.
        least: The least attended of the other source words, smallest weight first.
        end_weight: Weight on `</s>` and on anything else that belongs to no word.
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
        record: The attention of a sentence.
        k: Largest number of words in each list; no word is in both. Ties are ordered by position.
        layer: 0-based layer; None = mean over the layers.
        head: 0-based head; None = mean over the heads.

    Returns:
        One ranking per target word.

    Raises:
        ShapeError: `k` is less than 1.
    """
    if k < 1:
        raise ShapeError(f"expected k of at least 1, got k={k}")
    src_words, rankings = record.src_words, []
    for index, (word, row) in enumerate(zip(record.tgt_words, record.words(layer, head), strict=True)):
        *weights, end = row.tolist()
        attended = [AttendedWord(position, src_words[position], weight) for position, weight in enumerate(weights)]
        most = sorted(attended, key=lambda source: -source.weight)[:k]
        least = sorted((source for source in attended if source not in most), key=lambda source: source.weight)[:k]
        rankings.append(Ranking(index, word, tuple(most), tuple(least), end))
    return tuple(rankings)
