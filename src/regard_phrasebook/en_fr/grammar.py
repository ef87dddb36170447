"""The English-French grammar as the corpus writer sees it: drafts of a wanted length, and their spelling."""

from __future__ import annotations

from regard_phrasebook.en_fr import english, french_spelling, little_words
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.composing import lengthy, num_words
from regard_phrasebook.en_fr.constructions import BRIEF, CONSTRUCTIONS, LONGER
from regard_phrasebook.en_fr.everyday import how_was_it
from regard_phrasebook.en_fr.nouns import NOUNS
from regard_phrasebook.en_fr.sentence import Sentence, combine
from regard_phrasebook.en_fr.talk import FRIENDS, Addressee, Talk
from regard_phrasebook.engine.grammar import Draft
from regard_phrasebook.engine.phrase import Phrase, SentencePair, pair, realise
from regard_phrasebook.engine.sampler import Sampler


class EnglishFrench:
    """The English-French phrasebook; a `regard_phrasebook.engine.grammar.Grammar`."""

    longest = 60
    showcase = ("How was your day?",)
    pinned = frozenset({"how was+day"})

    def opening(self) -> list[Draft]:
        """The showcase as a draft."""
        day = next(noun for noun in NOUNS["event"] if noun.en == "day")
        shown = how_was_it(nps.noun_phrase(nps.Determiner("own", False, nps.you("m", False)), day))
        return [Draft(shown.ended(), shown.combos, shown.constructions)]

    def draft(self, sampler: Sampler, shortest: int, longest: int) -> Draft | None:
        """Tries to make a sentence, as `regard_phrasebook.engine.grammar.Grammar.draft` says."""
        talk = Talk(sampler, addressee(sampler))
        if shortest > LONG or (longest > LONG and sampler.chance(0.35)):
            made = lengthy(talk, shortest, longest)
        else:
            table = LONGER if shortest > SHORT else BRIEF if longest <= BRIEFEST else CONSTRUCTIONS
            made = sampler.weighted(table)(talk)
        if made is None:
            return None
        if talk.addressee.vocative.src:
            made = called(
                made, talk.addressee.vocative, first=num_words(made.phrase) > CALLED_FIRST or sampler.chance(0.5)
            )
        return Draft(made.ended(), made.combos, made.constructions, sampler.chance(0.5))

    def spell(self, draft: Draft) -> SentencePair:
        """The written pair of sentences."""
        speller = english.spell_short if draft.contracted else english.spell_full
        return realise(draft.phrase, speller, french_spelling.spell)


BRIEFEST, SHORT, LONG = 3, 9, 14
"""Lengths from which sentences are drawn from the longer constructions, and put together from many clauses."""

CALLED_FIRST = 12
"""In sentences longer than this, who is spoken to is named at the beginning."""


def addressee(sampler: Sampler) -> Addressee:
    """Chooses who is spoken to: mostly one person, who is not called by name."""
    kind = sampler.weighted(((20, "nobody"), (1, "woman"), (1, "man"), (1, "several")))
    if kind == "several":
        vocative, gender = sampler.pick(FRIENDS)
        return Addressee("f" if gender == "f" else "m", True, vocative)
    if kind == "nobody":
        return Addressee()
    name = sampler.pick(little_words.WOMEN if kind == "woman" else little_words.MEN)
    return Addressee("f" if kind == "woman" else "m", False, pair(name, name))


def called(sentence: Sentence, vocative: Phrase, *, first: bool) -> Sentence:
    """A sentence with somebody's name before or after it.

    Args:
        sentence: The sentence.
        vocative: The name.
        first: Whether it stands before.

    Returns:
        Both with a comma between.
    """
    order = "<name> +,/c <s>" if first else "<s> +,/c <name>"
    return combine(order, order, "vocative", sentence.mark, s=sentence, name=Sentence(vocative, ""))
