"""Longer sentences: clauses that depend on each other, joined until they have the wanted length."""

from __future__ import annotations

from collections.abc import Callable

from regard_phrasebook.en_fr import buying, comparing, depending, everyday, places, relatives, timetable
from regard_phrasebook.en_fr.sentence import Sentence, combine
from regard_phrasebook.en_fr.statements import FRAMES, said, state
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.engine.phrase import Phrase

Maker = Callable[[Talk, str], Sentence]
"""Makes a statement within a time frame."""


def num_words(phrase: Phrase) -> int:
    """How many English words a phrase has before short forms are made."""
    return sum(not token.startswith("+") for token in phrase.src)


def simple(talk: Talk, frame: str) -> Sentence:
    """One clause."""
    return said(talk, frame=frame).sentence()


def because(talk: Talk, frame: str) -> Sentence:
    """Something and its reason, which is a state: `I slept because I was tired`."""
    first = said(talk, frame=frame, time=0.2)
    reason = state(talk, frame, first.subject if first.subject.pronoun else talk.subject())
    parts = {"a": first.sentence(), "b": reason.sentence()}
    return combine("<a> because/b <b>", "<a> parce/b que/b <b>", "because", ".", **parts)


def when(talk: Talk, frame: str) -> Sentence:
    """Two things at one time: `when he is tired, he sleeps`."""
    first = state(talk, "present" if frame == "future" else frame, talk.subject())
    if frame == "future":
        return but(talk, frame)
    parts = {"a": first.sentence(), "b": said(talk, frame=frame, time=0).sentence()}
    if talk.sampler.chance(0.5):
        return combine("when/w <a> +,/c <b>", "quand/w <a> +,/c <b>", "when", ".", **parts)
    return combine("<b> when/w <a>", "<b> quand/w <a>", "when", ".", **parts)


def but(talk: Talk, frame: str) -> Sentence:
    """Two things that contrast."""
    parts = {"a": said(talk, frame=frame, denied=0).sentence(), "b": said(talk, frame=frame, denied=1).sentence()}
    return combine("<a> +,/c but/b <b>", "<a> +,/c mais/b <b>", "but", ".", **parts)


def both(talk: Talk, frame: str) -> Sentence:
    """Two things that go together."""
    parts = {"a": said(talk, frame=frame).sentence(), "b": said(talk, frame=frame).sentence()}
    return combine("<a> and/b <b>", "<a> et/b <b>", "coordinated clauses", ".", **parts)


def various(talk: Talk, frame: str) -> Sentence:
    """A statement of some other construction that suits the time frame."""
    made = talk.sampler.pick(VARIOUS[frame])(talk)
    return made if made.mark == "." else simple(talk, frame)


VARIOUS: dict[str, tuple[Callable[[Talk], Sentence], ...]] = {
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


def lengthy(talk: Talk, shortest: int, longest: int) -> Sentence | None:
    """A statement of many clauses.

    Args:
        talk: Where choices come from.
        shortest: Fewest English words.
        longest: Most English words.

    Returns:
        The sentence, or None when it would not fit.
    """
    sampler = talk.sampler
    frame = sampler.weighted(FRAMES)
    whole = sampler.weighted(LINKED)(talk, frame)
    goal = sampler.random.randint(shortest, longest)
    last = ""
    while num_words(whole.phrase) < goal:
        en, fr = sampler.weighted([joint for joint in JOINTS if joint[1][0] != last or last == "and"])
        last = en
        more = sampler.weighted(LINKED)(talk, frame)
        if num_words(whole.phrase) + num_words(more.phrase) + 1 > longest:
            break
        whole = combine(f"<a> +,/c {en}/j <b>", f"<a> +,/c {fr}/j <b>", "coordination", ".", a=whole, b=more)
    return whole if shortest <= num_words(whole.phrase) <= longest else None
