"""Sentences with several clauses in the English-Korean phrasebook.

If two clauses have the same subject, Korean names it once, at the beginning, and English repeats it as a pronoun. The
pronoun is linked to the Korean word that names the subject.
"""

from __future__ import annotations

from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.clauses import FRAMES, Clause, clause, going, state, weather
from regard_phrasebook.en_ko.phrases import Subject, next_subject, same_subject, subject
from regard_phrasebook.engine.phrase import Phrase
from regard_phrasebook.engine.sampler import Sampler

AND = ("고", "and", "coordination with 고")
BUT = ("지만", "but", "contrast with 지만")
TYPICAL = 9
"""Typical number of English words in a clause with its connective."""


def connect(first: Clause, second: Clause, opening: str, between: str, construction: str) -> Clause:
    """Joins two clauses; the ending of the first Korean verb corresponds to the English connective.

    Args:
        first: The first clause.
        second: The second clause.
        opening: English tokens before the first clause, linked to its Korean verb.
        between: English tokens between the clauses, linked to the same Korean verb, except for a comma.
        construction: Name of the grammatical construction, such as `reason`.

    Returns:
        The joined clause.
    """
    left, right = first.phrase, second.phrase
    opener, joint = tuple(opening.split()), tuple(between.split())
    start, end = len(opener), len(opener) + len(left.src)
    rest, last = end + len(joint), len(left.tgt) - 1
    positions = [*range(start), *(end + i for i, token in enumerate(joint) if token != "+,")]
    links = {(i + start, j) for i, j in left.links} | {(i, last) for i in positions}
    links |= {(i + rest, j + last + 1) for i, j in right.links}
    unlinked_subjects = [i + rest for i in second.unlinked_subjects]
    if first.topic >= 0:
        links |= {(i, first.topic) for i in unlinked_subjects}
        unlinked_subjects = []
    return Clause(
        Phrase((*opener, *left.src, *joint, *right.src), left.tgt + right.tgt, frozenset(links)),
        first.combos + second.combos,
        (
            construction,
            *first.constructions,
            *second.constructions,
            *(("shared subject",) if second.unlinked_subjects else ()),
        ),
        second.subject or first.subject,
        second.topic + last + 1 if second.topic >= 0 else first.topic,
        (*(i + start for i in first.unlinked_subjects), *unlinked_subjects),
    )


def because(sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None) -> Clause:
    """Generates a reason (the weather or a state) and the clause that it explains: `because it was cold, ...`.

    Args:
        sampler: Source of the random choices.
        frame: `now` or `past`.
        ending: Korean ending: `요`, `고`, `지만`, `서` or `면`; see `regard_phrasebook.en_ko.endings.with_ending`.
        who: Subject of the first clause that is not about the weather; None = random.

    Returns:
        Both clauses, joined.
    """
    who = who or subject(sampler)
    if sampler.chance(0.5):
        first = weather(sampler, 1 if frame == "past" else 0, "서")
        return connect(first, clause(sampler, frame, ending, who, adjunct_chance=0.3), "because", "+,", "reason")
    next_ = _next(sampler, who)
    role = "topic" if next_.dropped else "subject"
    first = state(sampler, frame, "서", who, role, words.REASONS)
    return connect(first, clause(sampler, frame, ending, next_, adjunct_chance=0.3), "because", "+,", "reason")


def _next(sampler: Sampler, who: Subject) -> Subject:
    """The subject of the second clause; the same subject if Korean omits it in the first clause."""
    return same_subject(who) if who.dropped else next_subject(sampler, who)


def on_condition(sampler: Sampler, ending: str = "요", who: Subject | None = None) -> Clause:
    """Generates a condition (the weather or a state) and its consequence in the future: `if it rains, ...`.

    Args:
        sampler: Source of the random choices.
        ending: Korean ending: `요`, `고`, `지만`, `서` or `면`; see `regard_phrasebook.en_ko.endings.with_ending`.
        who: Subject of the first clause that is not about the weather; None = random.

    Returns:
        Both clauses, joined.
    """
    who = who or subject(sampler)
    make = sampler.pick((clause, going))
    if sampler.chance(0.5):
        return connect(weather(sampler, 2, "면"), make(sampler, "future", ending, who), "if", "+,", "condition")
    next_ = _next(sampler, who)
    first = state(sampler, "present", "면", who, "topic" if next_.dropped else "subject", words.REASONS)
    return connect(first, make(sampler, "future", ending, next_), "if", "+,", "condition")


def coordinated(sampler: Sampler) -> Clause:
    """Generates two random clauses with `and` or `but`."""
    frame = sampler.pick(FRAMES)
    ending, english, show = sampler.pick((AND, BUT))
    first = clause(sampler, frame, ending)
    return connect(first, clause(sampler, frame, who=next_subject(sampler, first.subject)), "", f"+, {english}", show)


def lengthy(sampler: Sampler, shortest: int, longest: int) -> Clause:
    """Joins clauses with -고 and -지만 until the sentence has about the requested length.

    Args:
        sampler: Source of the random choices.
        shortest: Fewest English words.
        longest: Most English words.

    Returns:
        The joined clause.
    """
    frame = sampler.pick(FRAMES)
    goal = sampler.random.randint(shortest, longest) - TYPICAL - 1
    joint = _joint(sampler, "")
    whole = _any(sampler, frame, joint[0], None)
    while True:
        enough = sum(not token.startswith("+") for token in whole.phrase.src) >= goal
        after = _joint(sampler, joint[1])
        following = _any(sampler, frame, "요" if enough else after[0], next_subject(sampler, whole.subject))
        whole = connect(whole, following, "", f"+, {joint[1]}", joint[2])
        if enough:
            return whole
        joint = after


def _joint(sampler: Sampler, before: str) -> tuple[str, str, str]:
    """A random connective; never `but` twice in a row."""
    return AND if before == "but" else sampler.weighted(((3, AND), (1, BUT)))


def _any(sampler: Sampler, frame: str, ending: str, who: Subject | None) -> Clause:
    """A random clause, with or without a subordinate clause."""
    kind = sampler.random.random()
    if kind < 0.25 and frame in ("now", "past"):
        return because(sampler, frame, ending, who)
    if kind < 0.35 and frame == "future":
        return on_condition(sampler, ending, who)
    return going(sampler, frame, ending, who) if kind < 0.5 else clause(sampler, frame, ending, who)
