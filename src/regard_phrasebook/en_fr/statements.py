"""Clauses chosen whole: subject, predicate, tense and time that suit each other."""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_fr.clauses import Manner, Predicate, statement, yes_no
from regard_phrasebook.en_fr.little_words import ADVERBS
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.predicates import WEIGHTS, Doing, Maker, having, lengthened, passing_mood, sensation
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.engine.phrase import EMPTY, Phrase

FRAMES: tuple[tuple[float, str], ...] = ((5, "present"), (4, "past"), (3, "future"))

ACTION_TENSES: dict[str, tuple[tuple[float, str], ...]] = {
    "present": (
        (6, "present"),
        (3, "progressive"),
        (1, "can"),
        (1, "must"),
        (2, "want"),
        (1, "would like"),
        (1, "should"),
    ),
    "past": ((8, "past"), (1, "used"), (1, "could"), (1, "wanted")),
    "future": ((3, "future"), (3, "going")),
}
SUDDEN = (
    "tomber",
    "comprendre",
    "perdre",
    "oublier",
    "casser",
    "tromper",
    "trouver",
    "arriver",
    "rencontrer",
    "réveiller",
)
"""Verbs of what happens in a moment, and unwanted: nobody is doing it, wants it or must."""
STATE_TENSES = {"present": "present", "past": "past", "future": "future"}


@dataclass(frozen=True, slots=True)
class Said:
    """A clause in its parts, so that it can be said, asked or built into another.

    Attributes:
        subject: Who.
        predicate: What they do, with time and place.
        manner: How.
        frame: `past`, `present` or `future`.
        constructions: What it shows.
    """

    subject: Nominal
    predicate: Predicate
    manner: Manner
    frame: str
    constructions: tuple[str, ...]

    @property
    def combos(self) -> tuple[str, ...]:
        """Combinations of words in it."""
        return self.subject.combos + self.predicate.combos

    def sentence(self) -> Sentence:
        """It as a statement."""
        return Sentence(statement(self.subject, self.predicate, self.manner), ".", self.combos, self.constructions)

    def yes_no(self) -> Phrase:
        """It as a question."""
        return yes_no(self.subject, self.predicate, self.manner)


def said(
    talk: Talk,
    *,
    frame: str = "",
    subject: Nominal | None = None,
    time: float = 0.35,
    denied: float = 0.2,
    makers: tuple[tuple[float, Maker], ...] = WEIGHTS,
    plain: bool = False,
) -> Said:
    """Chooses a clause.

    Args:
        talk: Where choices come from.
        frame: Time frame; by default any.
        subject: Who; by default anybody.
        time: Probability of an adverb of time.
        denied: Probability of negation.
        makers: Kinds of predicates, with their weights.
        plain: Whether to keep to the simple tense of the frame.

    Returns:
        The clause.
    """
    sampler = talk.sampler
    frame = frame or sampler.weighted(FRAMES)
    subject = subject or talk.subject()
    negation = sampler.weighted(((6, "not"), (2, "never"), (1.5, "no longer"))) if sampler.chance(denied) else ""
    chosen = sampler.weighted(makers)(talk, subject, bool(negation))
    if chosen.construction == "general article" and frame != "present":
        chosen = sampler.weighted(makers)(talk, subject, bool(negation))
    tense = frame if plain else _tense(talk, chosen, frame)
    tense = "past" if negation and tense == "used" else tense
    negation = _fitting(negation, tense)
    bare = chosen.timeless or (chosen.state and frame == "present")
    manner = Manner(tense, negation, _adverb(talk, tense, negation, 0 if chosen.state else time))
    when = EMPTY if bare else _when(talk, manner, frame, time)
    return Said(subject, lengthened(chosen.predicate, when), manner, frame, _shown(chosen, manner))


def _tense(talk: Talk, chosen: Doing, frame: str) -> str:
    if chosen.state:
        return STATE_TENSES[frame]
    if chosen.predicate.verb.fr in SUDDEN:
        return {"present": "present", "past": "past", "future": "future"}[frame]
    return talk.sampler.weighted(ACTION_TENSES[frame])


def _fitting(negation: str, tense: str) -> str:
    """A negation that the tense bears: simple `not` where the other would be odd."""
    if negation == "no longer" and tense != "present":
        return "not"
    if negation == "never" and tense not in ("present", "past", "future"):
        return "not"
    return negation


def _adverb(talk: Talk, tense: str, negation: str, time: float) -> Phrase:
    if tense == "present" and not negation and time and talk.sampler.chance(0.12):
        return talk.sampler.pick(ADVERBS)
    return EMPTY


def _when(talk: Talk, manner: Manner, frame: str, probability: float) -> Phrase:
    if manner.negation in ("never", "no longer") or manner.adverb is not EMPTY or manner.tense in ("used", "wanted"):
        return EMPTY
    if manner.tense == "progressive":
        return talk.time("now", probability)
    if manner.tense in ("want", "would like", "should", "must", "can"):
        return talk.time("future", probability)
    return talk.time(frame, probability)


def _shown(chosen: Doing, manner: Manner) -> tuple[str, ...]:
    """Names of the constructions in a clause."""
    tenses = {"going": "futur proche", "past": "passé composé", "used": "imparfait", "future": "futur simple"}
    names = [chosen.construction, tenses.get(manner.tense, manner.tense)]
    if manner.tense == "past" and chosen.predicate.verb.stative:
        names[1] = "imparfait"
    if manner.negation:
        names.append(f"negation with {manner.negation}")
    return tuple(names)


def state(talk: Talk, frame: str, subject: Nominal) -> Said:
    """Chooses a clause about how somebody is: a reason, or what lasted while something else happened.

    Args:
        talk: Where choices come from.
        frame: Time frame.
        subject: Who.

    Returns:
        The clause.
    """
    chosen = talk.sampler.weighted(((4, passing_mood), (2, sensation), (1, having)))(talk, subject, False)
    manner = Manner(STATE_TENSES[frame])
    return Said(subject, chosen.predicate, manner, frame, _shown(chosen, manner))


def said_of(subject: Nominal, predicate: Predicate, manner: Manner, *shown: str) -> Sentence:
    """A statement of given parts.

    Args:
        subject: Who.
        predicate: What they do.
        manner: How it is said.
        *shown: The constructions it shows.

    Returns:
        The sentence.
    """
    return Sentence(statement(subject, predicate, manner), ".", subject.combos + predicate.combos, shown)
