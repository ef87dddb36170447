"""A retry: only for flagged translations, and its result is used only if it has fewer flags."""

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


def retried(
    text: str,
    subword: Subword,
    num_flags: dict[int, Sequence[int]],
    *,
    attends: bool = True,
    prefix: tuple[int, ...] = (),
) -> tuple[Translation, list[tuple[list[str], BeamOptions]]]:
    """Retries a segment with 2 flags between two good ones; returns its translation and the searches.

    `num_flags` has, by beam, the number of flags of each translation that the search returns.
    """
    searches: list[tuple[list[str], BeamOptions]] = []
    source = subword.encode(text)
    good = Segment(1, 0, subword.encode("fine"), (Translation("fine", "bien", -1.0),))
    first = Translation(text, "first", -1.0, quality_flags=(BAD, BAD))

    def search(segments: Sequence[Segment], options: BeamOptions) -> list[Segment]:
        searches.append(([segment.source.text for segment in segments], options))
        counts = num_flags[options.beam][: len(segments)]
        return [
            replace(
                segment,
                found=(Translation(segment.source.text, f"beam{options.beam}", -2.0, quality_flags=(BAD,) * count),),
            )
            for segment, count in zip(segments, counts, strict=True)
        ]

    segments = [good, Segment(2, 0, source, (first,), prefix=prefix), good]
    found = retry(segments, search, options=BeamOptions(beam=3), subword=subword, attends=attends)
    assert (found[0], found[2], found[1].prefix) == (good, good, prefix)
    return found[1].found[0], searches


def test_sentence_by_sentence(subword: Subword) -> None:
    best, searches = retried(TWO, subword, {3: [0, 0], 6: [0]})
    assert (best.text, best.source, best.quality_flags) == ("beam3 beam3", TWO, ())
    assert searches == [
        (["The cat sleeps.", "A dog runs."], BeamOptions(beam=3)),
        ([TWO], BeamOptions(beam=6, coverage_penalty=0.2)),
    ]


def test_the_fewest_flags_win_and_the_first_among_equals(subword: Subword) -> None:
    assert retried(TWO, subword, {3: [1, 0], 6: [0]})[0].text == "beam6"
    assert retried(TWO, subword, {3: [1, 1], 6: [2]})[0].text == "first"
    best = retried(TWO, subword, {3: [0, 1], 6: [1]})[0]
    assert (best.text, best.quality_flags) == ("beam3 beam3", (replace(BAD, where=(3, 6)),))


def test_a_single_sentence_is_only_searched_with_a_wider_beam(subword: Subword) -> None:
    best, searches = retried("The cat sleeps.", subword, {3: [], 6: [1]}, attends=False)
    assert best.text == "beam6"
    assert searches == [([], BeamOptions(beam=3)), (["The cat sleeps."], BeamOptions(beam=6))]


def test_sentences_with_a_common_prefix_stay_together(subword: Subword) -> None:
    best, searches = retried(TWO, subword, {3: [0, 0], 6: [1]}, prefix=(7, 8))
    assert best.text == "beam6"
    assert searches == [([], BeamOptions(beam=3)), ([TWO], BeamOptions(beam=6, coverage_penalty=0.2))]
