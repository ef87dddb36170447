"""Significance: sacreBLEU's own numbers with one seed, and nothing gained by counting a sentence twice."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from regard.evaluate.scores import corpus_bleu, corpus_chrf
from regard.lab.compare import MEASURES, Value, compare, holm, sentence_sums
from regard.lab.result import Sentence

BLEU_MEASURE, CHRF_MEASURE, PERPLEXITY, AER = MEASURES
WORDS = ["le", "chat", "voit", "un", "grand", "chien", "dans", "la", "rue", "verte"]


def references(count: int) -> list[str]:
    draw = random.Random(0)
    return [" ".join(draw.choices(WORDS, k=draw.randint(4, 9))) for _ in range(count)]


def spoilt(lines: list[str], share: float, seed: int) -> list[Sentence]:
    draw = random.Random(seed)
    said = [" ".join(w if draw.random() > share else "euh" for w in line.split()) for line in lines]
    return [
        Sentence(one, len(one.split()) * (1 + share), len(one.split()), (4, 4, 3, 3 + row % 2))
        for row, one in enumerate(said)
    ]


LINES = references(60)


def sums(share: float, seed: int) -> np.ndarray:
    return sentence_sums(spoilt(LINES, share, seed), LINES, tokenizer="13a")


def test_sums_give_the_scores() -> None:
    sentences = spoilt(LINES, 0.2, 1)
    sentences[0] = replace(sentences[0], translation=LINES[0].upper())  # capitals count
    found = sentence_sums(sentences, LINES, tokenizer="13a")
    said = [one.translation for one in sentences]
    assert BLEU_MEASURE.of(found) == pytest.approx(corpus_bleu(said, LINES))
    assert CHRF_MEASURE.of(found) == pytest.approx(corpus_chrf(said, LINES))
    assert PERPLEXITY.of(found) == pytest.approx(np.exp(1.2))
    assert AER.of(found) == pytest.approx(1 - (3 + 3.5) / 8)


def test_one_seed_gives_sacrebleus_numbers() -> None:
    found = compare({"a": {1: sums(0.2, 1)}, "b": {1: sums(0.25, 2)}}, "a", BLEU_MEASURE, trials=300)
    said = [
        (name, [one.translation for one in spoilt(LINES, *how)]) for name, how in (("a", (0.2, 1)), ("b", (0.25, 2)))
    ]
    test = PairedTest(said, {"BLEU": BLEU()}, references=[LINES], test_type="ar", n_samples=300, n_ar_confidence=1000)
    _, told = test()
    assert found["b"].p == told["BLEU"][1].p_value
    assert found["b"].margin == pytest.approx(told["BLEU"][1].ci)
    assert found["b"].score == pytest.approx(told["BLEU"][1].score)


def test_a_seed_that_says_the_same_makes_nothing_more_certain() -> None:
    once = {"a": {1: sums(0.2, 1)}, "b": {1: sums(0.25, 2)}}
    twice = {name: {1: seeds[1], 2: seeds[1]} for name, seeds in once.items()}
    for measure in MEASURES:
        single, double = (compare(one, "a", measure, trials=300)["b"] for one in (once, twice))
        assert double.p == single.p
        assert double.margin == pytest.approx(single.margin, rel=1e-4)
        assert double.score == pytest.approx(single.score)
        assert len(double.seeds) == 2


def test_a_clear_difference_is_found_and_none_is_invented() -> None:
    systems = {"a": {1: sums(0.1, 1), 2: sums(0.1, 2)}, "worse": {1: sums(0.5, 3), 2: sums(0.5, 4)}}
    systems |= {"same": systems["a"], "alike": {1: sums(0.1, 5), 2: sums(0.1, 6)}}
    found = compare(systems, "a", BLEU_MEASURE, trials=500)
    assert found["a"].p is None
    assert not found["a"].significant
    assert found["worse"].significant
    assert not found["same"].significant
    assert not found["alike"].significant


def test_seeds_that_disagree_are_not_significant() -> None:
    systems = {"a": {1: sums(0.1, 1), 2: sums(0.4, 2)}, "b": {1: sums(0.6, 3), 2: sums(0.35, 4)}}
    found = compare(systems, "a", BLEU_MEASURE, trials=300)["b"]
    assert found.p is not None
    assert found.p < 0.05
    assert not found.agreed
    assert not found.significant


def test_only_seeds_of_both_are_compared() -> None:
    first, second = sums(0.1, 1), sums(0.5, 2)
    found = compare({"a": {1: first}, "b": {1: first, 2: second}, "c": {2: second}}, "a", BLEU_MEASURE, trials=50)
    assert found["b"].difference == 0.0
    assert found["b"].score == pytest.approx(BLEU_MEASURE.of(first + second))  # but what is shown is of all
    assert found["b"].seeds == {1: BLEU_MEASURE.of(first), 2: BLEU_MEASURE.of(second)}
    assert (found["c"].difference, found["c"].p) == (None, None)


def test_a_difference_is_of_the_seeds_that_were_tested() -> None:
    good, worse, bad = sums(0.1, 1), sums(0.3, 2), sums(0.8, 3)
    found = compare({"a": {1: good, 2: bad}, "b": {1: worse}}, "a", BLEU_MEASURE, trials=100)
    assert found["b"].score > found["a"].score
    assert found["b"].difference == pytest.approx(BLEU_MEASURE.of(worse) - BLEU_MEASURE.of(good))
    assert found["b"].significant


def test_a_measure_that_was_not_taken_has_no_value() -> None:
    blind = sentence_sums([Sentence(line, 1.0, 1) for line in LINES], LINES, tokenizer="13a")
    assert list(compare({"a": {1: sums(0.1, 1)}, "blind": {1: blind}}, "a", AER, trials=50)) == ["a"]


@pytest.mark.parametrize(("count", "tested"), [(1, False), (9, False), (10, True)])
def test_few_sentences_prove_nothing(count: int, tested: bool) -> None:
    """With one, exchanging it or not is all there is: half of the trials are as far from nothing as what was seen."""
    systems = {"a": {1: sums(0.0, 1)}, "worse": {1: sums(1.0, 2)}}
    found = compare(systems, "a", BLEU_MEASURE, trials=50, rows=range(count))["worse"]
    assert found.score < 1.0
    assert (found.p is not None) is tested
    assert found.significant is tested


def test_some_rows() -> None:
    rows = [1, 5, 7]
    found = compare({"a": {1: sums(0.3, 1)}}, "a", BLEU_MEASURE, trials=50, rows=rows)
    said = [spoilt(LINES, 0.3, 1)[row].translation for row in rows]
    assert found["a"].score == pytest.approx(corpus_bleu(said, [LINES[row] for row in rows]))


def test_corrected_values_never_fall_in_order_and_end_at_one() -> None:
    assert holm({"a": 0.5, "b": 0.001, "c": 0.6}) == {"b": 0.003, "a": 1.0, "c": 1.0}
    assert Value(1.0, 0.1, {1: 1.0}, 2.0, 0.04, True).significant
