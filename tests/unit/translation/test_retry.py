"""A second try: only for what is suspicious, and kept only where it is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from regard.search.beam import BeamOptions
from regard.text.subword import Subword
from regard.translation.quality import QualityFlag
from regard.translation.result import Segment, Translation
from regard.translation.retry import retry

BAD = QualityFlag("coverage", 0.5, (0, 3))
TWO = "The cat sleeps. A dog runs."


@pytest.fixture(scope="module")
def subword() -> Subword:
    return Subword.train([TWO] * 5, vocab_size=300)


def tried(
    text: str, subword: Subword, answers: dict[int, Sequence[int]], *, attends: bool = True
) -> tuple[Translation, list[tuple[list[str], BeamOptions]]]:
    """Rescues one part with 2 suspicions between two good ones; `answers` are suspicions by beam and call."""
    asked = []
    source = subword.encode(text)
    good = Segment(1, 0, subword.encode("fine"), (Translation("fine", "bien", -1.0),))
    first = Translation(text, "first", -1.0, quality_flags=(BAD, BAD))

    def search(parts: Sequence[Segment], options: BeamOptions) -> list[Segment]:
        asked.append(([part.source.text for part in parts], options))
        counts = answers[options.beam][: len(parts)]
        return [
            replace(
                part, found=(Translation(part.source.text, f"beam{options.beam}", -2.0, quality_flags=(BAD,) * count),)
            )
            for part, count in zip(parts, counts, strict=True)
        ]

    parts = [good, Segment(2, 0, source, (first,)), good]
    found = retry(parts, search, options=BeamOptions(beam=3), subword=subword, attends=attends)
    assert (found[0], found[2]) == (good, good)
    return found[1].found[0], asked


def test_sentence_by_sentence(subword: Subword) -> None:
    best, asked = tried(TWO, subword, {3: [0, 0], 6: [0]})
    assert (best.text, best.source, best.quality_flags) == ("beam3 beam3", TWO, ())
    assert asked == [
        (["The cat sleeps.", "A dog runs."], BeamOptions(beam=3)),
        ([TWO], BeamOptions(beam=6, coverage_penalty=0.2)),
    ]


def test_the_least_suspicious_is_kept_and_the_first_of_equals(subword: Subword) -> None:
    assert tried(TWO, subword, {3: [1, 0], 6: [0]})[0].text == "beam6"
    assert tried(TWO, subword, {3: [1, 1], 6: [2]})[0].text == "first"
    kept = tried(TWO, subword, {3: [0, 1], 6: [1]})[0]
    assert (kept.text, kept.quality_flags) == ("beam3 beam3", (replace(BAD, where=(3, 6)),))


def test_one_sentence_is_only_searched_more_widely(subword: Subword) -> None:
    best, asked = tried("The cat sleeps.", subword, {3: [], 6: [1]}, attends=False)
    assert best.text == "beam6"
    assert asked == [([], BeamOptions(beam=3)), (["The cat sleeps."], BeamOptions(beam=6))]
