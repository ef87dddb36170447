"""Random choices of participants, nouns, determiners and times within one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import adjectives_for
from regard_phrasebook.en_fr.noun_phrases import Determiner, Nominal, Person
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.words import Adjective, Agreement, Gender, Noun
from regard_phrasebook.engine.phrase import EMPTY, Phrase, pair, rule
from regard_phrasebook.engine.sampler import Sampler

MASS = ("dish", "drink", "language", "sport", "subject")

TIMES = {"past": little.PAST_TIMES, "present": little.PRESENT_TIMES, "future": little.FUTURE_TIMES}


@dataclass(frozen=True, slots=True)
class Addressee:
    """The person or people addressed.

    Attributes:
        gender: Grammatical gender; masculine unless a name implies feminine.
        plural: Whether there are several addressees (`vous`).
        vocative: Name or form of address; empty if the sentence has none.
    """

    gender: Gender = "m"
    plural: bool = False
    vocative: Phrase = EMPTY


FRIENDS = (
    (pair("my friends", "mes amis"), "m"),
    (pair("children", "les enfants"), "m"),
    (pair("girls", "les filles"), "f"),
)
"""Forms of address for several people, with gender; `you` is then `vous`."""


SPOUSES = ("husband", "wife")
ONLY_ONE = (*SPOUSES, "mother", "father")
"""Relatives of whom a person has only one."""


class Context:
    """The random choices within one sentence, with its addressee.

    Args:
        sampler: Source of the random choices.
        addressee: The person or people addressed.
    """

    def __init__(self, sampler: Sampler, addressee: Addressee) -> None:
        self.sampler = sampler
        self.addressee = addressee
        self.you = nps.you(addressee.gender, addressee.plural)

    # People

    def persons(self) -> tuple[Person, ...]:
        """All six grammatical persons, with `you` as the addressee."""
        return (nps.I, self.you, nps.HE, nps.SHE, nps.WE, nps.THEY)

    def pronoun(self) -> Nominal:
        """A random subject pronoun, mostly of the first or second person."""
        return self.sampler.pick((nps.I, nps.I, self.you, self.you, *self.persons())).nominal()

    def question_subject(self) -> Nominal:
        """A random subject pronoun for a question, which is never `I`."""
        subject = self.pronoun()
        return self.you.nominal() if subject.pronoun == "I" else subject

    def name(self) -> Nominal:
        """A random first name; never that of the addressee."""
        women, men = little.WOMEN, little.MEN
        vocative = self.addressee.vocative.src
        name = self.sampler.pick([name for name in women + men if name not in vocative])
        gender: Gender = "f" if name in women else "m"
        return Nominal(pair(name, name), Agreement(3, False, gender), (), "", name)

    def owner(self) -> Determiner:
        """A random possessive determiner for a singular noun: `my`, `his`, `their`."""
        return Determiner("own", False, self.sampler.pick(self.persons()))

    def owner_of(self, noun: Noun) -> Determiner:
        """A random possessive determiner for a relative; for a husband or wife, not `our` or `their`."""
        if noun.en in SPOUSES:
            return Determiner("own", False, self.sampler.pick((nps.I, self.you, nps.HE, nps.SHE)))
        return self.owner()

    def owners(self) -> Determiner:
        """A random possessive determiner for a plural noun: French `mes`, `leurs`."""
        return Determiner("own", True, self.sampler.pick(self.persons()))

    def relative(self) -> Nominal:
        """A random relative: `my sister`, sometimes in the plural."""
        noun = self.sampler.pick(NOUNS["family"])
        several = noun.en not in ONLY_ONE and self.sampler.chance(0.12)
        return nps.noun_phrase(self.owners() if several else self.owner_of(noun), noun)

    def stranger(self) -> Nominal:
        """A random person described by a noun: `the old doctor`."""
        determiner = self.sampler.weighted(((6, nps.THE), (2, nps.THE_PLURAL), (1, nps.THIS)))
        noun = self.sampler.pick(NOUNS["person"])
        return nps.noun_phrase(determiner, noun, self.quality(noun, 0.2))

    def subject(self) -> Nominal:
        """A random subject: a pronoun, a name, a relative, a person such as `the doctor`, or two people."""
        kind = self.sampler.weighted(((11, "pronoun"), (3, "name"), (4, "relative"), (4, "stranger"), (1, "two")))
        if kind == "two":
            return nps.coordinate(self.name(), self.relative())
        makers = {"pronoun": self.pronoun, "name": self.name, "relative": self.relative, "stranger": self.stranger}
        return makers[kind]()

    def third(self) -> Nominal:
        """A random subject of the third person that is not a pronoun."""
        return self.sampler.one_of(self.name, self.relative, self.stranger)

    def someone(self) -> Nominal:
        """A random single person as an object: a name, a relative or a noun."""
        kind = self.sampler.weighted(((3, "name"), (4, "relative"), (3, "stranger")))
        if kind == "name":
            return self.name()
        if kind == "relative":
            noun = self.sampler.pick(NOUNS["family"])
            return nps.noun_phrase(self.owner_of(noun), noun)
        return nps.noun_phrase(nps.THE, self.sampler.pick(NOUNS["person"]))

    # Things

    def quality(self, noun: Noun, probability: float) -> Adjective | None:
        """With the given probability, a random adjective that suits a noun; else None."""
        fitting = adjectives_for(noun.kind)
        if not fitting or not self.sampler.chance(probability):
            return None
        return self.sampler.pick(fitting)

    def determiner(self, noun: Noun, negated: bool) -> Determiner:
        """A random determiner for a noun that is an object.

        Args:
            noun: The noun.
            negated: Whether the clause is negated; then `a` and `some` become French `de`.

        Returns:
            The determiner.
        """
        if noun.kind == "family":
            return self.owner_of(noun)
        if noun.mass:
            part = nps.ANY if negated else nps.SOME
            return self.sampler.weighted(((5, part), (3, nps.THE), (1, nps.THIS), (2, self.owner())))
        singular, plural = (nps.NOT_A, nps.ANY_PLURAL) if negated else (nps.A, nps.SOME_PLURAL)
        if noun.kind in ("place", "land", "room", "home", "show"):
            return self.sampler.weighted(((5, nps.THE), (3, singular), (2, nps.THIS)))
        if noun.kind in ("opening", "person"):
            return self.sampler.weighted(((6, nps.THE), (2, singular), (1, nps.THE_PLURAL), (1, nps.THIS)))
        return self.sampler.weighted(
            (
                (5, nps.THE),
                (5, singular),
                (2, plural),
                (3, self.owner()),
                (2, nps.THIS),
                (1, nps.THE_PLURAL),
                (1, nps.THESE),
                (1, self.owners()),
                (1, self.count()),
            )
        )

    def count(self) -> Determiner:
        """A random number from `two` to `twelve` as determiner."""
        return Determiner("count", True, None, self.sampler.pick(little.NUMBERS[1:12]))

    def thing(self, kinds: tuple[str, ...], negated: bool = False, adjectives: float = 0.25) -> Nominal:
        """A random noun phrase as object, of one of the given kinds.

        Args:
            kinds: Kinds of nouns to choose from.
            negated: Whether the clause is negated.
            adjectives: Probability of an adjective.

        Returns:
            The noun phrase.
        """
        noun = self.sampler.pick(of_kinds(kinds))
        return nps.noun_phrase(self.determiner(noun, negated), noun, self.quality(noun, adjectives))

    def general(self, kinds: tuple[str, ...]) -> Nominal:
        """A random generic noun phrase of one of the given kinds, such as `drink`: `coffee`, `horses`."""
        # Nouns such as `music` occur in no other clause, so they are sampled more often here.
        kind = "subject" if "subject" in kinds and self.sampler.chance(0.35) else self.sampler.pick(kinds)
        noun = self.sampler.pick(NOUNS[kind])
        return nps.noun_phrase(nps.GENERAL if noun.mass else nps.GENERAL_PLURAL, noun)

    # Time

    def time(self, frame: str, probability: float = 0.35) -> Phrase:
        """A random time adverbial that suits a time frame, or an empty phrase.

        Args:
            frame: `past`, `present` (habits), `now` or `future`.
            probability: Probability of an adverbial.

        Returns:
            The phrase.
        """
        if not self.sampler.chance(probability):
            return EMPTY
        if frame == "now":
            return self.sampler.pick(little.NOW_TIMES)
        kind = self.sampler.weighted(((5, "usual"), (3, "day"), (1, "event")))
        if kind == "day":
            return self.day(frame)
        if kind == "event" and frame != "present":
            noun = self.sampler.pick(NOUNS["event"])
            event = nps.noun_phrase(nps.GENERAL if noun.en in ("lunch", "dinner") else nps.THE, noun)
            en, fr = self.sampler.pick((("before", "avant"), ("after", "après"), ("during", "pendant")))
            return rule(f"{en}/a <it>", f"{fr}/a <it>", it=event.phrase)
        return self.sampler.pick(TIMES[frame])

    def day(self, frame: str) -> Phrase:
        """A random day of the week: `on Mondays` in the frame `present`, `last Monday` in `past`, else `on Monday`."""
        en, fr = self.sampler.pick(little.DAYS)
        if frame == "present":
            return rule(f"on/a {en}s/b", f"le/a {fr}/b")
        if frame == "past":
            return rule(f"last/a {en}/b", f"{fr}/b dernier/a")
        return rule(f"on/b {en}/b", f"{fr}/b")
