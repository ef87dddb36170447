"""Segments of a line are joined to one translation: spaces where the language has them, links at their words."""

from __future__ import annotations

import pytest

from regard.translation.result import Segment, Translation, join_segments
from regard.values import Encoding, Links


def segment(first_word: int, text: str, links: Links = (), *, within_word: bool = False) -> Segment:
    translation = Translation("", text, -1.0, tuple(text.split()), alignment=links)
    return Segment(3, first_word, Encoding("", (), (), ()), (translation,), within_word=within_word)


@pytest.mark.parametrize(
    ("segments", "text", "links"),
    [
        ([segment(0, "a b", ((0, 1),)), segment(2, "c", ((0, 0),))], "a b c", ((0, 1), (2, 2))),
        ([segment(0, "a"), segment(1, ""), segment(2, "c", ((0, 0),))], "a c", ((2, 1),)),
        ([segment(0, ""), segment(1, "b", ((0, 0),)), segment(2, "")], "b", ((1, 0),)),
        (
            [segment(0, "他 来。", ((0, 1),)), segment(1, "好 吗？", ((0, 0), (1, 1)))],
            "他 来。好 吗？",
            ((0, 1), (1, 1), (2, 2)),
        ),
        (
            [segment(0, "xx", ((0, 0),)), segment(0, "yy z", ((0, 0), (1, 1)), within_word=True)],
            "xxyy z",
            ((0, 0), (1, 1)),
        ),
        ([segment(0, ""), segment(0, "yy", ((0, 0),), within_word=True)], "yy", ((0, 0),)),
    ],
)
def test_joining(segments: list[Segment], text: str, links: Links) -> None:
    joined = join_segments("source", segments)
    assert joined.text == text
    assert joined.alignment == links
    assert all(tgt < len(text.split()) for _, tgt in joined.alignment)
    assert joined.score == -len(segments)
    assert joined.warnings[0].startswith("sentence 3: longer than the model")
