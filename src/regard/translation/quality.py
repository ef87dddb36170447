"""Signs that a translation went wrong, read off its length, its repetitions and, where there is any, its attention.

A search that fails does so in few ways: it stops too early and leaves part of the sentence out, it goes round in a
circle, or it looks at everything alike and says what it likes. The limits lie outside what good translations do, as
measured in `docs/robustness.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from regard.inspection.measures import coverage, sharpness
from regard.inspection.record import AttentionRecord
from regard.text.surface import SPACE
from regard.text.words import word_of_piece, word_spans
from regard.values import Encoding, Span

Kind = Literal["unfinished", "repetition", "length", "coverage", "entropy"]

LONGEST_UNIT = 8
"""Subwords of the longest phrase whose repetition is looked for."""
MOST_TIMES, MOST_TIMES_IN_WORD = 2, 5
"""How often a phrase, or a subword within words, may follow itself where the source does not repeat anything."""
SHORTEST, LONGEST, ALLOWANCE = 0.33, 3.0, 5
"""Subwords of the translation over those of the source, each with an allowance added, as short sentences vary more."""
LEAST_MASS, MOST_LEFT_OUT = 0.2, 2
"""Attention that a source word needs to be looked at at all, and how many words in a row may do without."""
LEAST_SHARPNESS, LEAST_COLUMNS = 0.2, 6
"""Mean sharpness of the rows, where the source has at least so many positions."""


@dataclass(frozen=True, slots=True)
class QualityFlag:
    """One sign that a translation went wrong.

    Attributes:
        kind: What is suspected.
        value: What was measured: subwords said, times, ratio of lengths, share of source words, mean sharpness.
        where: The words it is about, `[first, last)`: of the source for `coverage`, of the target for `repetition`.
    """

    kind: Kind
    value: float
    where: Span | None = None

    @property
    def message(self) -> str:
        """The suspicion as a sentence."""
        place = "" if self.where is None else f"{self.where[0] + 1} to {self.where[1]}"
        return {
            "unfinished": "the translation reached its length limit before its end",
            "repetition": f"suspicious: words {place} of the translation say the same {self.value:.0f} times",
            "length": f"suspicious: the translation is {self.value:.2f} times as long as the source",
            "coverage": f"suspicious: nothing looked at words {place} of the source, which may be left out",
            "entropy": f"suspicious: the attention is spread over everything (sharpness {self.value:.2f})",
        }[self.kind]

    def moved(self, *, src: int, tgt: int) -> QualityFlag:
        """The same within a longer line.

        Args:
            src: Source words before it.
            tgt: Target words before it.

        Returns:
            The suspicion with other word numbers.
        """
        if self.where is None:
            return self
        by = src if self.kind == "coverage" else tgt
        return replace(self, where=(self.where[0] + by, self.where[1] + by))

    def to_dict(self) -> dict[str, object]:
        """The suspicion as JSON has it: kind, value and where, which may be null."""
        return {
            "kind": self.kind,
            "value": round(self.value, 3),
            "where": None if self.where is None else list(self.where),
        }


def quality_flags(
    src: Encoding, tgt: Encoding, *, finished: bool = True, record: AttentionRecord | None = None
) -> tuple[QualityFlag, ...]:
    """What is suspicious of a translation.

    Args:
        src: The source.
        tgt: The translation.
        finished: Whether the search came to its end.
        record: Its attention; without it, coverage and entropy are not looked at.

    Returns:
        At most one of a kind, in the order of `Kind`.
    """
    found = [] if finished else [QualityFlag("unfinished", len(tgt.ids))]
    found += _repetition(src, tgt)
    ratio = (len(tgt.ids) + ALLOWANCE) / (len(src.ids) + ALLOWANCE)
    if not SHORTEST <= ratio <= LONGEST:
        found.append(QualityFlag("length", ratio))
    if record is not None:
        found += [*_left_out(record), *_blurred(record)]
    return tuple(found)


def _repetition(src: Encoding, tgt: Encoding) -> list[QualityFlag]:
    """The phrase that follows itself most often, if that is too often."""
    if max(Counter(tgt.ids).values(), default=0) <= MOST_TIMES:
        return []  # the usual case, at no cost
    times, start, stop = most_repeated(tgt.pieces)
    most = MOST_TIMES if any(piece.startswith(SPACE) for piece in tgt.pieces[start:stop]) else MOST_TIMES_IN_WORD
    says = any(character.isalpha() for character in tgt.text[tgt.spans[start][0] : tgt.spans[stop - 1][1]])
    if times <= most or not says or times <= most_repeated(src.pieces)[0]:
        return []
    words = [word for word in word_of_piece(tgt)[start:stop] if word is not None]
    return [QualityFlag("repetition", times, (words[0], words[-1] + 1) if words else None)]


def most_repeated(pieces: Sequence[str]) -> tuple[int, int, int]:
    """Finds what follows itself most often.

    >>> most_repeated("a b c b c b c d".split())
    (3, 1, 7)

    Args:
        pieces: Any.

    Returns:
        How often the phrase is said in a row, and where all of that starts and stops; the shortest phrase, and the
        first such place, of several.
    """
    times, start, stop = min(1, len(pieces)), 0, min(1, len(pieces))
    for size in range(1, min(LONGEST_UNIT, len(pieces) // 2) + 1):
        run = 0
        for place in range(size, len(pieces)):
            run = run + 1 if pieces[place] == pieces[place - size] else 0
            if run // size + 1 > times:
                times, start, stop = run // size + 1, place + 1 - run - size, place + 1
    return times, start, stop


def _left_out(record: AttentionRecord) -> list[QualityFlag]:
    """The longest run of source words at which no target subword looked (coverage, Tu et al. 2016, §3)."""
    num_words = len(word_spans(record.src.text))
    received = coverage(record.matrix()[: len(record.tgt.ids)]).tolist()
    mass = [0.0] * num_words
    for word, one in zip(word_of_piece(record.src), received, strict=False):  # the last column is no word's
        if word is not None:
            mass[word] += one
    left = [one < LEAST_MASS for one in mass]
    runs, place = [(0, 0)], 0
    for is_left, group in groupby(left):
        length = len(list(group))
        runs.append((length if is_left else 0, place))
        place += length
    length, first = max(runs, key=lambda run: run[0])
    if length <= MOST_LEFT_OUT:
        return []
    return [QualityFlag("coverage", sum(left) / num_words, (first, first + length))]


def _blurred(record: AttentionRecord) -> list[QualityFlag]:
    weights = record.matrix()
    value = float(sharpness(weights).mean())
    return [QualityFlag("entropy", value)] if weights.shape[1] >= LEAST_COLUMNS and value < LEAST_SHARPNESS else []
