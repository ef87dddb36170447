"""Translations with terms that they must and must not contain."""

from __future__ import annotations

import dataclasses
import json
import pickle
import random

import pytest
from random_translators import ENGLISH, FRENCH, random_model
from toy_vocabularies import contains

from regard.errors import SearchError
from regard.search.constraints import Constraints, Term
from regard.search.sample import SampleOptions
from regard.text.subword import Subword
from regard.translation.options import Changes
from regard.translation.result import Translation
from regard.translation.shortlist import make_shortlist, shortlisted
from regard.translation.translator import Translator

LINES = [*ENGLISH, "the big cat"]
WORDS = sorted({word for line in FRENCH for word in line.split()})
OPTIONS: list[Changes] = [
    {"beam": 1},
    {"beam": 4, "n_best": 3},
    {"beam": 6, "coverage_penalty": 0.3, "length_penalty": 0.5},
    {"retry": True, "attention": True},
    {"min_len": 4},
]


@pytest.fixture(scope="module")
def translator(small_subword: Subword) -> Translator:
    return Translator.of([random_model("bahdanau", small_subword, eos=4.0)])


def random_terms(choose: random.Random) -> Constraints:
    """One or two words or pairs of words to include, and one to exclude."""
    words = choose.sample(WORDS, 5)
    include = Term((words[0], words[1])), Term((f"{words[2]} {words[3]}",), ignore_case=True)
    return Constraints(include[: choose.randint(1, 2)], (Term((words[4],), whole_words=choose.random() < 0.5),))


def assert_satisfied(translation: Translation, constraints: Constraints) -> None:
    for found in translation.n_best or (translation,):
        assert all(contains(term, found.text) for term in constraints.include), found.text
        assert not any(contains(term, found.text) for term in constraints.exclude), found.text
        assert found.unmet == ()
    assert "unmet" not in translation.to_dict()


@pytest.mark.parametrize("options", OPTIONS)
def test_translations_satisfy_their_constraints(translator: Translator, options: Changes) -> None:
    choose = random.Random(1)
    constraints = [random_terms(choose) for _ in LINES]
    found = translator.translate(LINES, constraints=constraints, **options)
    for translation, terms in zip(found, constraints, strict=True):
        assert_satisfied(translation, terms)
        assert len(translation.token_scores) == len(translation.tokens)
    for line, translation, terms in zip(LINES, found, constraints, strict=True):
        [alone] = translator.translate(line, constraints=terms, **options)
        assert alone.text == translation.text  # the batch has no effect


@pytest.mark.parametrize("options", OPTIONS)
def test_sentences_without_constraints_are_translated_as_before(translator: Translator, options: Changes) -> None:
    constraints = [None, Constraints((Term(("chat",)),)), Constraints(), None]
    plain = translator.translate(LINES, **options)
    mixed = translator.translate(LINES, constraints=constraints, **options)
    for number in (0, 2, 3):
        assert (mixed[number].text, mixed[number].score) == (plain[number].text, plain[number].score)
    assert "chat" in mixed[1].text.split()


def test_a_term_that_the_best_translation_has_changes_nothing(translator: Translator) -> None:
    for line, plain in zip(LINES, translator.translate(LINES, beam=5), strict=True):
        word = next((word for word in plain.text.split() if word.isalpha()), None)
        if word:
            [found] = translator.translate(line, beam=5, constraints=Constraints((Term((word,)),)))
            assert found.score >= plain.score - 1e-5
            assert found.text == plain.text


def test_the_own_words_of_a_translator_can_be_excluded(translator: Translator) -> None:
    plain = translator.translate(LINES, beam=3)
    excluded = [Constraints((), tuple(Term((word,)) for word in found.text.split())) for found in plain]
    for translation, terms in zip(translator.translate(LINES, beam=3, constraints=excluded), excluded, strict=True):
        assert_satisfied(translation, terms)


def test_one_constraint_serves_all_sentences(translator: Translator) -> None:
    terms = Constraints((Term(("lit",)),), (Term(("le",)),))
    for translation in translator.translate(LINES, constraints=terms):
        assert_satisfied(translation, terms)


def test_terms_in_bytes(translator: Translator) -> None:
    """The vocabulary has no piece for these characters, nor for capitals."""
    terms = Constraints((Term(("本É",)),), (Term(("ß",)),))
    for translation in translator.translate(LINES, constraints=terms):
        assert_satisfied(translation, terms)


def test_a_term_in_the_prefix_counts(translator: Translator) -> None:
    [plain] = translator.translate("the big cat", prefixes="le chat")
    [found] = translator.translate("the big cat", prefixes="le chat", constraints=Constraints((Term(("chat",)),)))
    assert found.text == plain.text
    terms = Constraints((Term(("chat dort",)),), (Term(("grand",)),))
    [found] = translator.translate("the big cat", prefixes="le chat", constraints=terms)
    assert found.text.startswith("le chat")
    assert_satisfied(found, terms)
    with pytest.raises(SearchError, match="prefix 'le chat' contains the term 'chat', which is excluded"):
        translator.translate("the big cat", prefixes="le chat", constraints=Constraints((), (Term(("chat",)),)))


