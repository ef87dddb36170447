"""chrF of pairs: two implementations with the same numbers."""

from __future__ import annotations

import random

import pytest
from sacrebleu.metrics.chrf import CHRF

from regard.evaluate import pairwise
from regard.evaluate.pairwise import pairwise_chrf

WORDS = ["the", "a", "cat", "dog", "sees", "Ça", "été", "déjà", ",", ".", "?", "12", "l'école", "日本", "x"]
GENERATOR = random.Random(3)
SENTENCES = ["", "a", "日本", *(" ".join(GENERATOR.choices(WORDS, k=GENERATOR.randint(1, 12))) for _ in range(12))]


@pytest.mark.parametrize("has_fastchrf", [True, False])
def test_numbers_are_those_of_sacrebleu(monkeypatch: pytest.MonkeyPatch, has_fastchrf: bool) -> None:
    if has_fastchrf:
        pytest.importorskip("fastchrf")
    else:
        monkeypatch.setattr(pairwise, "find_spec", lambda name: None)
    metric = CHRF()
    scores = pairwise_chrf(SENTENCES, SENTENCES[::2])
    for hypothesis, row in zip(SENTENCES, scores, strict=True):
        assert row == [metric.sentence_score(hypothesis, [reference]).score for reference in SENTENCES[::2]]
    assert pairwise_chrf([], ["a"]) == []
