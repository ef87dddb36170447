"""The table of constructions: whole sentences of every kind, with how often each is drawn."""

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
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import said
from regard_phrasebook.en_fr.talk import Talk

Construction = Callable[[Talk], Sentence]
"""Makes a sentence out of a talk's choices."""


def telling(talk: Talk) -> Sentence:
    """A statement."""
    return said(talk).sentence()


def asking(talk: Talk) -> Sentence:
    """A question to be answered by yes or no."""
    one = said(talk, denied=0)
    if one.subject.pronoun == "I" or one.manner.tense in ("used", "must"):
        return one.sentence()
    return Sentence(one.yes_no(), "?", one.combos, ("yes-no question", *one.constructions))


CONSTRUCTIONS: tuple[tuple[float, Construction], ...] = (
    (24, telling),
    (10, asking),
    (7, everyday.how_was),
    (1, everyday.greeting),
    (1, everyday.greeting_by_name),
    (1.5, everyday.thanks_for),
    (0.5, everyday.wish),
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
    (1.5, places.travelling),
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
    (1, relatives.emphasised),
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
    (2, depending.taken_up),
    (2, depending.manner),
    (2, depending.nothing),
)

LONGER: tuple[tuple[float, Construction], ...] = (
    (2, telling),
    (2, relatives.relative_subject),
    (2, relatives.relative_object),
    (1, relatives.here_is),
    (1, relatives.emphasised),
    (2, depending.opinion),
    (1, depending.purpose),
    (2, depending.before_doing),
    (3, depending.if_clause),
    (3, depending.unreal),
    (2, depending.while_clause),
    (1, depending.taken_up),
    (1, comparing.comparing),
    (1, timetable.born),
    (1, buying.how_long),
)
"""Those that make sentences of ten words and more."""

BRIEF: tuple[tuple[float, Construction], ...] = (
    (3, everyday.greeting),
    (3, everyday.greeting_by_name),
    (2, commands.command),
    (2, telling),
    (1, everyday.being_well),
    (1, everyday.how_are),
    (1, timetable.today),
    (1, timetable.weather),
)
"""Those that make sentences of one to three words."""
