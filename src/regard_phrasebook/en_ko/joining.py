"""Sentences of many clauses in the English-Korean phrasebook.

Where two clauses have one subject Korean names it once, at the beginning, and English comes back to it with a pronoun;
that pronoun is linked to the Korean word that names the subject.
"""

from __future__ import annotations

from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.clauses import FRAMES, Clause, clause, going, state, weather
from regard_phrasebook.en_ko.phrases import Subject, again, follow, subject
from regard_phrasebook.engine.phrase import Phrase
from regard_phrasebook.engine.sampler import Sampler

AND = ("고", "and", "coordination with 고")
BUT = ("지만", "but", "contrast with 지만")
TYPICAL = 9
"""English words of a clause and its connective, about."""


def connect(first: Clause, second: Clause, opening: str, between: str, show: str) -> Clause:
    """Two clauses, the first of which ends in what the English connective means.

    Args:
        first: The first clause in Korean and English.
        second: The second.
        opening: English tokens before the first, linked to its last word.
        between: English tokens between, linked likewise but for a comma.
        show: Name of the construction.

    Returns:
        Both as one.
    """
    one, two = first.phrase, second.phrase
    opener, joint = tuple(opening.split()), tuple(between.split())
    start, end = len(opener), len(opener) + len(one.src)
    rest, last = end + len(joint), len(one.tgt) - 1
    places = [*range(start), *(end + i for i, token in enumerate(joint) if token != "+,")]
    links = {(i + start, j) for i, j in one.links} | {(i, last) for i in places}
    links |= {(i + rest, j + last + 1) for i, j in two.links}
    waiting = [i + rest for i in second.waiting]
    if first.topic >= 0:
        links |= {(i, first.topic) for i in waiting}
        waiting = []
    return Clause(
        Phrase((*opener, *one.src, *joint, *two.src), one.tgt + two.tgt, frozenset(links)),
        first.combos + second.combos,
        (show, *first.shows, *second.shows, *(("shared subject",) if second.waiting else ())),
        second.who or first.who,
        second.topic + last + 1 if second.topic >= 0 else first.topic,
        (*(i + start for i in first.waiting), *waiting),
    )


def because(sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None) -> Clause:
    """Because of the weather or of how somebody feels, which Korean names first.

    Args:
        sampler: Of all choices.
        frame: `now` or `past`.
        ending: As in `regard_phrasebook.en_ko.endings.ended`.
        who: The first subject; None = anybody.

    Returns:
        Both clauses.
    """
    who = who or subject(sampler)
    if sampler.chance(0.5):
        first = weather(sampler, 1 if frame == "past" else 0, "서")
        return connect(first, clause(sampler, frame, ending, who, busy=0.3), "because", "+,", "reason")
    next_ = _next(sampler, who)
    role = "topic" if next_.dropped else "subject"
    first = state(sampler, frame, "서", who, role, words.REASONS)
    return connect(first, clause(sampler, frame, ending, next_, busy=0.3), "because", "+,", "reason")


def _next(sampler: Sampler, who: Subject) -> Subject:
    """Who follows; where Korean has left out the subject of a cause, it must go on with it."""
    return again(who) if who.dropped else follow(sampler, who)


def on_condition(sampler: Sampler, ending: str = "요", who: Subject | None = None) -> Clause:
    """If the weather is so, or somebody feels so, somebody will do something.

    Args:
        sampler: Of all choices.
        ending: As in `regard_phrasebook.en_ko.endings.ended`.
        who: The first subject; None = anybody.

    Returns:
        Both clauses.
    """
    who = who or subject(sampler)
    make = sampler.pick((clause, going))
    if sampler.chance(0.5):
        return connect(weather(sampler, 2, "면"), make(sampler, "future", ending, who), "if", "+,", "condition")
    next_ = _next(sampler, who)
    first = state(sampler, "present", "면", who, "topic" if next_.dropped else "subject", words.REASONS)
    return connect(first, make(sampler, "future", ending, next_), "if", "+,", "condition")


def coordinated(sampler: Sampler) -> Clause:
    """Two clauses with `and` or `but`."""
    frame = sampler.pick(FRAMES)
    ending, english, show = sampler.pick((AND, BUT))
    first = clause(sampler, frame, ending)
    return connect(first, clause(sampler, frame, who=follow(sampler, first.who)), "", f"+, {english}", show)


def lengthy(sampler: Sampler, shortest: int, longest: int) -> Clause:
    """Clauses joined by -고 and -지만 until the sentence has about the wanted length.

    Args:
        sampler: Of all choices.
        shortest: Fewest English words wanted.
        longest: Most English words wanted.

    Returns:
        The whole.
    """
    frame = sampler.pick(FRAMES)
    goal = sampler.random.randint(shortest, longest) - TYPICAL - 1
    joint = _joint(sampler, "")
    whole = _any(sampler, frame, joint[0], None)
    while True:
        enough = sum(not token.startswith("+") for token in whole.phrase.src) >= goal
        after = _joint(sampler, joint[1])
        one = _any(sampler, frame, "요" if enough else after[0], follow(sampler, whole.who))
        whole = connect(whole, one, "", f"+, {joint[1]}", joint[2])
        if enough:
            return whole
        joint = after


def _joint(sampler: Sampler, before: str) -> tuple[str, str, str]:
    """A connective; never a second `but` on end."""
    return AND if before == "but" else sampler.weighted(((3, AND), (1, BUT)))


def _any(sampler: Sampler, frame: str, ending: str, who: Subject | None) -> Clause:
    """A clause, perhaps with one that depends on it."""
    kind = sampler.random.random()
    if kind < 0.25 and frame in ("now", "past"):
        return because(sampler, frame, ending, who)
    if kind < 0.35 and frame == "future":
        return on_condition(sampler, ending, who)
    return going(sampler, frame, ending, who) if kind < 0.5 else clause(sampler, frame, ending, who)
