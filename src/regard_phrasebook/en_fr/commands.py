"""Commands and proposals: the imperative, with object pronouns after it or, denied, before it."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Predicate
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.predicates import Maker, giving, going, language, ordinary, playing, relating, transitive
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.talk import Talk
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
UNWILLED = (
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
"""Verbs of what happens to one: nobody is told to."""
AFTER = {"me": "moi", "te": "toi"}
"""Pronouns that change after an affirmative command."""


def command(talk: Talk) -> Sentence:
    """`Eat your apple!`, `don't lose the key`, `let's go to the beach`."""
    form = 1 if talk.sampler.chance(0.2) else 2 if talk.addressee.plural else 0
    who = nps.WE if form == 1 else talk.you
    denied = talk.sampler.chance(0.3) and form != 1
    made = talk.sampler.weighted(COMMANDED)(talk, who.nominal(), denied)
    while made.predicate.verb.en in UNWILLED or _name(made.predicate.verb) in UNWILLED:
        made = talk.sampler.weighted(COMMANDED)(talk, who.nominal(), denied)
    kind = "negative command" if denied else "proposal" if form == 1 else "command"
    phrase = _denied(made.predicate, form) if denied else _affirmed(made.predicate, form)
    return Sentence(phrase, talk.sampler.pick((".", ".", "!")), made.predicate.combos, (kind, made.construction))


def _name(verb: Verb) -> str:
    return f"{verb.en} {verb.particle}".strip()


def _words(verb: Verb) -> str:
    particle = " ".join(f"{word}/v" for word in verb.particle.split())
    return f"{verb.en}/v {particle}"


def _after(verb: Verb) -> str:
    return f"{' '.join(f'{word}/v' for word in verb.preposition.split())} <object>"


def _affirmed(predicate: Predicate, form: int) -> Phrase:
    """Pronouns follow, joined by a hyphen: `lève-toi`, `donne-lui`."""
    verb = predicate.verb
    imperative = conjugate(verb.fr).imperative[form]
    own = ("toi", "nous", "vous")[form]
    reflexive = f"+-{own}/v" if verb.reflexive else ""
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


def _denied(predicate: Predicate, form: int) -> Phrase:
    """Pronouns stay before the verb: `ne le perds pas`."""
    verb = predicate.verb
    imperative = conjugate(verb.fr).imperative[form]
    reflexive = f"{('te', 'nous', 'vous')[form]}/v" if verb.reflexive else ""
    return rule(
        f"do not/n {_words(verb)} <clitic> <object>",
        f"ne/n {reflexive} <clitic> {imperative}/v pas/n {_after(verb)}",
        clitic=predicate.clitic,
        object=predicate.object,
    )
