"""Sampling through `translate`: repeatable draws from the model, with attention on request."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from random_translators import ENGLISH, FRENCH, random_model

from regard.alignment.word_alignment import word_alignment
from regard.errors import SearchError
from regard.search.sample import SampleOptions
from regard.text.subword import Subword
from regard.translation.result import Translation
from regard.translation.shortlist import make_shortlist, shortlisted
from regard.translation.translator import Translator


@pytest.fixture(scope="module")
def translator(small_subword: Subword) -> Translator:
    """Longer translations than those of `random_translator`, so that draws differ."""
    return Translator.of([random_model("bahdanau", small_subword, eos=4.0)])


def texts(translations: list[Translation]) -> list[str]:
    return [translation.text for translation in translations]


def test_the_seed_decides(translator: Translator) -> None:
    generator_state = torch.random.get_rng_state()
    first, again, other = (translator.translate(ENGLISH, sample=SampleOptions(seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert texts(first) != texts(other)
    assert list(translator.translate_lines(ENGLISH, sample=SampleOptions(seed=1))) == first
    assert torch.equal(torch.random.get_rng_state(), generator_state)
    assert len(set(texts(translator.translate(ENGLISH[:1] * 20, sample=SampleOptions(seed=1))))) > 10


def test_number_of_samples(translator: Translator) -> None:
    empty, *sampled = translator.translate(["", *ENGLISH], sample=SampleOptions(num_samples=12))
    assert (empty.text, empty.n_best) == ("", ())
    for translation in sampled:
        assert len(translation.n_best) == 12
        assert replace(translation.n_best[0], n_best=translation.n_best) == translation
        assert len(set(texts(list(translation.n_best)))) > 6
        scores = [draw.score for draw in translation.n_best]
        assert scores != sorted(scores, reverse=True)  # in the order drawn
    assert [single.n_best for single in translator.translate(ENGLISH, sample=SampleOptions())] == [()] * 3


@pytest.mark.parametrize("options", [SampleOptions(32), SampleOptions(32, temperature=0.7, top_k=9, top_p=0.9)])
def test_scores_are_log_probabilities_of_the_model(small_subword: Subword, options: SampleOptions) -> None:
    """Those of the whole distribution, although draws come from one that is sharpened and truncated."""
    translator = Translator.of([random_model("bahdanau", small_subword)])
    sources = translator.src_subword.encode_ids(ENGLISH)
    found = translator.engine.search(sources, [40] * 3, options, need_weights=False)
    pairs = [(src, draw) for src, draws in zip(sources, found, strict=True) for draw in draws if draw.finished]
    forced = translator.engine.force([src for src, _ in pairs], [draw.ids[:-1] for _, draw in pairs])
    assert len({draw.ids for _, draw in pairs}) > 6
    assert [draw.score for _, draw in pairs] == pytest.approx([hypothesis.score for hypothesis in forced], rel=1e-4)


@pytest.mark.parametrize("kind", ["plain", "bahdanau", "learned"])
def test_greedy_search_is_the_limit_of_low_temperatures(small_subword: Subword, kind: str) -> None:
    model = Translator.of([random_model(kind, small_subword, eos=4.0)])
    greedy = model.translate(ENGLISH, beam=1, length_penalty=0.0)
    cold = model.translate(ENGLISH, sample=SampleOptions(temperature=1e-5, seed=3))
    most_probable = model.translate(ENGLISH, sample=SampleOptions(top_k=1, seed=3))
    assert any(texts(greedy))
    for expected, *others in zip(greedy, cold, most_probable, strict=True):
        for other in others:
            assert (other.text, other.tokens) == (expected.text, expected.tokens)
            assert other.score == pytest.approx(expected.score, abs=1e-4)
    assert texts(model.translate(ENGLISH, sample=SampleOptions(seed=3))) != texts(greedy)


def test_attention_comes_with_samples(translator: Translator) -> None:
    options = SampleOptions(num_samples=3)
    without, aligned, attended = (
        translator.translate(ENGLISH, sample=options, alignment=alignment, attention=attention)
        for alignment, attention in ((False, False), (True, False), (False, True))
    )
    for translation, with_links, with_attention in zip(without, aligned, attended, strict=True):
        assert translation.text == with_links.text == with_attention.text
        assert (translation.attention, translation.alignment, with_links.attention) == (None, (), None)
        for draw, links in zip(with_attention.n_best, with_links.n_best, strict=True):
            record = draw.attention
            assert record is not None
            assert (record.src.text, record.tgt.text) == (draw.source, draw.text)
            assert record.tgt.pieces == draw.tokens
            assert draw.alignment == links.alignment == word_alignment(record)
            torch.testing.assert_close(record.matrix().sum(1), torch.ones(len(record.tgt_labels)))
    assert any(translation.alignment for translation in aligned)


def test_long_lines_are_sampled_segment_by_segment(small_subword: Subword) -> None:
    model = Translator.of([random_model("bahdanau", small_subword, data={"max_len": 9}, eos=4.0)])
    [translation] = model.translate(" ".join(ENGLISH), sample=SampleOptions(num_samples=3))
    assert "translated in 3 segments" in translation.warnings[0]
    assert translation.n_best == (replace(translation, n_best=()),)


def test_sampling_is_refused_with_a_shortlist(translator: Translator) -> None:
    restricted = shortlisted(translator, make_shortlist(translator, ENGLISH, FRENCH))
    assert any(texts(restricted.translate(ENGLISH)))
    with pytest.raises(
        SearchError, match="sampling draws from the whole vocabulary and cannot use a shortlist: leave out"
    ):
        restricted.translate(ENGLISH[0], sample=SampleOptions())
