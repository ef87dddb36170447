"""Splitting long text: nothing is lost or too long, and sentences and words stay whole where possible."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text import segments as module
from regard.text.normalize import normalize
from regard.text.segments import segments
from regard.text.subword import Subword

LINES = ["the cat sleeps on the big bed", "a small dog runs in the garden", "we do not know where they are"] * 5
WORDS = [*LINES[0].split(), "gardens", "catdog", "whey", "sleepsin", *LINES[1].split(), "knot", "hereare", "theory"]
TEXTS = st.text(st.sampled_from("thecatdogs   éß€😀.,!»。好"), max_size=120).map(normalize)


@pytest.fixture(scope="module")
def subword() -> Subword:
    return Subword.train(LINES, vocab_size=300)


@given(text=TEXTS, limit=st.integers(5, 30))
def test_nothing_is_lost_and_nothing_is_too_long(subword: Subword, text: str, limit: int) -> None:
    parts = segments(text, subword, limit=limit)
    assert "".join(part.encoding.text.replace(" ", "") for part in parts) == text.replace(" ", "")
    words = text.split()
    for part in parts:
        assert 0 < len(part.encoding.ids) <= limit
        first, *more = part.encoding.text.split()
        assert first in words[part.first_word]
        for offset, word in enumerate(more[:-1], start=1):
            assert word == words[part.first_word + offset]
        assert part.encoding == subword.encode(part.encoding.text)


@given(words=st.lists(st.sampled_from(WORDS), max_size=40), limit=st.integers(9, 40))
def test_words_stay_whole_where_they_fit(subword: Subword, words: list[str], limit: int) -> None:
    text = " ".join(words)
    parts = segments(text, subword, limit=limit)
    assert " ".join(part.encoding.text for part in parts) == text
    assert [part.first_word for part in parts] == [
        sum(len(earlier.encoding.text.split()) for earlier in parts[:number]) for number in range(len(parts))
    ]


def test_a_text_that_fits_is_one_segment(subword: Subword) -> None:
    [whole] = segments(LINES[0], subword, limit=100)
    assert whole.encoding == subword.encode(LINES[0])
    assert whole.first_word == 0
    assert segments("", subword, limit=3) == []


def test_segments_are_as_long_as_possible(subword: Subword) -> None:
    """Each segment takes as many whole words as fit, for many limits."""
    words = WORDS * 3
    assert max(len(subword.encode(word).ids) for word in words) > 4

    @cache
    def size(text: str) -> int:
        return len(subword.encode(text).ids)

    for limit in range(9, 45):
        expected, start = [], 0
        while start < len(words):
            stop = min(len(words), start + limit)  # a word has a subword at least
            while size(" ".join(words[start:stop])) > limit:
                stop -= 1
            expected.append(" ".join(words[start:stop]))
            start = stop
        assert [part.encoding.text for part in segments(" ".join(words), subword, limit=limit)] == expected


def test_a_character_of_more_bytes_than_the_limit_stays_whole(subword: Subword) -> None:
    [part] = segments("😀", subword, limit=2)
    assert part.encoding.text == "😀"


def test_a_very_long_word(subword: Subword) -> None:
    parts = segments("x" * 5000, subword, limit=64)
    assert {part.first_word for part in parts} == {0}
    assert max(len(part.encoding.ids) for part in parts) <= 64
    assert "".join(part.encoding.text for part in parts) == "x" * 5000


SENTENCES = "The cat sleeps. A small dog runs, and we know it! Do we know where they are? No."


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        (SENTENCES, 18, ["The cat sleeps.", "A small dog runs, and we know it!", "Do we know where they are? No."]),
        # No sentence fits: split at the last clause, unless it is too near the start.
        ("we know where they are, the cat and the dog", 11, ["we know where they are,", "the cat and the dog"]),
        ("cat, we do not know where they are", 7, ["cat, we do not know where", "they are"]),
        ("好好。好好。好", 12, ["好好。", "好好。", "好"]),
        ("好好好好", 8, ["好好", "好好"]),
        ("the dog sleepssleepssleeps", 9, None),
    ],
)
def test_sentences_and_clauses_stay_whole_where_they_fit(
    subword: Subword, text: str, limit: int, expected: list[str] | None
) -> None:
    parts = segments(text, subword, limit=limit)
    if expected:
        assert [part.encoding.text for part in parts] == expected
        assert not any(part.within_word for part in parts)
    else:
        assert [part.within_word for part in parts] == [False, False, True]


@given(text=TEXTS, limit=st.integers(5, 30), size=st.integers(1, 40))
def test_splitting_in_blocks_keeps_the_guarantees(subword: Subword, text: str, limit: int, size: int) -> None:
    whole = segments(text, subword, limit=limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_SIZE", size)
        parts = segments(text, subword, limit=limit)
    assert "".join(part.encoding.text.replace(" ", "") for part in parts) == text.replace(" ", "")
    assert all(len(part.encoding.ids) <= limit for part in parts)
    assert len(parts) <= 2 * len(whole) + 1
