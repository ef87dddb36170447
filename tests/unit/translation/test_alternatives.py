"""Translations that continue a prefix with different next words."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from random_translators import ENGLISH, FRENCH, random_model

from regard.errors import SearchError
from regard.search.beam import BeamOptions
from regard.search.log_probs import NotFiniteError
from regard.search.prefix import WordEnd
from regard.search.sample import SampleOptions
from regard.text.subword import Subword
from regard.translation.shortlist import make_shortlist, shortlisted
from regard.translation.translator import Translator


@pytest.fixture(scope="module")
def translator(small_subword: Subword) -> Translator:
    return Translator.of([random_model("bahdanau", small_subword, eos=4.0)])


@pytest.mark.parametrize("prefix", ["", "le chat", "un"])
@pytest.mark.parametrize("kind", ["alone", "ensemble", "shortlist"])
def test_words_differ_and_the_best_come_first(
    translator: Translator, small_subword: Subword, prefix: str, kind: str
) -> None:
    if kind == "ensemble":
        translator = Translator.of([random_model("bahdanau", small_subword, seed=seed, eos=4.0) for seed in (1, 2)])
    if kind == "shortlist":
        translator = shortlisted(translator, make_shortlist(translator, ENGLISH, FRENCH, links=2, frequent=20))
    found = translator.alternatives(ENGLISH[0], prefix, 6, attention=True)
    again = translator.alternatives(ENGLISH[0], prefix, 6, attention=True)
    assert [replace(entry, attention=None) for entry in again] == [replace(entry, attention=None) for entry in found]
    subword, place = small_subword, len(prefix.split())
    pieces = subword.decode(range(len(subword))).pieces
    within_word = torch.tensor([not piece.startswith("▁") and piece != "</s>" for piece in pieces])
    words = [translation.text.split()[place] for translation in found]
    assert len(found) == 6
    assert len(set(words)) == 6
    scores = [translation.score for translation in found]
    assert scores == sorted(scores, reverse=True)
    for translation, word in zip(found, words, strict=True):
        beginning = f"{prefix} {word}".strip()
        assert translation.text.split()[: place + 1] == beginning.split()
        assert translation.attention is not None
        assert translation.source == ENGLISH[0]
        if kind == "alone":  # the whole is the best translation that begins with the prefix and exactly this word
            ids = [pieces.index(token) for token in translation.tokens[: len(subword.encode(beginning).ids)]]
            [[expected]] = translator.engine.search(
                [subword.encode(ENGLISH[0]).ids], [12], BeamOptions(), need_weights=False,
                prefixes=[ids], word_end=WordEnd(torch.ones(320, dtype=torch.bool), within_word),
            )  # fmt: skip
            assert subword.decode(expected.ids).pieces[: len(translation.tokens)] == translation.tokens
            assert translation.score == pytest.approx(expected.score, abs=1e-4)
    # More words: the first ones stay.
    more = translator.alternatives(ENGLISH[0], prefix, 9)
    assert {translation.text for translation in found} < {translation.text for translation in more}


def test_the_word_of_the_greedy_translation_is_among_them(translator: Translator) -> None:
    for line in ENGLISH:
        [greedy] = translator.translate(line, beam=1)
        first = {translation.text.split()[0] for translation in translator.alternatives(line, beam=1)}
        assert greedy.text.split()[0] in first


def test_scripts_without_spaces() -> None:
    """Each subword of such a script is a word."""
    lines = ["我们不知道他们在哪里。", "小狗在花园里跑。", "猫在大床上睡觉。"]
    subword = Subword.train(lines * 9, vocab_size=310)
    stored = random_model("bahdanau", subword, eos=4.0)
    with torch.no_grad():
        stored.model.get_parameter("output_bias")[list(subword.encode("".join(lines)).ids)] += 40.0
    found = Translator.of([stored]).alternatives(lines[0], "小狗", 4)
    assert len({translation.text[2] for translation in found}) == 4
    assert all(translation.text[:2] == "小狗" and translation.text[2] in "".join(lines) for translation in found)


def test_few_or_no_alternatives(translator: Translator) -> None:
    assert translator.alternatives(" ", "le chat") == []
    # Two subwords fit, one of them eos or both of the prefix.
    [limit] = {len(translator.translate("a", prefixes="le", min_len=9)[0].tokens)}
    assert len(translator.alternatives("a", " ".join(["le"] * (limit - 2)), 3)) == 3
    assert translator.alternatives("a", " ".join(["le"] * (limit - 1)), 3) == []


def test_what_is_refused(translator: Translator, small_subword: Subword) -> None:
    for options in ({"n_best": 2}, {"sample": SampleOptions()}, {"mbr": SampleOptions()}):
        with pytest.raises(SearchError, match="alternatives cannot be combined with sample, mbr or n_best"):
            translator.alternatives("a", "", 3, **options)
    with pytest.raises(SearchError, match="at least 1 next word to search for, got count=0"):
        translator.alternatives("a", "", 0)
    with pytest.raises(SearchError, match="sentence 1: expected a prefix of fewer than 6 subwords"):
        translator.alternatives("a", "le chat dort sur le grand lit")
    short = Translator.of([random_model("bahdanau", small_subword, data={"max_len": 5})])
    with pytest.raises(SearchError, match=r"at most 5 subwords, .* got a text that it translates in [2-9] segments"):
        short.alternatives(ENGLISH[0])
    broken = random_model("bahdanau", small_subword, scale=float("nan"))
    with pytest.raises(NotFiniteError, match="for sentence 1 at step 2"):
        Translator.of([broken]).alternatives("a", "le")
