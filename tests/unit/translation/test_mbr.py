"""Minimum Bayes risk decoding: the candidate of highest expected chrF, computed by loops over sacreBLEU."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from random_translators import ENGLISH, FRENCH, random_model
from sacrebleu.metrics.chrf import CHRF

from regard.alignment.word_alignment import word_alignment
from regard.errors import SearchError
from regard.search.sample import SampleOptions
from regard.text.subword import Subword
from regard.translation.mbr import by_expected_chrf
from regard.translation.options import MBR_SAMPLES, TranslateOptions
from regard.translation.result import Translation
from regard.translation.shortlist import make_shortlist, shortlisted
from regard.translation.translator import Translator

SAMPLES = SampleOptions(24, epsilon=0.01, seed=5)


@pytest.fixture(scope="module")
def translator(small_subword: Subword) -> Translator:
    return Translator.of([random_model("bahdanau", small_subword, eos=4.0)])


def expected_chrf(text: str, samples: list[str]) -> float:
    metric = CHRF()
    return math.fsum(metric.sentence_score(text, [sample]).score for sample in samples) / len(samples)


def test_the_best_of_samples_and_beam_is_chosen(translator: Translator) -> None:
    chosen = translator.translate(ENGLISH, beam=4, n_best=4, mbr=SAMPLES)
    searched = translator.translate(ENGLISH, beam=4, n_best=4)
    sampled = translator.translate(ENGLISH, sample=SAMPLES)
    for translation, beam, drawn in zip(chosen, searched, sampled, strict=True):
        samples = [sample.text for sample in drawn.n_best]
        texts = list(dict.fromkeys([other.text for other in beam.n_best] + samples))
        ranked = sorted(texts, key=lambda text: -expected_chrf(text, samples))
        assert [other.text for other in translation.n_best] == ranked[:4]
        assert translation.text == ranked[0]
        for other in translation.n_best:
            assert other.utility == pytest.approx(expected_chrf(other.text, samples), abs=1e-9)
    assert [translation.text for translation in chosen] != [translation.text for translation in searched]


def test_repeated_samples_count_repeatedly() -> None:
    def translation(text: str, score: float = 0.0) -> Translation:
        return Translation("a", text, score)

    samples = [translation("le chat dort", 1.0), translation("un chien court"), translation("un chien court")]
    ranked = by_expected_chrf([translation("un chien court", 7.0), translation("le chien dort")], samples)
    assert ranked[0].text == "un chien court"
    assert len(ranked) == 3
    assert ranked[0].score == 7.0  # candidates of the beam come first
    for other in ranked:
        assert other.utility == pytest.approx(expected_chrf(other.text, [sample.text for sample in samples]))


def test_scores_are_comparable_with_those_of_the_beam(random_translator: Translator) -> None:
    drawn = SampleOptions(200, seed=2)
    chosen = random_translator.translate(ENGLISH, beam=5, length_penalty=0.7, n_best=5, mbr=drawn)
    compared = 0
    for translation in (other for own in chosen for other in own.n_best):
        [forced] = random_translator.score(translation.source, translation.text)
        if forced.tokens == translation.tokens and not translation.quality_flags:
            compared += 1
            expected = forced.score / ((5 + len(translation.tokens) + 1) / 6) ** 0.7
            assert translation.score == pytest.approx(expected, abs=1e-4)
    assert compared > 3


def test_attention_is_that_of_the_chosen_translation(translator: Translator) -> None:
    plain = translator.translate(ENGLISH, beam=2, n_best=2, mbr=SAMPLES)
    aligned = translator.translate(ENGLISH, beam=2, n_best=2, mbr=SAMPLES, alignment=True)
    attended = translator.translate(ENGLISH, beam=2, n_best=2, mbr=SAMPLES, attention=True)
    for unaligned, linked, full in zip(plain, aligned, attended, strict=True):
        assert unaligned.text == linked.text == full.text
        assert (unaligned.attention, unaligned.alignment, linked.attention) == (None, (), None)
        for links, other in zip(linked.n_best, full.n_best, strict=True):
            assert other.attention is not None
            assert other.attention.tgt.pieces == other.tokens
            assert links.alignment == other.alignment == word_alignment(other.attention)


def test_results_depend_only_on_the_line(translator: Translator) -> None:
    options = TranslateOptions(mbr=SAMPLES, beam=2)
    lines = ["", *ENGLISH, "", *ENGLISH]
    together = translator.translate(lines, options)

    def texts(translations: Iterable[Translation]) -> list[list[str]]:
        return [[own.text, *(other.text for other in own.n_best)] for own in translations]

    assert texts(translator.translate_lines(lines, options, buffer_size=2)) == texts(together)
    assert texts(translator.translate_lines(lines[4:], options, buffer_size=1, first=5)) == texts(together[4:])
    assert together[0].text == ""
    sampled = texts(translator.translate(lines, sample=SAMPLES))
    assert texts(translator.translate_lines(lines, sample=SAMPLES, buffer_size=3)) == sampled
    assert sampled[1] != sampled[5]  # other lines, other random numbers


def test_other_options_hold_for_candidates(translator: Translator) -> None:
    prefixed = translator.translate(ENGLISH, mbr=SAMPLES, beam=2, prefixes=["le chat"] * 3, n_best=2)
    assert all(other.text.startswith("le chat") for translation in prefixed for other in translation.n_best)
    for translation in translator.translate(ENGLISH, mbr=SAMPLES, no_repeat_ngram=1, beam=2):
        assert len(set(translation.tokens)) == len(translation.tokens)
    for translation in translator.translate(ENGLISH, mbr=SAMPLES, max_len_ratio=0.5, min_len_ratio=0.4, beam=2):
        source = translator.src_subword.encode(translation.source)
        assert 0.4 * len(source.ids) <= len(translation.tokens) <= 0.5 * len(source.ids) + 1  # unfinished: one more
    assert translator.translate(ENGLISH, mbr=SAMPLES, retry=True)[0].utility is not None
    two = Translator.of([random_model("bahdanau", translator.src_subword, seed=seed, eos=4.0) for seed in (1, 2)])
    assert two.translate(ENGLISH, mbr=SAMPLES)[0].utility is not None
    assert translator.translate(ENGLISH[0], mbr=SAMPLES)[0].to_dict()["utility"] is not None


def test_what_is_refused(translator: Translator) -> None:
    with pytest.raises(SearchError, match=r"sample cannot be combined with .*mbr"):
        TranslateOptions(sample=SAMPLES, mbr=SAMPLES)
    restricted = shortlisted(translator, make_shortlist(translator, ENGLISH, FRENCH))
    with pytest.raises(SearchError, match="sampling draws from the whole vocabulary"):
        restricted.translate(ENGLISH, mbr=MBR_SAMPLES)
    exported = replace_engine(translator)
    with pytest.raises(SearchError, match="CTranslate2 cannot draw the samples that mbr needs"):
        exported.translate(ENGLISH, mbr=MBR_SAMPLES)


def replace_engine(translator: Translator) -> Translator:
    """A translator whose engine is not regard's own."""

    class Other:
        search = force = None

    return translator.with_engine(Other())  # type: ignore[arg-type]  # never called


