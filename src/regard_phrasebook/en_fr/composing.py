"""Long sentences: main and subordinate clauses, joined until the sentence has the requested length."""

from __future__ import annotations

from collections.abc import Callable

from regard_phrasebook.en_fr import buying, comparing, depending, everyday, places, relatives, timetable
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.sentence import Sentence, combine
from regard_phrasebook.en_fr.statements import FRAMES, random_clause, state
from regard_phrasebook.engine.phrase import Phrase

Maker = Callable[[Context, str], Sentence]
"""Generates a statement within a time frame."""


def num_words(phrase: Phrase) -> int:
    """Number of English words in a phrase before contraction."""
    return sum(not token.startswith("+") for token in phrase.src)


def simple(context: Context, frame: str) -> Sentence:
    """Generates a random sentence of one clause in a time frame: `past`, `present` or `future`."""
    return random_clause(context, frame=frame).sentence()


def because(context: Context, frame: str) -> Sentence:
    """Generates a random statement in the `past`, `present` or `future` with a reason: `because I was tired`."""
    first = random_clause(context, frame=frame, time=0.2)
    reason = state(context, frame, first.subject if first.subject.pronoun else context.subject())
    parts = {"a": first.sentence(), "b": reason.sentence()}
    return combine("<a> because/b <b>", "<a> parce/b que/b <b>", "because", ".", **parts)


def when(context: Context, frame: str) -> Sentence:
    """Generates random simultaneous events: `when he is tired, he sleeps`; in the `future`, clauses with `but`."""
    first = state(context, "present" if frame == "future" else frame, context.subject())
    if frame == "future":
        return but(context, frame)
    parts = {"a": first.sentence(), "b": random_clause(context, frame=frame, time=0).sentence()}
    if context.sampler.chance(0.5):
        return combine("when/w <a> +,/c <b>", "quand/w <a> +,/c <b>", "when", ".", **parts)
    return combine("<b> when/w <a>", "<b> quand/w <a>", "when", ".", **parts)


def but(context: Context, frame: str) -> Sentence:
    """Generates two random clauses with `but`, the second negated, in the `past`, `present` or `future`."""
    parts = {
        "a": random_clause(context, frame=frame, negated=0).sentence(),
        "b": random_clause(context, frame=frame, negated=1).sentence(),
    }
    return combine("<a> +,/c but/b <b>", "<a> +,/c mais/b <b>", "but", ".", **parts)


def both(context: Context, frame: str) -> Sentence:
    """Generates two random clauses with `and`, in the `past`, `present` or `future`."""
    parts = {"a": random_clause(context, frame=frame).sentence(), "b": random_clause(context, frame=frame).sentence()}
    return combine("<a> and/b <b>", "<a> et/b <b>", "coordinated clauses", ".", **parts)


def various(context: Context, frame: str) -> Sentence:
    """Generates a statement with a random construction, such as a comparison, in the `past`, `present` or `future`."""
    sentence = context.sampler.pick(VARIOUS[frame])(context)
    return sentence if sentence.mark == "." else simple(context, frame)


VARIOUS: dict[str, tuple[Callable[[Context], Sentence], ...]] = {
    "present": (
        comparing.comparing,
        comparing.describing,
        comparing.identifying,
        depending.opinion,
        depending.liking_to,
        depending.impersonal,
        depending.already,
        depending.just_done,
        places.located,
        places.there_is,
        buying.price,
        relatives.relative_object,
        relatives.relative_subject,
        everyday.hurting,
        everyday.age,
        timetable.schedule,
    ),
    "past": (depending.while_clause, depending.unreal, timetable.it_was, timetable.born),
    "future": (depending.if_clause, depending.if_clause, timetable.it_will_be),
}

LINKED: tuple[tuple[float, Maker], ...] = ((2, because), (2, when), (2, but), (3, both), (3, simple), (3, various))

JOINTS = ((5, ("and", "et")), (2, ("but", "mais")), (1, ("so", "donc")))


def lengthy(context: Context, shortest: int, longest: int) -> Sentence | None:
    """Generates a random statement with many clauses.

    Args:
        context: Source of the random choices within the sentence.
        shortest: Fewest English words.
        longest: Most English words.

    Returns:
        The sentence, or None if no sentence of this length was found.
    """
    sampler = context.sampler
    frame = sampler.weighted(FRAMES)
    whole = sampler.weighted(LINKED)(context, frame)
    goal = sampler.random.randint(shortest, longest)
    previous = ""
    while num_words(whole.phrase) < goal:
        en, fr = sampler.weighted([joint for joint in JOINTS if joint[1][0] != previous or previous == "and"])
        previous = en
        more = sampler.weighted(LINKED)(context, frame)
        if num_words(whole.phrase) + num_words(more.phrase) + 1 > longest:
            break
        whole = combine(f"<a> +,/c {en}/j <b>", f"<a> +,/c {fr}/j <b>", "coordination", ".", a=whole, b=more)
    return whole if shortest <= num_words(whole.phrase) <= longest else None
