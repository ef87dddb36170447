"""Random clauses: a subject, predicate, tense and time that suit each other."""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_fr.clauses import Manner, Predicate, statement, yes_no_question
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.little_words import ADVERBS
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.predicates import (
    WEIGHTS,
    ChosenPredicate,
    Maker,
    having,
    passing_mood,
    sensation,
    with_adjunct,
)
from regard_phrasebook.en_fr.sentence import Sentence
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
"""Verbs for sudden or involuntary events, used only in simple tenses: not progressive, `want` or `must`."""
STATE_TENSES = {"present": "present", "past": "past", "future": "future"}


@dataclass(frozen=True, slots=True)
class Clause:
    """The parts of a clause, from which a statement, a question or a subordinate clause can be built.

    Attributes:
        subject: The subject.
        predicate: The predicate, with its time and place.
        manner: Tense, negation and adverb.
        frame: Time frame: `past`, `present` or `future`.
        constructions: Names of the constructions in the clause.
    """

    subject: Nominal
    predicate: Predicate
    manner: Manner
    frame: str
    constructions: tuple[str, ...]

    @property
    def combos(self) -> tuple[str, ...]:
        """Word combinations in the clause, such as `eat+apple`."""
        return self.subject.combos + self.predicate.combos

    def sentence(self) -> Sentence:
        """The clause as a statement."""
        return Sentence(statement(self.subject, self.predicate, self.manner), ".", self.combos, self.constructions)

    def yes_no_question(self) -> Phrase:
        """The clause as a yes-no question."""
        return yes_no_question(self.subject, self.predicate, self.manner)


def random_clause(
    context: Context,
    *,
    frame: str = "",
    subject: Nominal | None = None,
    time: float = 0.35,
    negated: float = 0.2,
    makers: tuple[tuple[float, Maker], ...] = WEIGHTS,
    plain: bool = False,
) -> Clause:
    """Samples a clause.

    Args:
        context: Source of the random choices within the sentence.
        frame: Time frame: `past`, `present` or `future`; empty = random.
        subject: The subject; None = random.
        time: Probability of a time adverbial.
        negated: Probability of negation.
        makers: Pairs `(weight, function)`: a function that generates a predicate is chosen in proportion to its weight.
        plain: Whether to use only the simple tense of the frame.

    Returns:
        The clause.
    """
    sampler = context.sampler
    frame = frame or sampler.weighted(FRAMES)
    subject = subject or context.subject()
    negation = sampler.weighted(((6, "not"), (2, "never"), (1.5, "no longer"))) if sampler.chance(negated) else ""
    chosen = sampler.weighted(makers)(context, subject, bool(negation))
    if chosen.construction == "general article" and frame != "present":
        chosen = sampler.weighted(makers)(context, subject, bool(negation))
    tense = frame if plain else _tense(context, chosen, frame)
    tense = "past" if negation and tense == "used" else tense
    negation = _negation_for_tense(negation, tense)
    bare = chosen.timeless or (chosen.state and frame == "present")
    manner = Manner(tense, negation, _adverb(context, tense, negation, 0 if chosen.state else time))
    when = EMPTY if bare else _when(context, manner, frame, time)
    return Clause(subject, with_adjunct(chosen.predicate, when), manner, frame, _construction_names(chosen, manner))


def _tense(context: Context, chosen: ChosenPredicate, frame: str) -> str:
    if chosen.state:
        return STATE_TENSES[frame]
    if chosen.predicate.verb.fr in SUDDEN:
        return {"present": "present", "past": "past", "future": "future"}[frame]
    return context.sampler.weighted(ACTION_TENSES[frame])


def _negation_for_tense(negation: str, tense: str) -> str:
    """The negation, or `not` where the negation does not suit the tense."""
    if negation == "no longer" and tense != "present":
        return "not"
    if negation == "never" and tense not in ("present", "past", "future"):
        return "not"
    return negation


def _adverb(context: Context, tense: str, negation: str, time: float) -> Phrase:
    if tense == "present" and not negation and time and context.sampler.chance(0.12):
        return context.sampler.pick(ADVERBS)
    return EMPTY


def _when(context: Context, manner: Manner, frame: str, probability: float) -> Phrase:
    if manner.negation in ("never", "no longer") or manner.adverb is not EMPTY or manner.tense in ("used", "wanted"):
        return EMPTY
    if manner.tense == "progressive":
        return context.time("now", probability)
    if manner.tense in ("want", "would like", "should", "must", "can"):
        return context.time("future", probability)
    return context.time(frame, probability)


def _construction_names(chosen: ChosenPredicate, manner: Manner) -> tuple[str, ...]:
    """Names of the constructions in a clause."""
    tenses = {"going": "futur proche", "past": "passé composé", "used": "imparfait", "future": "futur simple"}
    names = [chosen.construction, tenses.get(manner.tense, manner.tense)]
    if manner.tense == "past" and chosen.predicate.verb.stative:
        names[1] = "imparfait"
    if manner.negation:
        names.append(f"negation with {manner.negation}")
    return tuple(names)


def state(context: Context, frame: str, subject: Nominal) -> Clause:
    """Samples a clause about a person's state, which can be a reason or a circumstance.

    Args:
        context: Source of the random choices within the sentence.
        frame: Time frame: `past`, `present` or `future`.
        subject: The subject.

    Returns:
        The clause.
    """
    chosen = context.sampler.weighted(((4, passing_mood), (2, sensation), (1, having)))(context, subject, False)
    manner = Manner(STATE_TENSES[frame])
    return Clause(subject, chosen.predicate, manner, frame, _construction_names(chosen, manner))


def make_statement(subject: Nominal, predicate: Predicate, manner: Manner, *constructions: str) -> Sentence:
    """Builds a statement from its parts.

    Args:
        subject: The subject.
        predicate: The predicate.
        manner: Tense, negation and adverb.
        *constructions: Names of the grammatical constructions in it, such as `conditional`.

    Returns:
        The sentence.
    """
    return Sentence(statement(subject, predicate, manner), ".", subject.combos + predicate.combos, constructions)