def test_length_ratios(random_translator: Translator) -> None:
    translator = random_translator
    usual = translator.translate(ENGLISH, beam=3)
    ratios = [len(own.tokens) / len(translator.src_subword.encode(own.source).ids) for own in usual]
    assert min(ratios) < 0.9
    for beam in (1, 3):
        for translation in translator.translate(ENGLISH, beam=beam, min_len_ratio=0.9):
            assert len(translation.tokens) >= 0.9 * len(translator.src_subword.encode(translation.source).ids)
        for translation in translator.translate(ENGLISH, beam=beam, max_len_ratio=0.3):
            is_unfinished = any(flag.kind == "unfinished" for flag in translation.quality_flags)
            most = 0.3 * len(translator.src_subword.encode(translation.source).ids) + is_unfinished
            assert len(translation.tokens) <= most
    for ratio in (0.0, -1.0, 101.0, math.nan):
        with pytest.raises(SearchError, match=f"max_len_ratio above 0 and at most 100, got {ratio}"):
            TranslateOptions(max_len_ratio=ratio)
    with pytest.raises(SearchError, match=r"min_len_ratio of at most max_len_ratio, 0\.5, got 0\.6"):
        TranslateOptions(max_len_ratio=0.5, min_len_ratio=0.6)
    with pytest.raises(SearchError, match="diversity has no effect without groups"):
        TranslateOptions(diversity=0.3)
    assert replace(usual[0], utility=1.0).to_dict()["utility"] == 1.0
