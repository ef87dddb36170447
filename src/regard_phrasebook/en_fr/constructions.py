"""The table of sentence constructions with their sampling weights."""

from __future__ import annotations

from collections.abc import Callable

from regard_phrasebook.en_fr import (
    buying,
    commands,
    comparing,
    depending,
    everyday,
    places,
    questions,
    relatives,
    timetable,
)
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import random_clause

Construction = Callable[[Context], Sentence]
"""Generates a sentence from the random choices of a context."""


def declarative(context: Context) -> Sentence:
    """Generates a random statement of one clause: `He never eats meat`."""
    return random_clause(context).sentence()


def interrogative(context: Context) -> Sentence:
    """Generates a random yes-no question; a statement if the subject is `I`, or the tense is `used` or `must`."""
    clause = random_clause(context, negated=0)
    if clause.subject.pronoun == "I" or clause.manner.tense in ("used", "must"):
        return clause.sentence()
    return Sentence(clause.yes_no_question(), "?", clause.combos, ("yes-no question", *clause.constructions))


CONSTRUCTIONS: tuple[tuple[float, Construction], ...] = (
    (24, declarative),
    (10, interrogative),
    (7, everyday.how_was),
    (1, everyday.greeting),
    (1, everyday.greeting_by_name),
    (1.5, everyday.thanks_for),
    (0.5, everyday.well_wishing),
    (2, everyday.how_are),
    (1.5, everyday.being_well),
    (2, everyday.naming),
    (1.5, everyday.age),
    (1, everyday.introducing),
    (1.5, everyday.exclaiming),
    (5, everyday.hurting),
    (3, places.where_is),
    (3, places.located),
    (3, places.there_is),
    (2, places.directions),
    (1, places.how_to_get),
    (1.5, places.traveling),
    (1, places.distant),
    (2, buying.order),
    (2, buying.price),
    (2.5, buying.quantity),
    (2, buying.how_many),
    (2, buying.how_long),
    (3, timetable.clock),
    (1.5, timetable.schedule),
    (2, timetable.today),
    (1, timetable.birthday),
    (1, timetable.born),
    (2, timetable.weather),
    (7, commands.command),
    (3, comparing.describing),
    (3, comparing.comparing),
    (1.5, comparing.superlative),
    (2, comparing.identifying),
    (1.5, comparing.whose),
    (2.5, relatives.relative_subject),
    (2.5, relatives.relative_object),
    (1, relatives.here_is),
    (1, relatives.emphasized),
    (2, questions.where_do),
    (1.5, questions.when_do),
    (2, questions.why_do),
    (2, questions.what_do),
    (1.5, questions.whom_do),
    (1.5, questions.who_does),
    (2, questions.which),
    (1.5, questions.with_whom),
    (1.5, questions.answer),
    (3, depending.opinion),
    (2, depending.liking_to),
    (2, depending.purpose),
    (2, depending.before_doing),
    (2, depending.if_clause),
    (1.5, depending.unreal),
    (1.5, depending.while_clause),
    (1.5, depending.just_done),
    (2, depending.already),
    (1.5, depending.impersonal),
    (2, depending.pronoun_for_thing),
    (2, depending.manner),
    (2, depending.nothing),
)

LONG_CONSTRUCTIONS: tuple[tuple[float, Construction], ...] = (
    (2, declarative),
    (2, relatives.relative_subject),
    (2, relatives.relative_object),
    (1, relatives.here_is),
    (1, relatives.emphasized),
    (2, depending.opinion),
    (1, depending.purpose),
    (2, depending.before_doing),
    (3, depending.if_clause),
    (3, depending.unreal),
    (2, depending.while_clause),
    (1, depending.pronoun_for_thing),
    (1, comparing.comparing),
    (1, timetable.born),
    (1, buying.how_long),
)
"""Constructions for sentences of ten words and more."""

SHORT_CONSTRUCTIONS: tuple[tuple[float, Construction], ...] = (
    (3, everyday.greeting),
    (3, everyday.greeting_by_name),
    (2, commands.command),
    (2, declarative),
    (1, everyday.being_well),
    (1, everyday.how_are),
    (1, timetable.today),
    (1, timetable.weather),
)
"""Constructions for sentences of one to three words."""
