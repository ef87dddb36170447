"""Leakage of test pairs into a training corpus: whole sides, short sides, and n-grams."""

from __future__ import annotations

import pytest

from regard.cleaning.leakage import Leakage
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
        ("We hope the committee will meet again on Monday to vote on it.", "x", 5 / 8),
        ("x", "昨日はとても遅く家に帰りましたので、疲れた。", 14 / 15),
        ("Nothing in common with the test set, word by word or otherwise.", "Rien de commun.", 0),
        ("", "", 0),
    ],
)
def test_scores(src: str, tgt: str, score: float) -> None:
    assert Leakage.from_pairs(TEST)([Pair(src, tgt)]) == [pytest.approx(score)]


def test_short_sides_count_if_requested() -> None:
    leakage = Leakage.from_pairs(TEST, min_words=1)
    assert leakage([Pair("Thank you!", "Je vous remercie.")]) == [1]
