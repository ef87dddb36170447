"""Choosing what to say: who speaks to whom, who does what, with which nouns, when."""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import going_with
from regard_phrasebook.en_fr.noun_phrases import Determiner, Nominal, Person
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.words import Adjective, Agreement, Gender, Noun
from regard_phrasebook.engine.phrase import EMPTY, Phrase, pair, rule
from regard_phrasebook.engine.sampler import Sampler

MASS = ("dish", "drink", "language", "sport", "subject")

TIMES = {"past": little.PAST_TIMES, "present": little.PRESENT_TIMES, "future": little.FUTURE_TIMES}


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who is spoken to.

    Attributes:
        gender: Masculine unless a name says otherwise.
        plural: Whether several people are spoken to (`vous`).
        vocative: How they are called, if they are.
    """

    gender: Gender = "m"
    plural: bool = False
    vocative: Phrase = EMPTY


FRIENDS = (
    (pair("my friends", "mes amis"), "m"),
    (pair("children", "les enfants"), "m"),
    (pair("girls", "les filles"), "f"),
)
"""Ways of calling several people: with them, `you` is `vous`."""


SPOUSES = ("husband", "wife")
ONLY_ONE = (*SPOUSES, "mother", "father")
"""Relatives of whom one has one."""


class Talk:
    """The choices within one sentence.

    Args:
        sampler: Source of all choices.
        addressee: Who is spoken to.
    """

    def __init__(self, sampler: Sampler, addressee: Addressee) -> None:
        self.sampler = sampler
        self.addressee = addressee
        self.you = nps.you(addressee.gender, addressee.plural)

    # People

    def persons(self) -> tuple[Person, ...]:
        """All six persons, as this talk means them."""
        return (nps.I, self.you, nps.HE, nps.SHE, nps.WE, nps.THEY)

    def pronoun(self) -> Nominal:
        """A pronoun as subject, mostly one of the speakers."""
        return self.sampler.pick((nps.I, nps.I, self.you, self.you, *self.persons())).nominal()

    def asked_about(self) -> Nominal:
        """A pronoun as subject of a question: one seldom asks about oneself."""
        subject = self.pronoun()
        return self.you.nominal() if subject.pronoun == "I" else subject

    def name(self) -> Nominal:
        """Somebody by name; never the one who is spoken to."""
        women, men = little.WOMEN, little.MEN
        calling = self.addressee.vocative.src
        name = self.sampler.pick([one for one in women + men if one not in calling])
        gender: Gender = "f" if name in women else "m"
        return Nominal(pair(name, name), Agreement(3, False, gender), (), "", name)

    def owner(self) -> Determiner:
        """A possessive of the singular."""
        return Determiner("own", False, self.sampler.pick(self.persons()))

    def owner_of(self, noun: Noun) -> Determiner:
        """A possessive for somebody of a family: husbands and wives belong to one person."""
        if noun.en in SPOUSES:
            return Determiner("own", False, self.sampler.pick((nps.I, self.you, nps.HE, nps.SHE)))
        return self.owner()

    def owners(self) -> Determiner:
        """A possessive of the plural."""
        return Determiner("own", True, self.sampler.pick(self.persons()))

    def relative(self) -> Nominal:
        """Somebody of a family: `my sister`, sometimes several."""
        noun = self.sampler.pick(NOUNS["family"])
        several = noun.en not in ONLY_ONE and self.sampler.chance(0.12)
        return nps.noun_phrase(self.owners() if several else self.owner_of(noun), noun)

    def stranger(self) -> Nominal:
        """Somebody by profession or kind: `the old doctor`."""
        determiner = self.sampler.weighted(((6, nps.THE), (2, nps.THE_PLURAL), (1, nps.THIS)))
        noun = self.sampler.pick(NOUNS["person"])
        return nps.noun_phrase(determiner, noun, self.quality(noun, 0.2))

    def subject(self) -> Nominal:
        """Anybody who can do something."""
        kind = self.sampler.weighted(((11, "pronoun"), (3, "name"), (4, "relative"), (4, "stranger"), (1, "two")))
        if kind == "two":
            return nps.coordinate(self.name(), self.relative())
        makers = {"pronoun": self.pronoun, "name": self.name, "relative": self.relative, "stranger": self.stranger}
        return makers[kind]()

    def third(self) -> Nominal:
        """Anybody but a pronoun."""
        return self.sampler.one_of(self.name, self.relative, self.stranger)

    def someone(self) -> Nominal:
        """One person, named or of a family or profession, to be an object."""
        kind = self.sampler.weighted(((3, "name"), (4, "relative"), (3, "stranger")))
        if kind == "name":
            return self.name()
        if kind == "relative":
            noun = self.sampler.pick(NOUNS["family"])
            return nps.noun_phrase(self.owner_of(noun), noun)
        return nps.noun_phrase(nps.THE, self.sampler.pick(NOUNS["person"]))

    # Things

    def quality(self, noun: Noun, probability: float) -> Adjective | None:
        """An adjective that goes with a noun, or None."""
        fitting = going_with(noun.kind)
        if not fitting or not self.sampler.chance(probability):
            return None
        return self.sampler.pick(fitting)

    def determiner(self, noun: Noun, denied: bool) -> Determiner:
        """A determiner that suits a noun as an object.

        Args:
            noun: The noun.
            denied: Whether the clause is negated: then `a` and `some` become French `de`.

        Returns:
            The determiner.
        """
        if noun.kind == "family":
            return self.owner_of(noun)
        if noun.mass:
            part = nps.ANY if denied else nps.SOME
            return self.sampler.weighted(((5, part), (3, nps.THE), (1, nps.THIS), (2, self.owner())))
        one, several = (nps.NOT_A, nps.ANY_PLURAL) if denied else (nps.A, nps.SOME_PLURAL)
        if noun.kind in ("place", "land", "room", "home", "show"):
            return self.sampler.weighted(((5, nps.THE), (3, one), (2, nps.THIS)))
        if noun.kind in ("opening", "person"):
            return self.sampler.weighted(((6, nps.THE), (2, one), (1, nps.THE_PLURAL), (1, nps.THIS)))
        return self.sampler.weighted(
            (
                (5, nps.THE),
                (5, one),
                (2, several),
                (3, self.owner()),
                (2, nps.THIS),
                (1, nps.THE_PLURAL),
                (1, nps.THESE),
                (1, self.owners()),
                (1, self.count()),
            )
        )

    def count(self) -> Determiner:
        """A small number."""
        return Determiner("count", True, None, self.sampler.pick(little.NUMBERS[1:12]))

    def thing(self, kinds: tuple[str, ...], denied: bool = False, adjectives: float = 0.25) -> Nominal:
        """An object of one of the given kinds.

        Args:
            kinds: Kinds of nouns.
            denied: Whether the clause is negated.
            adjectives: Probability of an adjective.

        Returns:
            The noun phrase.
        """
        noun = self.sampler.pick(of_kinds(kinds))
        return nps.noun_phrase(self.determiner(noun, denied), noun, self.quality(noun, adjectives))

    def general(self, kinds: tuple[str, ...]) -> Nominal:
        """Something in general: `coffee`, `horses`."""
        # Nouns such as `music` occur in no other clause, so they get more than their share here.
        kind = "subject" if "subject" in kinds and self.sampler.chance(0.35) else self.sampler.pick(kinds)
        noun = self.sampler.pick(NOUNS[kind])
        return nps.noun_phrase(nps.GENERAL if noun.mass else nps.GENERAL_PLURAL, noun)

    # Time

    def time(self, frame: str, probability: float = 0.35) -> Phrase:
        """An adverb of time that suits a time frame, or nothing.

        Args:
            frame: `past`, `present` (habits), `now` or `future`.
            probability: Of there being one.

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
        """A day of the week: `on Mondays` for habits, `last Monday`, `on Monday`."""
        en, fr = self.sampler.pick(little.DAYS)
        if frame == "present":
            return rule(f"on/a {en}s/b", f"le/a {fr}/b")
        if frame == "past":
            return rule(f"last/a {en}/b", f"{fr}/b dernier/a")
        return rule(f"on/b {en}/b", f"{fr}/b")
