"""Parts of a line become one translation: spaces where the language sets them, links at their words."""

from __future__ import annotations

import pytest

from regard.translation.result import Segment, Translation, join_segments
from regard.values import Encoding, Links


def part(first_word: int, text: str, links: Links = (), *, within_word: bool = False) -> Segment:
    found = Translation("", text, -1.0, tuple(text.split()), alignment=links)
    return Segment(3, first_word, Encoding("", (), (), ()), (found,), within_word=within_word)


@pytest.mark.parametrize(
    ("parts", "text", "links"),
    [
        ([part(0, "a b", ((0, 1),)), part(2, "c", ((0, 0),))], "a b c", ((0, 1), (2, 2))),
        ([part(0, "a"), part(1, ""), part(2, "c", ((0, 0),))], "a c", ((2, 1),)),
        ([part(0, ""), part(1, "b", ((0, 0),)), part(2, "")], "b", ((1, 0),)),
        (
            [part(0, "他 来。", ((0, 1),)), part(1, "好 吗？", ((0, 0), (1, 1)))],
            "他 来。好 吗？",
            ((0, 1), (1, 1), (2, 2)),
        ),
        ([part(0, "xx", ((0, 0),)), part(0, "yy z", ((0, 0), (1, 1)), within_word=True)], "xxyy z", ((0, 0), (1, 1))),
        ([part(0, ""), part(0, "yy", ((0, 0),), within_word=True)], "yy", ((0, 0),)),
    ],
)
def test_joining(parts: list[Segment], text: str, links: Links) -> None:
    whole = join_segments("source", parts)
    assert whole.text == text
    assert whole.alignment == links
    assert all(tgt < len(text.split()) for _, tgt in whole.alignment)
    assert whole.score == -len(parts)
    assert whole.warnings[0].startswith("sentence 3: longer than the model")
