"""Imperatives: commands and proposals, with object pronouns after the verb, or before it if negated."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Predicate
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.predicates import Maker, giving, going, language, ordinary, playing, relating, transitive
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.words import Verb
from regard_phrasebook.engine.phrase import EMPTY, Phrase, rule

COMMANDED: tuple[tuple[float, Maker], ...] = (
    (8, transitive),
    (4, ordinary),
    (2, going),
    (1, language),
    (1, playing),
    (3, giving),
    (2, relating),
)
INVOLUNTARY = (
    "arrive",
    "smoke",
    "come",
    "hear",
    "see",
    "get lost",
    "have",
    "understand",
    "meet",
    "fall",
    "lose",
    "forget",
    "break",
)
"""Verbs for involuntary events, which have no imperative."""
AFTER = {"me": "moi", "te": "toi"}
"""Pronouns with a different form after an affirmative imperative."""


def command(context: Context) -> Sentence:
    """Generates a random imperative: `Eat your apple!`, `don't lose the key`, `let's go to the beach`."""
    form = 1 if context.sampler.chance(0.2) else 2 if context.addressee.plural else 0
    who = nps.WE if form == 1 else context.you
    negated = context.sampler.chance(0.3) and form != 1
    choice = context.sampler.weighted(COMMANDED)(context, who.nominal(), negated)
    while choice.predicate.verb.en in INVOLUNTARY or _name(choice.predicate.verb) in INVOLUNTARY:
        choice = context.sampler.weighted(COMMANDED)(context, who.nominal(), negated)
    kind = "negative command" if negated else "proposal" if form == 1 else "command"
    phrase = _negative(choice.predicate, form) if negated else _affirmative(choice.predicate, form)
    return Sentence(phrase, context.sampler.pick((".", ".", "!")), choice.predicate.combos, (kind, choice.construction))


def _name(verb: Verb) -> str:
    return f"{verb.en} {verb.particle}".strip()


def _words(verb: Verb) -> str:
    particle = " ".join(f"{word}/v" for word in verb.particle.split())
    return f"{verb.en}/v {particle}"


def _after(verb: Verb) -> str:
    return f"{' '.join(f'{word}/v' for word in verb.preposition.split())} <object>"


def _affirmative(predicate: Predicate, form: int) -> Phrase:
    """The affirmative imperative; pronouns follow the verb after a hyphen: `lève-toi`, `donne-lui`."""
    verb = predicate.verb
    imperative = conjugate(verb.fr).imperative[form]
    stressed = ("toi", "nous", "vous")[form]
    reflexive = f"+-{stressed}/v" if verb.reflexive else ""
    pronoun = predicate.clitic
    if pronoun is not EMPTY:
        word = pronoun.tgt[0].strip("·")
        pronoun = rule(f"{pronoun.src[0]}/c", f"+-{AFTER.get(word, word)}/c")
    lets = "let's/v" if form == 1 else ""
    return rule(
        f"{lets} {_words(verb)} <clitic> <object>",
        f"{imperative}/v {reflexive} <clitic> {_after(verb)}",
        clitic=pronoun,
        object=predicate.object,
    )


def _negative(predicate: Predicate, form: int) -> Phrase:
    """The negative imperative; pronouns precede the verb: `ne le perds pas`."""
    verb = predicate.verb
    imperative = conjugate(verb.fr).imperative[form]
    reflexive = f"{('te', 'nous', 'vous')[form]}/v" if verb.reflexive else ""
    return rule(
        f"do not/n {_words(verb)} <clitic> <object>",
        f"ne/n {reflexive} <clitic> {imperative}/v pas/n {_after(verb)}",
        clitic=predicate.clitic,
        object=predicate.object,
    )
