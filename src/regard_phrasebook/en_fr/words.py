"""The kinds of words that the tables of the English-French phrasebook hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What French words agree with, and English verbs with person and number.

    Attributes:
        person: 1, 2 or 3.
        plural: Number.
        gender: Grammatical gender of the French noun, or of who is meant by a pronoun.
    """

    person: int = 3
    plural: bool = False
    gender: Gender = "m"

    @property
    def index(self) -> int:
        """Place in a table of six forms: je tu il nous vous ils."""
        return self.person - 1 + (3 if self.plural else 0)


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun of both languages.

    Attributes:
        en: English singular; its words are separated by spaces.
        fr: French singular.
        gender: Gender of the French noun.
        kind: Semantic class, by which verbs and adjectives choose their nouns.
        en_plural: English plural.
        fr_plural: French plural.
        mass: Cannot be counted (bread, water).
    """

    en: str
    fr: str
    gender: Gender
    kind: str
    en_plural: str
    fr_plural: str
    mass: bool = False


@dataclass(frozen=True, slots=True)
class Adjective:
    """An adjective of both languages.

    Attributes:
        en: English form.
        comparative: English comparative; empty when it is not compared.
        superlative: English superlative.
        masculine: French masculine singular.
        vowel: Masculine singular before a vowel (bel, nouvel, vieil); mostly the same.
        feminine: French feminine singular.
        masculine_plural: French masculine plural.
        before: Whether it stands before its French noun.
        kinds: Kinds of nouns that it goes with.
    """

    en: str
    comparative: str
    superlative: str
    masculine: str
    vowel: str
    feminine: str
    masculine_plural: str
    before: bool
    kinds: tuple[str, ...]

    def french(self, agreement: Agreement) -> str:
        """The form that agrees, as it stands after a noun or as a predicate."""
        if agreement.gender == "f":
            plural = self.feminine if self.feminine == self.masculine_plural else self.feminine + "s"
            return plural if agreement.plural else self.feminine
        return self.masculine_plural if agreement.plural else self.masculine


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of both languages, with what it takes.

    Attributes:
        en: English base form, without particle.
        particle: English words after the verb (`for` of look for), before the object.
        fr: French infinitive, without `se`.
        reflexive: Whether French says it with `se`.
        preposition: French preposition before the object (`à`, `de`), or empty.
        objects: Kinds of nouns it takes as object; empty for a verb without one.
        stative: A state: English has no progressive, and its simple past is the French imperfect.
    """

    en: str
    particle: str
    fr: str
    reflexive: bool
    preposition: str
    objects: tuple[str, ...]
    stative: bool