def test_what_does_not_fit_is_reported(translator: Translator) -> None:
    long = " ".join(WORDS * 3)
    terms = Constraints((Term(("chat",)), Term((long,)), Term(("lit",))))
    [found] = translator.translate("the big cat", constraints=terms)
    assert found.unmet == (long,)
    assert any(f"lacks the term {long!r}" in warning for warning in found.warnings)
    assert {"chat", "lit"} <= set(found.text.split())
    assert json.loads(json.dumps(found.to_dict()))["unmet"] == [long]
    assert pickle.loads(pickle.dumps(found)).unmet == (long,)
    [empty] = translator.translate("", constraints=Constraints((Term(("chat",)),)))
    assert (empty.text, empty.unmet) == ("", ("chat",))


def test_terms_at_the_limit_are_still_written(translator: Translator) -> None:
    """The length limit is the number of source subwords, and five."""
    limit = len(translator.src_subword.encode("the big cat").ids) + 5
    words = [word for word in WORDS if len(translator.tgt_subword.encode(word).ids) == 1]
    terms = Constraints(tuple(Term((word,)) for word in words[:limit]))
    [found] = translator.translate("the big cat", constraints=terms)
    assert_satisfied(found, terms)
    assert len(found.tokens) == limit


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (Constraints((Term(("le chat",)),), (Term(("chat",)),)), "'le chat' is to be included, but it contains"),
        (Constraints((Term(("Chat",)),), (Term(("chat",), ignore_case=True),)), "'Chat' is to be included, but it"),
        (Constraints((Term(("x",), source=(8, 12)),)), "ends at character 12, but the sentence has 11"),
        ([None], "expected constraints for each of the 4 sentences"),
        (Constraints(tuple(Term((str(number),)) for number in range(61))), "at most 60 terms to include, got 61"),
    ],
)
def test_impossible_constraints_are_refused(translator: Translator, terms: Constraints, message: str) -> None:
    lines = ["the big cat"] * 4
    with pytest.raises(SearchError, match=message):
        translator.translate(lines, constraints=terms)


def test_alternatives_that_are_excluded_are_left_out(translator: Translator) -> None:
    terms = Constraints((Term(("chat", "lit")),), (Term(("chat",)),))
    for translation in translator.translate(LINES, constraints=terms):
        assert "lit" in translation.text.split()
        assert "chat" not in translation.text.split()


def test_sampling_refuses_constraints(translator: Translator) -> None:
    with pytest.raises(SearchError, match="sampling cannot use a glossary or terms"):
        translator.translate(LINES, sample=SampleOptions(2), constraints=Constraints((Term(("chat",)),)))


@pytest.mark.parametrize("kwargs", [{"alternatives": ()}, {"alternatives": ("a", " ")}, {"source": (3, 3)}])
def test_terms_are_checked(kwargs: dict[str, tuple[object, ...]]) -> None:
    with pytest.raises(SearchError, match="expected"):
        Term(**{"alternatives": ("a",), **kwargs})  # type: ignore[arg-type] # wrong on purpose


def test_long_lines_divide_their_terms(small_subword: Subword) -> None:
    translator = Translator.of([random_model("bahdanau", small_subword, eos=4.0, data={"max_len": 14})])
    line = ". ".join(line.capitalize() for line in LINES[:3])
    second, third = line.index("A small"), line.index("We do")
    terms = Constraints(
        (Term(("jardin",), source=(third, third + 2)), Term(("lit",), source=(second, second + 3)), Term(("sur",))),
        (Term(("le",)),),
    )
    segments = translator.split(line, constraints=terms)
    assert len(segments) > 2
    for segment in segments:
        assert segment.constraints.exclude == terms.exclude
        for term in segment.constraints.include:
            if term.source:
                start, end = term.source
                assert segment.source.text[start:end] in ("We", "A s")
    assert [term.alternatives[0] for term in segments[0].constraints.include] == ["sur"]
    [found] = translator.translate(line, constraints=terms)
    assert_satisfied(found, terms)


def test_shortlists_get_the_tokens_of_terms(translator: Translator) -> None:
    shortlist = make_shortlist(translator, ENGLISH, FRENCH, links=1, frequent=0)
    terms = Constraints((Term(("Ωmega",)),), (Term(("chat",)),))
    for translation in shortlisted(translator, shortlist).translate(LINES, constraints=terms):
        assert_satisfied(translation, terms)


def test_ensembles(small_subword: Subword) -> None:
    models = [random_model("bahdanau", small_subword, seed=seed, eos=4.0) for seed in (1, 2)]
    terms = Constraints((Term(("grand chat",)),), (Term(("dort",)),))
    for translation in Translator.of(models).translate(LINES, constraints=terms):
        assert_satisfied(translation, terms)


def test_alternatives_satisfy_constraints(translator: Translator) -> None:
    plain = translator.alternatives("the big cat", "le", 4)
    first = plain[0].text.split()[1]
    terms = Constraints((Term(("lit",)),), (Term((first,)),))
    found = translator.alternatives("the big cat", "le", 4, constraints=terms)
    assert found
    for translation in found:
        assert translation.text.startswith("le ")
        assert_satisfied(translation, terms)


def test_segments_keep_their_constraints_when_replaced(translator: Translator) -> None:
    [segment] = translator.split("the big cat", constraints=Constraints((Term(("lit",)),)))
    assert dataclasses.replace(segment, prefix=(5,)).constraints.include
