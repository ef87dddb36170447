"""The paired test tells a real difference from chance."""

from __future__ import annotations

import random

import pytest

from regard.errors import DataError
from regard.evaluate.scores import corpus_scores
from regard.evaluate.significance import differences

DRAW = random.Random(3)
WORDS = ["the", "red", "dog", "sees", "a", "big", "house", "near", "our", "river"]
REFERENCES = [" ".join(DRAW.choices(WORDS, k=9)) for _ in range(60)]


def damaged(share: float, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join("x" if draw.random() < share else word for word in line.split()) for line in REFERENCES]


def test_scores_are_those_of_the_corpus_and_a_large_difference_is_significant() -> None:
    before, after = damaged(0.3, 1), damaged(0.1, 2)
    bleu, chrf = differences(before, after, REFERENCES)
    assert (bleu.metric, chrf.metric) == ("BLEU", "chrF")
    for result, name in ((bleu, "bleu"), (chrf, "chrf")):
        assert result.before == pytest.approx(getattr(corpus_scores(before, REFERENCES), name))
        assert result.after == pytest.approx(getattr(corpus_scores(after, REFERENCES), name))
        assert result.after > result.before
        assert result.p_value < 0.01


def test_equally_good_translations_do_not_differ() -> None:
    same = damaged(0.2, 1)
    assert [result.p_value for result in differences(same, same, REFERENCES)] == [1.0, 1.0]
    assert all(result.p_value > 0.05 for result in differences(damaged(0.2, 1), damaged(0.2, 4), REFERENCES))


def test_unequal_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="expected as many translations as references"):
        differences(REFERENCES, REFERENCES[1:], REFERENCES)
