"""Scores without attention, and n-best lists sorted by several models."""

from __future__ import annotations

import math

import pytest
from random_translators import ENGLISH, FRENCH, random_model
from sacrebleu.metrics.chrf import CHRF

from regard.errors import DataError
from regard.text.subword import Subword
from regard.translation.reranking import Candidate, Scorer, add_features, rerank, tune_weights
from regard.translation.translator import Translator


@pytest.fixture(scope="module")
def models(small_subword: Subword) -> tuple[Translator, Translator]:
    first, second = (Translator.of([random_model("bahdanau", small_subword, seed=seed)]) for seed in (1, 2))
    return first, second


def test_scores_do_not_need_attention(models: tuple[Translator, Translator], small_subword: Subword) -> None:
    plain = Translator.of([random_model("plain", small_subword)])
    ensemble = Translator.of([random_model("bahdanau", small_subword, seed=seed) for seed in (1, 2)])
    for translator in (*models, plain, ensemble):
        sources, targets = [*ENGLISH, ENGLISH[0], ""], [*FRENCH, "", FRENCH[0]]
        full = translator.score(sources, targets)
        quick = translator.score(sources, targets, attention=False)
        for expected, other in zip(full, quick, strict=True):
            assert (expected.text, expected.tokens) == (other.text, other.tokens)
            assert expected.score == pytest.approx(other.score, abs=1e-5)
            assert expected.token_scores == pytest.approx(other.token_scores, abs=1e-5)
            assert (other.attention, other.alignment) == (None, ())


def test_features_are_scores_of_the_models(models: tuple[Translator, Translator]) -> None:
    forward, backward = models
    lists = [[(FRENCH[0], -1.5), (FRENCH[1], -2.5)], [(FRENCH[2], -0.5)], []]
    found = add_features(ENGLISH, lists, [Scorer("f", forward), Scorer("r", backward, is_reverse=True)])
    assert [len(own) for own in found] == [2, 1, 0]
    for source, own, texts in zip(ENGLISH, found, lists, strict=True):
        for candidate, (text, score) in zip(own, texts, strict=True):
            [there], [back] = forward.score(source, text), backward.score(text, source)
            assert candidate.text == text
            assert candidate.features["score"] == score
            assert candidate.features["f"] == pytest.approx(there.score, abs=1e-4)
            assert candidate.features["r"] == pytest.approx(back.score, abs=1e-4)
            assert candidate.features["length"] == len(there.tokens) + 1
    [[empty]] = add_features(ENGLISH[:1], [[("", 0.0)]], [Scorer("f", forward)])
    assert empty.features["f"] == -math.inf
    with pytest.raises(DataError, match="an n-best list for each of the 3 source sentences, got 1"):
        add_features(ENGLISH, lists[:1], [])


def test_lists_are_sorted_by_weighted_sums() -> None:
    own = [
        Candidate("a", {"x": 1.0, "y": 5.0}),
        Candidate("b", {"x": 2.0, "y": 0.0}),
        Candidate("c", {"x": 1.0, "y": 5.0}),
    ]
    [by_x], [by_y] = rerank([own], {"x": 1.0, "y": 0.0}), rerank([own], {"x": 1.0, "y": 0.5})
    assert [candidate.text for candidate in by_x] == ["b", "a", "c"]
    assert [(candidate.text, candidate.total) for candidate in by_y] == [("a", 3.5), ("c", 3.5), ("b", 2.0)]
    impossible = Candidate("d", {"x": -math.inf, "y": 100.0})
    assert rerank([[impossible, *own]], {"x": 1.0, "y": 1.0})[0][-1].text == "d"
    assert rerank([[impossible, *own]], {"x": 0.0, "y": 1.0})[0][0].text == "d"


def test_tuning_finds_the_feature_that_matters() -> None:
    references = ["the cat sleeps", "a small dog", "we do not know"]
    lists = [
        [
            Candidate("no", {"model": -1.0, "good": 0.0, "bad": 3.0}),
            Candidate(reference, {"model": -3.0, "good": 2.0, "bad": -1.0}),
        ]
        for reference in references
    ]
    weights, chrf = tune_weights(lists, references, {"model": 1.0, "good": 0.0, "bad": 1.0})
    assert weights["model"] == 1.0
    assert chrf == pytest.approx(100.0)
    assert [own[0].text for own in rerank(lists, weights)] == references
    _, before = tune_weights(lists, references, {"model": 1.0})
    metric = CHRF()
    assert before == pytest.approx(sum(metric.sentence_score("no", [text]).score for text in references) / 3)
    with pytest.raises(DataError, match="a reference for each of the 3 sentences, got 2"):
        tune_weights(lists, references[:2], {"model": 1.0})
