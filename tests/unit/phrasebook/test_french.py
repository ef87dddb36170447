"""French and English inflection against hand-written tables."""

from __future__ import annotations

import pytest

from regard_phrasebook.en_fr import english, french_spelling
from regard_phrasebook.en_fr.adjectives import ADJECTIVES, MOODS
from regard_phrasebook.en_fr.french_verbs import agree, conjugate
from regard_phrasebook.en_fr.nouns import NOUNS
from regard_phrasebook.en_fr.words import Agreement
from regard_phrasebook.engine.phrase import Piece


@pytest.mark.parametrize(
    ("verb", "present"),
    [
        ("parler", "parle parles parle parlons parlez parlent"),
        ("manger", "mange manges mange mangeons mangez mangent"),
        ("acheter", "achète achètes achète achetons achetez achètent"),
        ("appeler", "appelle appelles appelle appelons appelez appellent"),
        ("préférer", "préfère préfères préfère préférons préférez préfèrent"),
        ("nettoyer", "nettoie nettoies nettoie nettoyons nettoyez nettoient"),
        ("finir", "finis finis finit finissons finissez finissent"),
        ("répondre", "réponds réponds répond répondons répondez répondent"),
        ("apprendre", "apprends apprends apprend apprenons apprenez apprennent"),
        ("revenir", "reviens reviens revient revenons revenez reviennent"),
        ("sourire", "souris souris sourit sourions souriez sourient"),
        ("ouvrir", "ouvre ouvres ouvre ouvrons ouvrez ouvrent"),
        ("dire", "dis dis dit disons dites disent"),
        ("lever", "lève lèves lève levons levez lèvent"),
    ],
)
def test_present(verb: str, present: str) -> None:
    assert " ".join(conjugate(verb).present) == present


@pytest.mark.parametrize(
    ("verb", "imperfect", "future", "participle", "imperative"),
    [
        ("être", "étais étions", "serai", "été", "sois"),
        ("manger", "mangeais mangions", "mangerai", "mangé", "mange"),
        ("commencer", "commençais commencions", "commencerai", "commencé", "commence"),
        ("voir", "voyais voyions", "verrai", "vu", "vois"),
        ("acheter", "achetais achetions", "achèterai", "acheté", "achète"),
        ("préférer", "préférais préférions", "préférerai", "préféré", "préfère"),
        ("appeler", "appelais appelions", "appellerai", "appelé", "appelle"),
        ("aller", "allais allions", "irai", "allé", "va"),
        ("choisir", "choisissais choisissions", "choisirai", "choisi", "choisis"),
        ("attendre", "attendais attendions", "attendrai", "attendu", "attends"),
        ("boire", "buvais buvions", "boirai", "bu", "bois"),
        ("ouvrir", "ouvrais ouvrions", "ouvrirai", "ouvert", "ouvre"),
    ],
)
def test_other_tenses(verb: str, imperfect: str, future: str, participle: str, imperative: str) -> None:
    forms = conjugate(verb)
    assert f"{forms.imperfect[0]} {forms.imperfect[3]}" == imperfect
    assert forms.future[0] == future
    assert forms.conditional[0] == future + "s"
    assert forms.participle == participle
    assert forms.imperative[0] == imperative


def test_participles_agree() -> None:
    assert [agree("allé", gender, plural) for gender in "mf" for plural in (False, True)] == [
        "allé", "allés", "allée", "allées",
    ]  # fmt: skip
    assert agree("pris", "m", True) == "pris"


@pytest.mark.parametrize(
    ("en", "forms"),
    [
        ("beautiful", "beau belle beaux belles"),
        ("old", "vieux vieille vieux vieilles"),
        ("happy", "heureux heureuse heureux heureuses"),
        ("white", "blanc blanche blancs blanches"),
        ("expensive", "cher chère chers chères"),
        ("kind", "gentil gentille gentils gentilles"),
        ("Italian", "italien italienne italiens italiennes"),
        ("grey", "gris grise gris grises"),
        ("worried", "inquiet inquiète inquiets inquiètes"),
        ("blue", "bleu bleue bleus bleues"),
        ("proud", "fier fière fiers fières"),
        ("fresh", "frais fraîche frais fraîches"),
    ],
)
def test_adjectives_agree(en: str, forms: str) -> None:
    adjective = next(adjective for adjective in (*ADJECTIVES, *MOODS) if adjective.en == en)
    inflected = [adjective.french(Agreement(3, plural, gender)) for plural in (False, True) for gender in ("m", "f")]
    assert " ".join(inflected) == forms


def spell(text: str) -> str:
    pieces = [Piece(token, (index,)) for index, token in enumerate(text.split())]
    return " ".join(word.text for word in french_spelling.spell(pieces))


@pytest.mark.parametrize(
    ("tokens", "written"),
    [
        ("je ai le hôtel", "J'ai l'hôtel"),
        ("le haut de le mur", "Le haut du mur"),
        ("à le homme", "À l'homme"),
        ("à les amis de les rois", "Aux amis des rois"),
        ("il est important de le· voir", "Il est important de le voir"),
        ("je le· aime", "Je l'aime"),
        ("si il part", "S'il part"),
        ("si elle part", "Si elle part"),
        ("le onze mai", "Le onze mai"),
        ("de le eau", "De l'eau"),
        ("jusque à", "Jusque à"),
        ("je ne y vais pas", "Je n'y vais pas"),
    ],
)
def test_elision_and_contraction(tokens: str, written: str) -> None:
    assert spell(tokens) == written


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("run", "runs ran run running"),
        ("carry", "carries carried carried carrying"),
        ("stop", "stops stopped stopped stopping"),
        ("write", "writes wrote written writing"),
        ("watch", "watches watched watched watching"),
        ("see", "sees saw seen seeing"),
        ("travel", "travels travelled travelled travelling"),
        ("go", "goes went gone going"),
        ("use", "uses used used using"),
        ("play", "plays played played playing"),
    ],
)
def test_english_verbs(verb: str, forms: str) -> None:
    inflected = (english.third_person(verb), english.past(verb), english.participle(verb), english.ing(verb))
    assert " ".join(inflected) == forms


@pytest.mark.parametrize(
    ("tokens", "full", "short"),
    [
        ("a egg and a university", "An egg and a university", "An egg and a university"),
        ("I am not a honest man", "I am not an honest man", "I'm not an honest man"),
        ("she does not run", "She does not run", "She doesn't run"),
        ("you can not swim", "You cannot swim", "You can't swim"),
    ],
)
def test_english_spelling(tokens: str, full: str, short: str) -> None:
    pieces = [Piece(token, (index,)) for index, token in enumerate(tokens.split())]
    assert " ".join(word.text for word in english.spell_full(pieces)) == full
    assert " ".join(word.text for word in english.spell_short(pieces)) == short


def test_plurals() -> None:
    nouns = {noun.en: (noun.en_plural, noun.fr_plural) for kind in NOUNS.values() for noun in kind}
    assert nouns["horse"] == ("horses", "chevaux")
    assert nouns["child"] == ("children", "enfants")
    assert nouns["church"] == ("churches", "églises")
    assert nouns["potato"] == ("potatoes", "pommes de terre")
    assert nouns["mouse"] == ("mice", "souris")
    assert nouns["present"] == ("presents", "cadeaux")
    assert nouns["library"] == ("libraries", "bibliothèques")
