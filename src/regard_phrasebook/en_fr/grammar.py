"""The English-French grammar for the corpus writer: drafts of a requested length, and their spelling."""

from __future__ import annotations

from regard_phrasebook.en_fr import english, french_spelling, little_words
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.composing import lengthy, num_words
from regard_phrasebook.en_fr.constructions import CONSTRUCTIONS, LONG_CONSTRUCTIONS, SHORT_CONSTRUCTIONS
from regard_phrasebook.en_fr.context import FRIENDS, Addressee, Context
from regard_phrasebook.en_fr.everyday import how_was_question
from regard_phrasebook.en_fr.nouns import NOUNS
from regard_phrasebook.en_fr.sentence import Sentence, combine
from regard_phrasebook.engine.grammar import Draft
from regard_phrasebook.engine.phrase import Phrase, SentencePair, pair, realize
from regard_phrasebook.engine.sampler import Sampler


class EnglishFrench:
    """The English-French phrasebook, which implements `regard_phrasebook.engine.grammar.Grammar`."""

    longest = 60
    showcase = ("How was your day?",)
    pinned = frozenset({"how was+day"})

    def showcase_drafts(self) -> list[Draft]:
        """The draft of `How was your day?`; see `Grammar.showcase_drafts`."""
        day = next(noun for noun in NOUNS["event"] if noun.en == "day")
        question = how_was_question(nps.noun_phrase(nps.Determiner("own", False, nps.you("m", False)), day))
        return [Draft(question.with_final_mark(), question.combos, question.constructions)]

    def draft(self, sampler: Sampler, shortest: int, longest: int) -> Draft | None:
        """Generates a random sentence of about the requested number of English words; see `Grammar.draft`."""
        context = Context(sampler, addressee(sampler))
        if shortest > LONG_LIMIT or (longest > LONG_LIMIT and sampler.chance(0.35)):
            sentence = lengthy(context, shortest, longest)
        else:
            short_or_any = SHORT_CONSTRUCTIONS if longest <= BRIEF_LIMIT else CONSTRUCTIONS
            table = LONG_CONSTRUCTIONS if shortest > SHORT_LIMIT else short_or_any
            sentence = sampler.weighted(table)(context)
        if sentence is None:
            return None
        vocative = context.addressee.vocative
        if vocative.src:
            first = num_words(sentence.phrase) > VOCATIVE_FIRST or sampler.chance(0.5)
            sentence = with_vocative(sentence, vocative, first=first)
        return Draft(sentence.with_final_mark(), sentence.combos, sentence.constructions, sampler.chance(0.5))

    def spell(self, draft: Draft) -> SentencePair:
        """Spells a draft, its English side with contractions if `draft.contracted`; see `Grammar.spell`."""
        speller = english.spell_short if draft.contracted else english.spell_full
        return realize(draft.phrase, speller, french_spelling.spell)


BRIEF_LIMIT, SHORT_LIMIT, LONG_LIMIT = 3, 9, 14
"""Length limits in words that select short constructions, long constructions and sentences with many clauses."""

VOCATIVE_FIRST = 12
"""Sentences longer than this many words have the vocative at the beginning."""


def addressee(sampler: Sampler) -> Addressee:
    """Samples the addressee of a sentence: mostly one person whom the sentence does not name."""
    kind = sampler.weighted(((20, "unnamed"), (1, "woman"), (1, "man"), (1, "several")))
    if kind == "several":
        vocative, gender = sampler.pick(FRIENDS)
        return Addressee("f" if gender == "f" else "m", True, vocative)
    if kind == "unnamed":
        return Addressee()
    name = sampler.pick(little_words.WOMEN if kind == "woman" else little_words.MEN)
    return Addressee("f" if kind == "woman" else "m", False, pair(name, name))


def with_vocative(sentence: Sentence, vocative: Phrase, *, first: bool) -> Sentence:
    """Adds a vocative before or after a sentence.

    Args:
        sentence: The sentence.
        vocative: The name or form of address.
        first: Whether the vocative comes first.

    Returns:
        Both, separated by a comma.
    """
    order = "<name> +,/c <s>" if first else "<s> +,/c <name>"
    return combine(order, order, "vocative", sentence.mark, s=sentence, name=Sentence(vocative, ""))
