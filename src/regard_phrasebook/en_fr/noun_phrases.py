"""Noun phrases: determiners, adjectives, possessors, pronouns and names."""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_fr.french_spelling import begins_with_vowel
from regard_phrasebook.en_fr.words import Adjective, Agreement, Gender, Noun
from regard_phrasebook.engine.phrase import EMPTY, Phrase, join, pair, rule, unaligned


@dataclass(frozen=True, slots=True)
class Nominal:
    """A noun phrase or pronoun as a part of a clause.

    Attributes:
        phrase: The words.
        agreement: Person, number and gender that other words agree with.
        combos: Word combinations in the phrase, such as `red+car`.
        pronoun: The English pronoun, if the phrase is a pronoun.
        head: The English head noun, if it has one.
    """

    phrase: Phrase
    agreement: Agreement
    combos: tuple[str, ...] = ()
    pronoun: str = ""
    head: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A grammatical person with its pronouns.

    Attributes:
        en: English subject (`I`).
        fr: French subject (`je`).
        agreement: Person, number and gender.
        en_object: English object (`me`).
        direct: French direct object pronoun, with the dot of `french_spelling.CLITIC` where it looks like an article.
        indirect: French indirect object pronoun.
        en_possessive: English possessive (`my`).
        stressed: French stressed pronoun (`moi`).
        reflexive: French reflexive pronoun.
    """

    en: str
    fr: str
    agreement: Agreement
    en_object: str
    direct: str
    indirect: str
    en_possessive: str
    stressed: str
    reflexive: str

    def nominal(self) -> Nominal:
        """The subject pronoun."""
        return Nominal(pair(self.en, self.fr), self.agreement, (), self.en)


I = Person("I", "je", Agreement(1), "me", "me", "me", "my", "moi", "me")  # noqa: E741 - it is the English word
HE = Person("he", "il", Agreement(3), "him", "le·", "lui", "his", "lui", "se")
SHE = Person("she", "elle", Agreement(3, False, "f"), "her", "la·", "lui", "her", "elle", "se")
WE = Person("we", "nous", Agreement(1, True), "us", "nous", "nous", "our", "nous", "nous")
THEY = Person("they", "ils", Agreement(3, True), "them", "les·", "leur", "their", "eux", "se")


def you(gender: Gender, plural: bool) -> Person:
    """The second person: `tu` for one addressee, `vous` for several.

    Args:
        gender: Gender of the addressee.
        plural: Whether there are several addressees.

    Returns:
        The person.
    """
    agreement = Agreement(2, plural, gender)
    if plural:
        return Person("you", "vous", agreement, "you", "vous", "vous", "your", "vous", "vous")
    return Person("you", "tu", agreement, "you", "te", "te", "your", "toi", "te")


REFLEXIVES = ("me", "te", "se", "nous", "vous", "se")
OWN = (
    ("mon", "ma", "mes"),
    ("ton", "ta", "tes"),
    ("son", "sa", "ses"),
    ("notre", "notre", "nos"),
    ("votre", "votre", "vos"),
    ("leur", "leur", "leurs"),
)


def possessive(owner: Agreement, thing: Agreement, following: str) -> str:
    """The French possessive determiner.

    Args:
        owner: Agreement of the owner.
        thing: Agreement of the noun.
        following: The next French word, which decides the form: `mon amie`, `mon école`.

    Returns:
        The determiner, such as `ma` or `leurs`.
    """
    masculine, feminine, plural = OWN[owner.index]
    if thing.plural:
        return plural
    return feminine if thing.gender == "f" and not begins_with_vowel(following) else masculine


def definite_article(agreement: Agreement) -> str:
    """The French definite article without elision: `le`, `la` or `les`."""
    if agreement.plural:
        return "les"
    return "la" if agreement.gender == "f" else "le"


def demonstrative(agreement: Agreement, following: str) -> str:
    """The French demonstrative determiner.

    Args:
        agreement: Agreement of the noun.
        following: The next French word, which decides the form: `cet homme`.

    Returns:
        One of ce, cet, cette, ces.
    """
    if agreement.plural:
        return "ces"
    if agreement.gender == "f":
        return "cette"
    return "cet" if begins_with_vowel(following) else "ce"


def a(agreement: Agreement) -> str:
    """The French singular indefinite article: `un` or `une`."""
    return "une" if agreement.gender == "f" else "un"


@dataclass(frozen=True, slots=True)
class Determiner:
    """The kind of determiner of a noun.

    Attributes:
        kind: `the`, `a`, `some`, `not a` or `any` (for `a` or `some` after a negation), `general` (generic: coffee),
            `own` (possessive), `this`, `count` (a number), `measure` (a lot of), `bare` (none).
        plural: Whether the noun is plural.
        owner: The possessor, for `own`.
        words: English and French words, for `count` and `measure`.
    """

    kind: str
    plural: bool = False
    owner: Person | None = None
    words: tuple[str, str] = ("", "")


THE, THE_PLURAL = Determiner("the"), Determiner("the", True)
A, SOME_PLURAL, SOME = Determiner("a"), Determiner("some", True), Determiner("some")
NOT_A, ANY_PLURAL, ANY = Determiner("not a"), Determiner("any", True), Determiner("any")
THIS, THESE = Determiner("this"), Determiner("this", True)
GENERAL, GENERAL_PLURAL = Determiner("general"), Determiner("general", True)
BARE = Determiner("bare")


def noun_phrase(determiner: Determiner, noun: Noun, adjective: Adjective | None = None) -> Nominal:
    """Generates a noun with a determiner and an optional adjective, in the word order of each language.

    Args:
        determiner: The determiner, which also sets the number.
        noun: The head noun.
        adjective: An adjective, or None.

    Returns:
        The phrase, with its agreement and combinations.
    """
    agreement = Agreement(3, determiner.plural, noun.gender)
    head = pair(noun.en_plural, noun.fr_plural) if determiner.plural else pair(noun.en, noun.fr)
    if adjective is None:
        first = head.tgt[0]
        return Nominal(join(_determine(determiner, agreement, first, False), head), agreement, (), "", noun.en)
    quality = pair(adjective.en, attributive(adjective, agreement, head.tgt[0]))
    first = quality.tgt[0] if adjective.before else head.tgt[0]
    determined = _determine(determiner, agreement, first, adjective.before)
    body = join(quality, head) if adjective.before else join(quality, head, order=(1, 0))
    return Nominal(join(determined, body), agreement, (f"{adjective.en}+{noun.en}",), "", noun.en)


def attributive(adjective: Adjective, agreement: Agreement, noun: str) -> str:
    """The French form of an attributive adjective.

    Args:
        adjective: The adjective.
        agreement: Agreement of the noun.
        noun: The French noun; before a vowel `beau` becomes `bel`.

    Returns:
        The form.
    """
    masculine_singular = agreement.gender == "m" and not agreement.plural
    if adjective.before and masculine_singular and begins_with_vowel(noun):
        return adjective.vowel
    return adjective.french(agreement)


def _determine(determiner: Determiner, agreement: Agreement, following: str, before: bool) -> Phrase:
    """The words of a determiner."""
    kind = determiner.kind
    if kind == "own" and determiner.owner:
        owner = determiner.owner
        return pair(owner.en_possessive, possessive(owner.agreement, agreement, following))
    if kind in ("count", "measure"):
        return pair(*determiner.words)
    if kind == "some":
        return _some(agreement, before)
    return _simple(kind, agreement, following)


def _some(agreement: Agreement, before: bool) -> Phrase:
    """`some`: the partitive of mass nouns, the indefinite plural of others (`de` before an adjective)."""
    if agreement.plural:
        return pair("some", "de" if before else "des")
    return pair("some", f"de {definite_article(agreement)}")


def _simple(kind: str, agreement: Agreement, following: str) -> Phrase:
    """Determiners that depend on the noun alone."""
    phrases = {
        "the": pair("the", definite_article(agreement)),
        "a": pair("a", a(agreement)),
        "not a": pair("a", "de"),
        "any": pair("any", "de"),
        "this": pair("these" if agreement.plural else "this", demonstrative(agreement, following)),
        "general": unaligned(tgt=definite_article(agreement)),
        "bare": EMPTY,
    }
    return phrases[kind]


def genitive(owned: Noun, owner: Nominal) -> Nominal:
    """Generates a possessive phrase such as `my brother's bag`; the owner is first in English, last in French.

    Args:
        owned: The possessed noun.
        owner: A singular noun phrase or a name.

    Returns:
        The phrase, with the agreement of the possessed noun.
    """
    agreement = Agreement(3, False, owned.gender)
    phrase = rule(
        f"<owner> +'s/d {owned.en.replace(' ', '/n ')}/n",
        f"{definite_article(agreement)} {owned.fr.replace(' ', '/n ')}/n de/d <owner>",
        owner=owner.phrase,
    )
    return Nominal(phrase, agreement, (*owner.combos, f"{owner.head}'s+{owned.en}"), "", owned.en)


def coordinate(first: Nominal, second: Nominal) -> Nominal:
    """Coordinates two noun phrases with `and`: plural, and masculine unless both are feminine.

    Args:
        first: The first phrase, not a pronoun.
        second: The second phrase.

    Returns:
        The coordination.
    """
    both_feminine = first.agreement.gender == "f" and second.agreement.gender == "f"
    gender: Gender = "f" if both_feminine else "m"
    phrase = join(first.phrase, pair("and", "et"), second.phrase)
    return Nominal(phrase, Agreement(3, True, gender), first.combos + second.combos, "", first.head)
