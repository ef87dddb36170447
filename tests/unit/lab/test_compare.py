"""Significance: equal to sacreBLEU with one seed, and not larger when seeds repeat the same translations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest, Result

from regard.evaluate.scores import corpus_bleu, corpus_chrf
from regard.lab.compare import METRICS, PooledScore, compare, holm, sentence_statistics
from regard.lab.result import SentenceResult

BLEU_METRIC, CHRF_METRIC, PERPLEXITY, AER = METRICS
WORDS = ["le", "chat", "voit", "un", "grand", "chien", "dans", "la", "rue", "verte"]


def references(count: int) -> list[str]:
    generator = random.Random(0)
    return [" ".join(generator.choices(WORDS, k=generator.randint(4, 9))) for _ in range(count)]


def with_wrong_words(lines: list[str], share: float, seed: int) -> list[SentenceResult]:
    generator = random.Random(seed)
    translations = [" ".join(w if generator.random() > share else "euh" for w in line.split()) for line in lines]
    return [
        SentenceResult(text, len(text.split()) * (1 + share), len(text.split()), (4, 4, 3, 3 + row % 2))
        for row, text in enumerate(translations)
    ]


LINES = references(60)


def statistics(share: float, seed: int) -> np.ndarray:
    return sentence_statistics(with_wrong_words(LINES, share, seed), LINES, tokenizer="13a")


def test_corpus_scores_from_sentence_statistics() -> None:
    sentences = with_wrong_words(LINES, 0.2, 1)
    sentences[0] = replace(sentences[0], translation=LINES[0].upper())  # capitals count
    found = sentence_statistics(sentences, LINES, tokenizer="13a")
    translations = [sentence.translation for sentence in sentences]
    assert BLEU_METRIC.corpus_score(found) == pytest.approx(corpus_bleu(translations, LINES))
    assert CHRF_METRIC.corpus_score(found) == pytest.approx(corpus_chrf(translations, LINES))
    assert PERPLEXITY.corpus_score(found) == pytest.approx(np.exp(1.2))
    assert AER.corpus_score(found) == pytest.approx(1 - (3 + 3.5) / 8)


def test_one_seed_gives_sacrebleus_numbers() -> None:
    found = compare({"a": {1: statistics(0.2, 1)}, "b": {1: statistics(0.25, 2)}}, "a", BLEU_METRIC, trials=300)
    translations: list[tuple[str, Sequence[str]]] = [
        (name, [sentence.translation for sentence in with_wrong_words(LINES, share, seed)])
        for name, share, seed in (("a", 0.2, 1), ("b", 0.25, 2))
    ]
    test = PairedTest(
        translations, {"BLEU": BLEU()}, references=[LINES], test_type="ar", n_samples=300, n_ar_confidence=1000
    )
    _, results = test()
    theirs = results["BLEU"][1]
    assert isinstance(theirs, Result)
    assert found["b"].p_value == theirs.p_value
    assert found["b"].margin == pytest.approx(theirs.ci)
    assert found["b"].score == pytest.approx(theirs.score)


def test_a_second_seed_with_the_same_translations_changes_no_p_value() -> None:
    once = {"a": {1: statistics(0.2, 1)}, "b": {1: statistics(0.25, 2)}}
    twice = {name: {1: seeds[1], 2: seeds[1]} for name, seeds in once.items()}
    for metric in METRICS:
        single, double = (compare(systems, "a", metric, trials=300)["b"] for systems in (once, twice))
        assert double.p_value == single.p_value
        assert double.margin == pytest.approx(single.margin, rel=1e-4)
        assert double.score == pytest.approx(single.score)
        assert len(double.seeds) == 2


def test_a_large_difference_is_significant_and_a_random_one_is_not() -> None:
    systems = {
        "a": {1: statistics(0.1, 1), 2: statistics(0.1, 2)},
        "worse": {1: statistics(0.5, 3), 2: statistics(0.5, 4)},
    }
    systems |= {"same": systems["a"], "alike": {1: statistics(0.1, 5), 2: statistics(0.1, 6)}}
    found = compare(systems, "a", BLEU_METRIC, trials=500)
    assert found["a"].p_value is None
    assert not found["a"].significant
    assert found["worse"].significant
    assert not found["same"].significant
    assert not found["alike"].significant


def test_seeds_that_disagree_are_not_significant() -> None:
    systems = {
        "a": {1: statistics(0.1, 1), 2: statistics(0.4, 2)},
        "b": {1: statistics(0.6, 3), 2: statistics(0.35, 4)},
    }
    found = compare(systems, "a", BLEU_METRIC, trials=300)["b"]
    assert found.p_value is not None
    assert found.p_value < 0.05
    assert not found.seeds_agree
    assert not found.significant


def test_only_common_seeds_are_compared() -> None:
    first, second = statistics(0.1, 1), statistics(0.5, 2)
    found = compare({"a": {1: first}, "b": {1: first, 2: second}, "c": {2: second}}, "a", BLEU_METRIC, trials=50)
    assert found["b"].difference == 0.0
    assert found["b"].score == pytest.approx(BLEU_METRIC.corpus_score(first + second))  # the shown score uses all seeds
    assert found["b"].seeds == {1: BLEU_METRIC.corpus_score(first), 2: BLEU_METRIC.corpus_score(second)}
    assert (found["c"].difference, found["c"].p_value) == (None, None)


def test_a_difference_uses_the_common_seeds_only() -> None:
    good, worse, bad = statistics(0.1, 1), statistics(0.3, 2), statistics(0.8, 3)
    found = compare({"a": {1: good, 2: bad}, "b": {1: worse}}, "a", BLEU_METRIC, trials=100)
    assert found["b"].score > found["a"].score
    assert found["b"].difference == pytest.approx(BLEU_METRIC.corpus_score(worse) - BLEU_METRIC.corpus_score(good))
    assert found["b"].significant


def test_a_system_without_links_has_no_alignment_error_rate() -> None:
    without_links = sentence_statistics([SentenceResult(line, 1.0, 1) for line in LINES], LINES, tokenizer="13a")
    assert list(compare({"a": {1: statistics(0.1, 1)}, "without_links": {1: without_links}}, "a", AER, trials=50)) == [
        "a"
    ]


@pytest.mark.parametrize(("count", "tested"), [(1, False), (9, False), (10, True)])
def test_fewer_than_ten_sentences_are_not_tested(count: int, tested: bool) -> None:
    """With one sentence, a trial can only give the observed difference or its negative."""
    systems = {"a": {1: statistics(0.0, 1)}, "worse": {1: statistics(1.0, 2)}}
    found = compare(systems, "a", BLEU_METRIC, trials=50, rows=range(count))["worse"]
    assert found.score < 1.0
    assert (found.p_value is not None) is tested
    assert found.significant is tested


def test_chosen_rows_only() -> None:
    rows = [1, 5, 7]
    found = compare({"a": {1: statistics(0.3, 1)}}, "a", BLEU_METRIC, trials=50, rows=rows)
    translations = [with_wrong_words(LINES, 0.3, 1)[row].translation for row in rows]
    assert found["a"].score == pytest.approx(corpus_bleu(translations, [LINES[row] for row in rows]))


def test_corrected_p_values_are_monotonic_and_at_most_1() -> None:
    assert holm({"a": 0.5, "b": 0.001, "c": 0.6}) == {"b": 0.003, "a": 1.0, "c": 1.0}
    assert PooledScore(1.0, 0.1, {1: 1.0}, 2.0, 0.04, True).significant
