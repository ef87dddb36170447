"""Leakage of test pairs into a training corpus: whole sides, short sides, and n-grams."""

from __future__ import annotations

import pytest

from regard.data.cleaning.leakage import Leakage
from regard.values import Pair

TEST = [
    Pair("The committee will meet again on Monday to vote on the new budget.", "Le comité votera lundi."),
    Pair("Thank you.", "Merci."),
    Pair("I came home very late.", "昨日はとても遅く家に帰りましたので疲れています。"),
]


@pytest.mark.parametrize(
    ("src", "tgt", "score"),
    [
        ("the committee will meet again on Monday, to vote on the new budget", "x", 1),
        ("x", "Le comité votera lundi", 1),
        ("Thank you!", "merci", 1),
        ("Thank you!", "Je vous remercie.", 0),
        ("Le comité votera lundi.", "x", 0),
        ("We hope the committee will meet again on Monday to vote on it.", "x", 10 / 13),
        ("x", "昨日はとても遅く家に帰りましたので、疲れた。", 19 / 23),
        ("On Monday to vote on the new budget.", "x", 8 / 13),  # wholly within the test sentence, but not the sentence
        (f"As announced yesterday, {TEST[0].src} No member objected to that plan, and so on.", "x", 1),
        ("The committee will meet again on Monday to vote on the new law.", "x", 12 / 13),  # last word
        ("The committee will meet again on Tuesday to vote on the new budget.", "x", 12 / 13),  # inner word
        ("Nothing in common with the test set, word by word or otherwise.", "Rien de commun.", 0),
        ("", "", 0),
    ],
)
def test_scores(src: str, tgt: str, score: float) -> None:
    assert Leakage.from_pairs(TEST)([Pair(src, tgt)]) == [pytest.approx(score)]


def test_short_sides_count_if_requested() -> None:
    leakage = Leakage.from_pairs(TEST, min_words=1)
    assert leakage([Pair("Thank you!", "Je vous remercie.")]) == [1]


def test_parts_of_different_test_sentences_do_not_add_up() -> None:
    halves = [
        Pair("the first half is only here and then nothing that speakers would ever say", ""),
        Pair("she has never heard any of this before the other half is only there", ""),
    ]
    both = "the first half is only here and then the other half is only there"
    assert Leakage.from_pairs(halves)([Pair(both, "")]) == [pytest.approx(8 / 14)]
