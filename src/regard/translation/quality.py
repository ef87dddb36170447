"""Quality flags: signs of a bad translation in its length, its repetitions and, if the model has any, its attention.

A search fails in few ways: it stops too early and leaves out part of the sentence, it repeats a phrase without end, or
its attention is spread over everything and the output is unrelated to the source. The limits lie outside the range of
good translations, as measured in `docs/robustness.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from regard.inspection.measures import coverage, sharpness
from regard.inspection.record import AttentionRecord
from regard.text.tokenizers import SPACE
from regard.text.words import word_of_piece, word_spans
from regard.values import Encoding, Span

Kind = Literal["unfinished", "repetition", "length", "coverage", "entropy"]

LONGEST_UNIT = 8
"""Largest number of subwords of a phrase whose repetition is detected."""
MOST_TIMES, MOST_TIMES_IN_WORD = 2, 5
"""How often a phrase, or a subword within words, may occur in a row if the source does not repeat anything."""
SHORTEST, LONGEST, ALLOWANCE = 0.33, 3.0, 5
"""Smallest and largest accepted (target subwords + allowance) / (source subwords + allowance), and the allowance, which
admits that the lengths of short sentences vary more."""
LEAST_WEIGHT, MOST_UNCOVERED = 0.2, 2
"""Total attention weight at which a source word counts as covered, and how many consecutive source words may stay
uncovered."""
LEAST_SHARPNESS, LEAST_COLUMNS = 0.2, 6
"""Smallest accepted mean sharpness of the attention, and the smallest number of source positions at which it is
checked."""


@dataclass(frozen=True, slots=True)
class QualityFlag:
    """One sign of a bad translation.

    Attributes:
        kind: Kind of the flag: `unfinished` (cut off at the length limit), `repetition` (a phrase is repeated too
            often), `length` (much shorter or longer than the source), `coverage` (source words without attention) or
            `entropy` (attention spread over the whole source).
        value: Measured value. `unfinished`: number of target subwords. `repetition`: how often the phrase occurs in a
            row. `length`: (target subwords + 5) / (source subwords + 5). `coverage`: share of source words without
            attention. `entropy`: mean of `1 - entropy / ln S` over the target, S = source length; near 0 if the
            attention is uniform.
        where: Range of 0-based word numbers `[first, last)` that the flag refers to: source words for `coverage`,
            target words for `repetition`; None for other kinds.
    """

    kind: Kind
    value: float
    where: Span | None = None

    @property
    def message(self) -> str:
        """Message for the user that describes the flag in one sentence."""
        place = "" if self.where is None else f"{self.where[0] + 1} to {self.where[1]}"
        return {
            "unfinished": "unfinished: the translation reached its length limit before its end",
            "repetition": f"repetition: words {place} of the translation repeat a phrase {self.value:.0f} times",
            "length": f"length: the translation is {self.value:.2f} times as long as the source",
            "coverage": f"undertranslation: no attention on words {place} of the source, which may be left out",
            "entropy": f"entropy: the attention is spread over the whole source (sharpness {self.value:.2f})",
        }[self.kind]

    def moved(self, *, src: int, tgt: int) -> QualityFlag:
        """Converts the word numbers of a flag from those of a segment to those of the whole line.

        Args:
            src: Number of source words of the line before the segment.
            tgt: Number of target words of the line before the segment.

        Returns:
            The flag with word numbers counted from the start of the line.
        """
        if self.where is None:
            return self
        by = src if self.kind == "coverage" else tgt
        return replace(self, where=(self.where[0] + by, self.where[1] + by))

    def to_dict(self) -> dict[str, object]:
        """Converts the flag to a JSON object with the keys `kind`, `value` and `where`; `where` may be null."""
        return {
            "kind": self.kind,
            "value": round(self.value, 3),
            "where": None if self.where is None else list(self.where),
        }


def quality_flags(
    src: Encoding, tgt: Encoding, *, finished: bool = True, record: AttentionRecord | None = None
) -> tuple[QualityFlag, ...]:
    """Checks a translation for signs that it is bad.

    Args:
        src: Encoded source sentence.
        tgt: Encoded translation.
        finished: Whether the translation ended with eos.
        record: Attention of the translation; without it, coverage and entropy are not checked.

    Returns:
        The quality flags, at most one per kind, in the order unfinished, repetition, length, coverage, entropy.
    """
    found = [] if finished else [QualityFlag("unfinished", len(tgt.ids))]
    found += _repetition(src, tgt)
    ratio = (len(tgt.ids) + ALLOWANCE) / (len(src.ids) + ALLOWANCE)
    if not SHORTEST <= ratio <= LONGEST:
        found.append(QualityFlag("length", ratio))
    if record is not None:
        found += [*_uncovered(record), *_blurred(record)]
    return tuple(found)


def _repetition(src: Encoding, tgt: Encoding) -> list[QualityFlag]:
    """The phrase that is repeated most often, if that is too often."""
    if max(Counter(tgt.ids).values(), default=0) <= MOST_TIMES:
        return []  # the usual case, decided cheaply
    times, start, stop = most_repeated(tgt.pieces)
    most = MOST_TIMES if any(piece.startswith(SPACE) for piece in tgt.pieces[start:stop]) else MOST_TIMES_IN_WORD
    has_letters = any(character.isalpha() for character in tgt.text[tgt.spans[start][0] : tgt.spans[stop - 1][1]])
    if times <= most or not has_letters or times <= most_repeated(src.pieces)[0]:
        return []
    words = [word for word in word_of_piece(tgt)[start:stop] if word is not None]
    return [QualityFlag("repetition", times, (words[0], words[-1] + 1) if words else None)]


def most_repeated(pieces: Sequence[str]) -> tuple[int, int, int]:
    """Finds the phrase of at most `LONGEST_UNIT` (8) subwords that is repeated most often in a row.

    >>> most_repeated("a b c b c b c d".split())
    (3, 1, 7)

    Args:
        pieces: Subwords of a sentence.

    Returns:
        How often the phrase occurs in a row, and the range `start`, `stop` of subwords that these occurrences cover. If
        several phrases are repeated equally often, the shortest and then the first is chosen.
    """
    times, start, stop = min(1, len(pieces)), 0, min(1, len(pieces))
    for size in range(1, min(LONGEST_UNIT, len(pieces) // 2) + 1):
        run = 0
        for place in range(size, len(pieces)):
            run = run + 1 if pieces[place] == pieces[place - size] else 0
            if run // size + 1 > times:
                times, start, stop = run // size + 1, place + 1 - run - size, place + 1
    return times, start, stop


def _uncovered(record: AttentionRecord) -> list[QualityFlag]:
    """The longest run of source words without attention (coverage, Tu et al. 2016, §3)."""
    num_words = len(word_spans(record.src.text))
    received = coverage(record.matrix()[: len(record.tgt.ids)]).tolist()
    weights = [0.0] * num_words
    for word, weight in zip(word_of_piece(record.src), received, strict=False):  # the last column is no word's
        if word is not None:
            weights[word] += weight
    uncovered = [weight < LEAST_WEIGHT for weight in weights]
    runs, position = [(0, 0)], 0
    for is_uncovered, group in groupby(uncovered):
        length = len(list(group))
        runs.append((length if is_uncovered else 0, position))
        position += length
    length, first = max(runs, key=lambda run: run[0])
    if length <= MOST_UNCOVERED:
        return []
    return [QualityFlag("coverage", sum(uncovered) / num_words, (first, first + length))]


def _blurred(record: AttentionRecord) -> list[QualityFlag]:
    weights = record.matrix()
    value = float(sharpness(weights).mean())
    return [QualityFlag("entropy", value)] if weights.shape[1] >= LEAST_COLUMNS and value < LEAST_SHARPNESS else []
