"""Checks of language and script; the batched identifier agrees with py3langid."""

from __future__ import annotations

import numpy as np
import pytest

from regard.data.cleaning.checks_language import Language, Script
from regard.data.cleaning.language_model import MAX_BYTES, load_language_model
from regard.data.cleaning.scripts import foreign_letters, script_of
from regard.errors import ConfigError
from regard.values import Pair

TEXTS = [
    "Where is the station?",
    "OÙ EST LA GARE ?",
    "",
    "기차역이 어디에 있습니까?",
    "12345",
    "駅はどこですか。",
    "a" * 1000,
]
CODES = ("en", "fr", "ko", "ja", "de")


def test_scores_of_a_batch_agree_with_py3langid() -> None:
    langid = pytest.importorskip("py3langid.langid")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    model = load_language_model(CODES)
    columns = [list(identifier.nb_classes).index(code) for code in model.codes]
    scores = model.scores(TEXTS)
    for text, row in zip(TEXTS, scores, strict=True):
        encoded = identifier._encode(text)[:MAX_BYTES]
        visits = langid.visit_counts(identifier.tk_nextmove, identifier._rowbase, identifier.tk_output, encoded)
        weights = np.asarray(identifier.nb_ptc[list(visits or ())], np.float32)[:, columns]
        expected = np.log1p(np.array(list((visits or {}).values()), np.float32)) @ weights
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-2)
    np.testing.assert_array_equal(scores, np.concatenate([model.scores([text]) for text in TEXTS]))


def test_sides_in_another_language_have_high_scores() -> None:
    language = Language.learn(("en", "fr"), [])
    assert language is not None
    good, german, untranslated, swapped, code = language(
        [
            Pair("Where is the station?", "Où est la gare ?"),
            Pair("Where is the station?", "Wo ist denn der nächste Bahnhof?"),
            Pair("Where is the station?", "The weather is nice today."),
            Pair("Où est la gare la plus proche ?", "Where is the nearest station?"),
            Pair("foo_bar(x) == 3 /usr/lib", "foo_bar(x) == 3 /usr/lib"),
        ]
    )
    assert good < 0
    assert min(german, untranslated, swapped) > 1.75
    assert code <= 0


def test_usual_margins_are_learned() -> None:
    norwegian = ["Folket i landsbyen gikk til markedet om morgenen", "Jeg vet ikke hvor jeg la nøklene", "Vi drar nå"]
    sample = [Pair("The people of the village", text) for text in norwegian] * 100
    learned, plain = Language.learn(("en", "da"), sample), Language.learn(("en", "da"), [])
    assert learned is not None
    assert plain is not None
    assert max(plain(sample[:3])) > 0.5
    assert max(learned(sample[:3])) <= 0
    assert learned([Pair("The people", "Die Leute aus dem Dorf gingen am Morgen zum Markt")])[0] > 1.75


def test_languages_in_the_wrong_order_are_refused() -> None:
    pairs = [Pair("Where is the nearest station?", "Où est la gare la plus proche ?")] * 300
    assert Language.learn(("en", "fr"), pairs) is not None
    with pytest.raises(
        ConfigError, match=r"sources in French and targets in English, found the reverse .* --langs en-fr"
    ):
        Language.learn(("fr", "en"), pairs)
    assert Language.learn(("fr", "en"), pairs[:100]) is not None  # too few to be sure


@pytest.mark.parametrize("langs", [("en", "en-GB"), ("en", "tlh"), ("xx", "fr")])
def test_languages_that_cannot_be_told_apart_have_no_check(langs: tuple[str, str]) -> None:
    assert Language.learn(langs, []) is None


@pytest.mark.parametrize(
    ("code", "script"),
    [("ko", "Kore"), ("zh-Hant", "Hant"), ("zh", "Hans"), ("sr", None), ("sr-Cyrl", "Cyrl"), ("pt-BR", "Latn")],
)
def test_scripts_of_languages(code: str, script: str | None) -> None:
    assert script_of(code) == script


@pytest.mark.parametrize(
    ("text", "script", "other", "share"),
    [
        ("안녕 hello", "Kore", "", 5 / 7),
        ("안녕 hello", "Kore", "hello!", 0),
        ("漢字", "Kore", "", 0),
        ("été", "Latn", "", 0),
        ("abcд", "Latn", "", 0.25),
        ("日本語", "Latn", "", 1),
        ("12 — !", "Kore", "", 0),
        ("абв", None, "", 0),
    ],
)
def test_foreign_letters(text: str, script: str | None, other: str, share: float) -> None:
    assert foreign_letters(text, script, other) == share


def test_the_script_check_reads_both_sides() -> None:
    assert Script(("en", "ru"))([Pair("ok", "да"), Pair("да", "нет"), Pair("ok", "no way")]) == [0, 1, 1]
