"""The table of constructions: whole sentences of every kind, with how often each is drawn."""

from __future__ import annotations

from collections.abc import Callable

from regard.phrasebook.engine import rule
from regard.phrasebook.noun_phrases import noun_phrase
from regard.phrasebook.nouns import NOUNS
from regard.phrasebook.said import said
from regard.phrasebook.sentence import Sentence
from regard.phrasebook.talk import Talk

Construction = Callable[[Talk], Sentence]


def telling(talk: Talk) -> Sentence:
    """A statement."""
    return said(talk).sentence()


def asking(talk: Talk) -> Sentence:
    """A question to be answered by yes or no."""
    one = said(talk, denied=0)
    if one.subject.pronoun == "I" or one.manner.tense == "used":
        return one.sentence()
    return Sentence(one.yes_no(), "?", one.combos, ("yes-no question", *one.constructions))


def how_was(talk: Talk) -> Sentence:
    """`How was your day?`: the participle agrees with what took place."""
    event = talk.sampler.pick(NOUNS["event"])
    thing = noun_phrase(talk.owner(), event, talk.quality(event, 0.1))
    participle = "passée" if event.gender == "f" else "passé"
    phrase = rule("how/h was/w <event>", f"comment/h s'+/w est/w {participle}/w <event>", event=thing.phrase)
    return Sentence(phrase, "?", (f"how was+{event.en}", *thing.combos), ("how was",))


CONSTRUCTIONS: tuple[tuple[float, Construction], ...] = ((6, telling), (3, asking), (1, how_was))
