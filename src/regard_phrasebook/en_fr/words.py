"""Word classes of the English-French phrasebook: agreement, nouns, adjectives and verbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement features: person and number for both languages, gender for French.

    Attributes:
        person: Grammatical person: 1, 2 or 3.
        plural: Whether the number is plural.
        gender: Gender of the French noun, or of the referent of a pronoun.
    """

    person: int = 3
    plural: bool = False
    gender: Gender = "m"

    @property
    def index(self) -> int:
        """Index in a table of six forms: je tu il nous vous ils."""
        return self.person - 1 + (3 if self.plural else 0)


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun in both languages.

    Attributes:
        en: English singular; words are separated by spaces.
        fr: French singular.
        gender: Gender of the French noun.
        kind: Semantic class, which selects the verbs and adjectives that suit the noun.
        en_plural: English plural.
        fr_plural: French plural.
        mass: Whether it is a mass noun (bread, water).
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
    """An adjective in both languages.

    Attributes:
        en: English form.
        comparative: English comparative; empty if the adjective is not gradable.
        superlative: English superlative; empty if the adjective is not gradable.
        masculine: French masculine singular.
        vowel: French masculine singular before a vowel (bel, nouvel, vieil); usually the same as `masculine`.
        feminine: French feminine singular.
        masculine_plural: French masculine plural.
        before: Whether it precedes its French noun.
        kinds: Kinds of nouns that it can modify.
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
        """The French form for an agreement, after a noun or as a predicate."""
        if agreement.gender == "f":
            plural = self.feminine if self.feminine == self.masculine_plural else self.feminine + "s"
            return plural if agreement.plural else self.feminine
        return self.masculine_plural if agreement.plural else self.masculine


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb in both languages, with its complements.

    Attributes:
        en: English base form without particle.
        particle: English words between the verb and its object (`for` in look for).
        fr: French infinitive without `se`.
        reflexive: Whether the French verb is reflexive.
        preposition: French preposition before the object (`à`, `de`), or empty.
        objects: Kinds of nouns that can be its object; empty for an intransitive verb.
        stative: Whether it is stative: English has no progressive, and French translates the simple past with the
            imperfect.
    """

    en: str
    particle: str
    fr: str
    reflexive: bool
    preposition: str
    objects: tuple[str, ...]
    stative: bool
