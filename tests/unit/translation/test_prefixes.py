"""Translations that begin with a given text."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from random_translators import ENGLISH, FRENCH, random_model

from regard.alignment.word_alignment import word_alignment
from regard.config.schema import SearchConfig
from regard.errors import DataError, SearchError
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.sample import SampleOptions
from regard.text.normalize import normalize
from regard.text.subword import Subword
from regard.translation.options import Changes
from regard.translation.result import Translation
from regard.translation.shortlist import make_shortlist, shortlisted
from regard.translation.translator import Translator

PREFIXES = ["le chat", "", "on ne  sait pas\u00a0", "東é"]
LINES = [*ENGLISH, "the big cat"]
OPTIONS: list[Changes] = [
    {"beam": 1},
    {"beam": 4, "n_best": 3},
    {"beam": 2, "coverage_penalty": 0.3, "length_penalty": 0.5},
    {"retry": True, "attention": True},
    {"sample": SampleOptions(3, seed=2)},
]


@pytest.fixture(scope="module")
def translator(small_subword: Subword) -> Translator:
    return Translator.of([random_model("bahdanau", small_subword, eos=4.0)])


@pytest.mark.parametrize("options", OPTIONS)
def test_every_translation_begins_with_its_prefix(translator: Translator, options: Changes) -> None:
    found = translator.translate(LINES, prefixes=PREFIXES, **options)
    for prefix, translation in zip(PREFIXES, found, strict=True):
        for entry in translation.n_best or (translation,):
            assert entry.text.startswith(normalize(prefix))
            assert not entry.text[len(normalize(prefix)) :][:1].isalnum() or not prefix
            ids = translator.tgt_subword.encode(normalize(prefix)).pieces
            assert entry.tokens[: len(ids)] == ids
            assert len(entry.token_scores) == len(entry.tokens)
    [expected] = translator.translate(LINES[1], **options)
    if "sample" not in options:
        assert found[1].text == expected.text
        for line, prefix, translation in zip(LINES, PREFIXES, found, strict=True):
            [alone] = translator.translate(line, prefixes=prefix, **options)
            assert alone.text == translation.text
    without, unchanged = (
        translator.translate(LINES, prefixes=[""] * 4, **options),
        translator.translate(LINES, **options),
    )
    assert [translation.text for translation in without] == [translation.text for translation in unchanged]
    assert [translation.score for translation in without] == [translation.score for translation in unchanged]


def test_scores_and_attention_include_the_prefix(translator: Translator) -> None:
    found = translator.translate(LINES, prefixes=PREFIXES, length_penalty=0.0, attention=True)
    for translation in found:
        ids = [translator.tgt_subword.decode(range(320)).pieces.index(token) for token in translation.tokens]
        [forced] = translator.engine.force([translator.src_subword.encode(translation.source).ids], [ids])
        finished = not any(flag.kind == "unfinished" for flag in translation.quality_flags)
        total = forced.score if finished else forced.score - forced.log_probs[-1]
        assert translation.score == pytest.approx(total, abs=1e-4)
        assert translation.token_scores == pytest.approx(forced.log_probs[:-1], abs=1e-4)
        record = translation.attention
        assert record is not None
        assert record.tgt.text == translation.text
        assert len(record.subwords()) == len(translation.tokens)
        torch.testing.assert_close(record.subwords(), forced.weights[0][0, : len(ids)], atol=1e-5, rtol=1e-4)
        assert translation.alignment == word_alignment(record)


def test_a_prefix_ends_at_the_end_of_a_word(small_subword: Subword) -> None:
    """A model that always prefers a letter continues with a space, a mark or the end."""
    stored = random_model("bahdanau", small_subword)
    translator = Translator.of([stored])
    letters = [small_subword.encode(f"le{letter}").ids[-1] for letter in "abcdefgh"]
    with torch.no_grad():
        stored.model.get_parameter("output_bias")[letters] += 40.0
    eager = Translator.of([stored])
    prefix = small_subword.encode("le").ids
    [[unbounded]] = eager.engine.search(
        [small_subword.encode(LINES[0]).ids], [12], BeamOptions(beam=2), need_weights=False, prefixes=[prefix]
    )
    assert unbounded.ids[len(prefix)] in letters
    for options in OPTIONS[:3]:
        [found] = eager.translate(LINES[0], prefixes="le", **options)
        assert found.text == "le" or not found.text[2].isalnum()
    [found] = eager.translate(LINES[0], prefixes="le ,", beam=1)  # a mark may be followed by anything
    assert found.text[4:5].isalpha()
    assert translator.engine is not eager.engine


def test_an_empty_sentence_has_its_prefix_as_translation(translator: Translator) -> None:
    empty, other, blank = translator.translate(["", "a", " "], prefixes=["le  chat", "", "\t"], n_best=2)
    assert replace(empty, n_best=()) == Translation("", "le chat", 0.0)
    assert blank == Translation("", "", 0.0)
    assert other.text == translator.translate("a", n_best=2)[0].text
    [retried] = translator.translate("", prefixes="le chat", retry=True)
    assert retried.text == "le chat"


def test_the_first_segment_of_a_long_line_begins_with_the_prefix(small_subword: Subword) -> None:
    translator = Translator.of([random_model("bahdanau", small_subword, data={"max_len": 12})])
    line = " ".join(ENGLISH)
    segments = translator.split([line, "a"], prefixes=["un petit", "le"])
    prefixes = [small_subword.encode(prefix).ids for prefix in ("un petit", "le")]
    assert [segment.prefix for segment in segments] == [prefixes[0], *[()] * (len(segments) - 2), prefixes[1]]
    assert len(segments) >= 3
    [joined] = translator.translate(line, prefixes="un petit")
    assert joined.text.startswith("un petit")
    assert len(joined.token_scores) == len(joined.tokens)


def test_a_second_attempt_keeps_the_prefix(translator: Translator, small_subword: Subword) -> None:
    """Sentence by sentence, a prefix of two sentences could not be kept."""
    line, prefix = "the cat sleeps. a small dog runs.", "le chat dort . un petit"
    unfinished = Translator.of([random_model("bahdanau", small_subword, eos=-20.0)])
    assert unfinished.translate(line, prefixes=prefix)[0].quality_flags
    for entry in (translator, unfinished):
        [found] = entry.translate(line, prefixes=prefix, retry=True)
        assert found.text.startswith(prefix)
        assert found.source == line


def test_ensembles_and_shortlists(translator: Translator, small_subword: Subword) -> None:
    both = Translator.of([random_model("bahdanau", small_subword, seed=seed, eos=4.0) for seed in (1, 2)])
    restricted = shortlisted(translator, make_shortlist(translator, ENGLISH, FRENCH, links=1, frequent=1))
    for entry in (both, restricted):
        for beam in (1, 3):
            for prefix, translation in zip(PREFIXES, entry.translate(LINES, prefixes=PREFIXES, beam=beam), strict=True):
                assert translation.text.startswith(normalize(prefix))
    assert restricted.translate(LINES[1])[0].text == restricted.translate(LINES, prefixes=PREFIXES)[1].text


def test_prefixes_that_are_refused(translator: Translator, small_subword: Subword) -> None:
    with pytest.raises(SearchError, match="a prefix for each of the 2 sentences, got 3 prefixes"):
        translator.translate(["a", "b"], prefixes=["", "", ""])
    with pytest.raises(SearchError, match=r"sentence 3: expected a prefix of fewer than 6 subwords, .* got 9"):
        translator.translate(["", "a", "a"], prefixes=["", "le", "le chat dort sur le grand lit dans le"])
    with pytest.raises(DataError, match="prefix 2"):
        translator.translate(["a", "b"], prefixes=["a", None])  # type: ignore[list-item]
    short = Translator.of([random_model("learned", small_subword)])
    short.search = SearchConfig(max_len_ratio=9.0)
    with pytest.raises(SearchError, match="fewer than 24 subwords"):  # the model's positions
        short.translate(ENGLISH[0], prefixes="le " * 24)
    assert short.translate(ENGLISH[0], prefixes="le " * 23)[0].text.startswith("le " * 22 + "le")


def test_characters_that_the_vocabulary_does_not_contain(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only imported vocabularies have such characters."""
    monkeypatch.setattr(translator.tgt_subword, "encode_ids", lambda texts: [[0] * len(text) for text in texts])
    with pytest.raises(SearchError, match=r"sentence 2: .* does not contain all characters of the prefix '東'"):
        translator.translate(["a", "b"], prefixes=["", "東"])


def test_prefixes_in_an_observed_engine(translator: Translator) -> None:
    calls: list[int] = []
    assert isinstance(translator.engine, StepEngine)
    observed = translator.with_engine(translator.engine.observed(lambda: calls.append(1)))
    assert observed.translate(LINES, prefixes=PREFIXES) == translator.translate(LINES, prefixes=PREFIXES)
    assert calls
