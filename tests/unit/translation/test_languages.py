"""Models with several target languages: tags before the source, the languages that a user may name, and warnings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from random_translators import ENGLISH, FRENCH, random_model

from regard.errors import SearchError
from regard.search.source_prefix import PrefixedEngine
from regard.text.subword import Subword
from regard.translation.languages import ModelLanguages
from regard.translation.options import TranslateOptions
from regard.translation.result import GeneralWarning, Translation
from regard.translation.translator import Translator

DIRECTIONS = (("en", "fr"), ("en", "de"), ("de", "es"))


@pytest.fixture(scope="module")
def tagged_subword() -> Subword:
    return Subword.train((ENGLISH + FRENCH) * 5, vocab_size=320, tags=[">>fr<<", "<bt>", ">>de<<", ">>es<<"])


@pytest.fixture(scope="module", params=["bahdanau", "learned"])
def translator(tagged_subword: Subword, request: pytest.FixtureRequest) -> Translator:
    translator = Translator.of([random_model(request.param, tagged_subword, eos=3.0)])
    translator.languages = ModelLanguages(translator.languages.tag_ids, DIRECTIONS)
    return translator


def _by_hand(translator: Translator, tag: str, sentence: str) -> Translation:
    """The tag counts as a word of the source here, so that the translation may be longer by one subword."""
    return translator.translate(f"{tag} {sentence}", attention=True, recase=False, beam=1)[0]


def test_the_tag_is_one_subword_and_others_name_no_language(tagged_subword: Subword) -> None:
    assert list(tagged_subword.language_tags) == [">>fr<<", ">>de<<", ">>es<<"]
    ids = tagged_subword.encode_ids([f">>de<< {ENGLISH[0]}", ENGLISH[0]])
    assert ids[0] == [tagged_subword.language_tags[">>de<<"], *ids[1]]


def test_a_target_language_gives_the_translation_after_its_tag(translator: Translator) -> None:
    texts = set()
    for code, tag in (("fr", ">>fr<<"), ("deu", ">>de<<")):
        [found] = translator.translate(ENGLISH[0], to=code, attention=True, recase=False, beam=1)
        expected = _by_hand(translator, tag, ENGLISH[0])
        length = len(found.tokens)
        assert (found.source, found.tokens) == (ENGLISH[0], expected.tokens[:length])
        assert found.token_scores == pytest.approx(expected.token_scores[:length], rel=1e-4)
        assert found.attention is not None and expected.attention is not None
        assert found.attention.src.text == ENGLISH[0]
        for layer, with_tag in zip(found.attention.layers, expected.attention.layers, strict=True):
            assert layer.shape[-1] == with_tag.shape[-1] - 1
            assert layer[:, :length].numpy() == pytest.approx(with_tag[:, :length, 1:].numpy(), abs=1e-5)
        texts.add(found.text)
    assert len(texts) == 2


def test_scores_and_alternatives_are_those_after_the_tag(translator: Translator) -> None:
    french = translator.for_target("fr")
    [scored] = french.score(ENGLISH[0], FRENCH[0])
    [expected] = translator.score(f">>fr<< {ENGLISH[0]}", FRENCH[0])
    assert scored.score == pytest.approx(expected.score, rel=1e-5)
    assert scored.attention is not None and len(scored.attention.src.ids) + 1 == scored.attention.layers[0].shape[-1]
    found = translator.alternatives(ENGLISH[0], count=3, to="fr", recase=False, beam=1)
    by_hand = translator.alternatives(f">>fr<< {ENGLISH[0]}", count=3, recase=False, beam=1)
    words, expected_words = ({other.text.split(" ")[0] for other in others} for others in (found, by_hand))
    assert words == expected_words and len(words) > 1


def test_another_engine_gets_the_tag_too(translator: Translator, tagged_subword: Subword) -> None:
    prefix = [tagged_subword.language_tags[">>de<<"]]
    foreign = translator.with_engine(PrefixedEngine(translator.engine, prefix))
    foreign.languages = ModelLanguages()
    expected = translator.translate(ENGLISH, to="de", attention=True)
    assert [found.text for found in foreign.translate(ENGLISH, attention=True)] == [found.text for found in expected]
    assert foreign.score(ENGLISH[0], FRENCH[0])[0].score == pytest.approx(
        translator.for_target("de").score(ENGLISH[0], FRENCH[0])[0].score, rel=1e-5
    )


def test_a_model_with_several_targets_needs_one(translator: Translator) -> None:
    with pytest.raises(SearchError, match=r"sentence 2: expected a target language.*de, es, fr.*--to"):
        translator.translate([f">>fr<< {ENGLISH[0]}", ENGLISH[1]])


@pytest.mark.parametrize("code", ["it", "not a language"])
def test_a_language_that_the_model_does_not_have_is_refused(translator: Translator, code: str) -> None:
    with pytest.raises(SearchError, match="target language"):
        translator.translate(ENGLISH[0], to=code)


def test_a_pair_that_was_never_trained_is_answered_with_a_warning(translator: Translator) -> None:
    for source, target, reason in (
        ("en", "es", "never trained to translate from English to Spanish (zero-shot)"),
        ("it", "fr", "never trained on sentences in Italian"),
    ):
        for found in translator.translate(ENGLISH, to=target, source=source):
            [warning] = [warning for warning in found.warnings if isinstance(warning, GeneralWarning)]
            assert reason in warning and "en-fr, en-de, de-es" in warning and "sentence" not in warning.split()[0]
    for known in (None, "en", "en-GB"):
        [found] = translator.translate(ENGLISH[0], to="fr", source=known)
        assert not any(isinstance(warning, GeneralWarning) for warning in found.warnings)


def test_a_long_line_has_the_warning_once_and_the_tag_in_each_segment(tagged_subword: Subword) -> None:
    translator = Translator.of([random_model("bahdanau", tagged_subword, data={"max_len": 12}, eos=3.0)])
    translator.languages = ModelLanguages(translator.languages.tag_ids, DIRECTIONS)
    line = ". ".join(ENGLISH) + "."
    segments = translator.split(line)
    assert len(segments) > 1
    assert max(len(segment.source.ids) for segment in segments) <= 11  # with the tag, 12
    [whole] = translator.translate(line, to="es", source="en")
    assert sum(isinstance(warning, GeneralWarning) for warning in whole.warnings) == 1
    parts = translator.fill(segments, options=_options("es"))
    assert whole.text.startswith(parts[0].found[0].text.split(" ")[0])


def _options(to: str) -> TranslateOptions:

    return TranslateOptions(to=to)


def test_a_model_with_one_target_accepts_its_name_only_if_it_knows_it(small_subword: Subword) -> None:
    translator = Translator.of([random_model("bahdanau", small_subword)])
    with pytest.raises(SearchError, match="does not know which: leave the target language out"):
        translator.translate(ENGLISH[0], to="fr")
    translator.languages = ModelLanguages(directions=(("en", "fr"),))
    [plain] = translator.translate(ENGLISH[0])
    assert translator.translate(ENGLISH[0], to="fra", source="en") == [plain]
    assert translator.translate(ENGLISH[0], source="de")[0].warnings[0].startswith("the model was never trained on")


def test_three_letter_codes_of_imported_vocabularies() -> None:
    imported = SimpleNamespace(language_tags={">>fra<<": 7, ">>cmn_Hans<<": 8, ">>pt_BR<<": 9})
    languages = ModelLanguages.of(imported)  # type: ignore[arg-type] # only this attribute is used
    assert languages.tag_ids == {"fr": 7, "zh-Hans": 8, "pt-BR": 9}
    assert languages.find_target("fre") == "fr" and languages.find_target("zh") == "zh-Hans"
