"""`TranslateOptions`: the same fields for both ways to pass them, and what each of them needs."""

from __future__ import annotations

from copy import copy
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from random_translators import ENGLISH

from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.search.beam import BeamOptions
from regard.search.sample import SampleOptions
from regard.translation.glossary import Glossary, GlossaryEntry
from regard.translation.languages import ModelLanguages
from regard.translation.options import Changes, TranslateOptions
from regard.translation.translator import Translator

OWN = SearchConfig(beam=3, length_penalty=0.7, coverage_penalty=0.1)
# Every field, with a value other than its default.
OTHER_VALUES: dict[str, Any] = {
    "beam": 2,
    "n_best": 2,
    "attention": True,
    "alignment": True,
    "retry": True,
    "scores": False,
    "length_penalty": 0.3,
    "coverage_penalty": 0.4,
    "min_len": 3,
    "sample": SampleOptions(seed=5),
    "min_len_ratio": 0.8,
    "max_len_ratio": 0.5,
    "no_repeat_ngram": 2,
    "repetition_penalty": 1.5,
    "groups": 5,
    "diversity": 0.7,
    "mbr": SampleOptions(4, seed=5),
    "recase": False,
    "glossary": Glossary([GlossaryEntry(("cat",), ("chat",))]),
    "terms_in_source": True,
    "to": "fr",
    "source": "de",
}
# Options that another one needs.
NEEDED: dict[str, dict[str, Any]] = {"diversity": {"groups": 5}}


def test_changes_are_the_fields_of_the_options() -> None:
    hints = get_type_hints(TranslateOptions)
    assert get_type_hints(Changes) == {field.name: hints[field.name] for field in fields(TranslateOptions)}
    assert list(get_type_hints(Changes)) == [field.name for field in fields(TranslateOptions)]
    assert Changes.__required_keys__ == frozenset()
    assert list(OTHER_VALUES) == list(get_type_hints(Changes))


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_each_field_can_be_passed_by_name(random_translator: Translator, name: str) -> None:
    change = {name: OTHER_VALUES[name], **NEEDED.get(name, {})}
    random_translator = copy(random_translator)
    random_translator.languages = ModelLanguages(directions=(("en", "fr"),))
    options = TranslateOptions(**change)
    assert options != TranslateOptions()
    expected = random_translator.translate(ENGLISH[0], options)
    assert repr(random_translator.translate(ENGLISH[0], **change)) == repr(expected)
    streamed = list(random_translator.translate_lines(ENGLISH[:1], **change))
    assert repr(streamed) == repr(expected)


def test_changes_override_options(random_translator: Translator) -> None:
    options = TranslateOptions(beam=2, n_best=2, alignment=True)
    [translation] = random_translator.translate(ENGLISH[0], options, n_best=1)
    assert translation == random_translator.translate(ENGLISH[0], beam=2, alignment=True)[0]
    assert translation.n_best == ()
    with pytest.raises(TypeError, match="beams"):
        random_translator.translate(ENGLISH[0], beams=2)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (TranslateOptions(), BeamOptions(3, 1, 0.7, 0.1)),
        (TranslateOptions(n_best=2), BeamOptions(3, 2, 0.7, 0.1)),
        (TranslateOptions(n_best=9), BeamOptions(9, 9, 0.7, 0.1)),
        (TranslateOptions(beam=1), BeamOptions(1, 1, 0.7, 0.1)),
        (TranslateOptions(length_penalty=0.0, coverage_penalty=0.0), BeamOptions(3, 1, 0.0, 0.0)),
        (TranslateOptions(min_len=4), BeamOptions(3, 1, 0.7, 0.1, min_len=4)),
        (
            TranslateOptions(no_repeat_ngram=3, repetition_penalty=1.2, min_len_ratio=0.5, groups=3, diversity=0.2),
            BeamOptions(3, 1, 0.7, 0.1, 3, 0.2, no_repeat_ngram=3, repetition_penalty=1.2, min_len_ratio=0.5),
        ),
        (TranslateOptions(groups=3), BeamOptions(3, 1, 0.7, 0.1, groups=3, diversity=0.5)),
        (TranslateOptions(sample=SampleOptions(2)), SampleOptions(2)),
        (TranslateOptions(sample=SampleOptions(2, min_len=4)), SampleOptions(2, min_len=4)),
        (
            TranslateOptions(
                sample=SampleOptions(2, min_len=4),
                min_len=1,
                no_repeat_ngram=3,
                repetition_penalty=1.2,
                min_len_ratio=0.5,
            ),
            SampleOptions(2, min_len=1, no_repeat_ngram=3, repetition_penalty=1.2, min_len_ratio=0.5),
        ),
    ],
)
def test_open_options_are_the_models_own(options: TranslateOptions, expected: BeamOptions | SampleOptions) -> None:
    assert options.search_options(OWN) == expected


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        (TranslateOptions(), (False, False, True)),
        (TranslateOptions(attention=True), (True, True, True)),
        (TranslateOptions(alignment=True, scores=False), (True, True, False)),
        (TranslateOptions(retry=True, scores=False), (False, True, True)),
    ],
)
def test_what_the_search_must_return(options: TranslateOptions, needs: tuple[bool, bool, bool]) -> None:
    assert (options.need_alignment, options.need_weights, options.need_scores) == needs


def test_number_of_translations() -> None:
    assert TranslateOptions().num_translations == 1
    assert TranslateOptions(n_best=4).num_translations == 4
    assert TranslateOptions(sample=SampleOptions(num_samples=7)).num_translations == 7


@pytest.mark.parametrize(
    "change",
    [
        {"beam": 1},
        {"n_best": 2},
        {"retry": True},
        {"length_penalty": 0.0},
        {"coverage_penalty": 0.0},
        {"groups": 2},
        {"mbr": SampleOptions()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_options_of_a_search_are_refused_with_sampling(random_translator: Translator, change: dict[str, Any]) -> None:
    [name] = change
    with pytest.raises(SearchError, match=f"sample cannot be combined with .*{name}.*set num_samples"):
        TranslateOptions(sample=SampleOptions(), **change)
    with pytest.raises(SearchError, match="sample cannot be combined with"):
        random_translator.translate(ENGLISH[0], sample=SampleOptions(), **change)


@pytest.mark.parametrize("beam", [1, 4])
def test_min_len_is_respected(random_translator: Translator, beam: int) -> None:
    usual = random_translator.translate(ENGLISH, beam=beam)
    assert min(len(translation.tokens) for translation in usual) < 3
    for min_len in (1, 3, 6):
        n_best = random_translator.translate(ENGLISH, beam=beam, n_best=beam, min_len=min_len)
        lengths = [len(entry.tokens) for translation in n_best for entry in (translation.n_best or [translation])]
        assert min(lengths) >= min_len
        assert any(length < 12 for length in lengths)  # and not only because the length limit ended them
    for translation in random_translator.translate(ENGLISH, beam=beam, min_len=1000):
        assert any(flag.kind == "unfinished" for flag in translation.quality_flags)
    with pytest.raises(SearchError, match="min_len of at least 0, got -1"):
        random_translator.translate(ENGLISH, beam=beam, min_len=-1)


def test_min_len_holds_in_a_retry(random_translator: Translator) -> None:
    options = TranslateOptions(beam=1, min_len=5, retry=True)
    assert all(len(translation.tokens) >= 5 for translation in random_translator.translate(ENGLISH, options))
