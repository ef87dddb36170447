"""Clauses: a subject and a predicate in a tense, said, denied or asked, in the word order of both languages.

A `Predicate` is a verb with its complements. `statement`, `yes_no`, `inverted` and the other functions put it into a
clause: auxiliaries, negation in two parts, object pronouns, the agreement of participles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from regard_phrasebook.en_fr import english
from regard_phrasebook.en_fr.french_spelling import begins_with_vowel
from regard_phrasebook.en_fr.french_verbs import agree, conjugate
from regard_phrasebook.en_fr.noun_phrases import REFLEXIVES, Nominal, Person
from regard_phrasebook.en_fr.words import Agreement, Verb
from regard_phrasebook.engine.phrase import EMPTY, Phrase, rule


@dataclass(frozen=True, slots=True)
class Predicate:
    """A verb and what belongs to it.

    Attributes:
        verb: The verb.
        object: What stands after the verb in both languages.
        combos: Combinations of words within it.
        clitic: A French object pronoun before the verb, an English one after it.
        moved: What a participle made with avoir agrees with: an object that stands before it.
    """

    verb: Verb
    object: Phrase = EMPTY
    combos: tuple[str, ...] = ()
    clitic: Phrase = EMPTY
    moved: Agreement | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How a clause is said.

    Attributes:
        tense: A key of `TENSES`.
        negation: Empty, or a key of `NEGATIONS`.
        adverb: Stands before the English and after the French verb (often / souvent).
    """

    tense: str = "present"
    negation: str = ""
    adverb: Phrase = EMPTY


NEGATIONS = {
    "not": ("not", "pas"),
    "never": ("never", "jamais"),
    "no longer": ("no longer", "plus"),
    "not yet": ("not", "pas encore"),
}
"""English words and the second French part; the first is always `ne`."""

MODALS = {
    "can": ("can/a", "pouvoir", "present"),
    "must": ("must/a", "devoir", "present"),
    "should": ("should/a", "devoir", "conditional"),
    "going": ("", "aller", "present"),
    "want": ("", "vouloir", "present"),
    "wanted": ("", "vouloir", "imperfect"),
    "could": ("could/a", "pouvoir", "imperfect"),
    "would like": ("would/a", "vouloir", "conditional"),
}
"""Tenses that French makes with a finite verb and an infinitive: English auxiliary, French verb, its tense."""

SIMPLE = {
    "present": "present",
    "progressive": "present",
    "future": "future",
    "used": "imperfect",
    "was doing": "imperfect",
    "conditional": "conditional",
}
"""Tenses that French makes with one finite verb, and which it is."""

COMPOUND = ("past", "perfect")
"""Tenses that French makes with a participle."""

TENSES = (*SIMPLE, *MODALS, *COMPOUND)


def be(agreement: Agreement, past: bool = False) -> str:
    """The form of `to be`.

    Args:
        agreement: Of the subject.
        past: Past or present.

    Returns:
        Such as `am` or `were`.
    """
    if past:
        return "were" if agreement.plural or agreement.person == 2 else "was"
    if agreement.plural or agreement.person == 2:
        return "are"
    return "am" if agreement.person == 1 else "is"


def _tagged(words: str, tag: str) -> str:
    return " ".join(f"{word}/{tag}" for word in words.split())


def _third(agreement: Agreement) -> bool:
    return agreement.person == 3 and not agreement.plural


def english_verb(verb: Verb, subject: Agreement, tense: str, helped: bool) -> tuple[str, str]:
    """The English verb: what stands before the subject in a question, and the rest.

    Args:
        verb: The verb; its particle is not included.
        subject: Agreement of the subject.
        tense: A key of `TENSES`.
        helped: Whether there must be an auxiliary (questions, `not`).

    Returns:
        Tagged words for `rule`: `a` links to a French auxiliary, `v` to the verb, `q` to a question's own words.
    """
    if tense in ("present", "past") and verb.en == "be":
        return f"{be(subject, tense == 'past')}/vaq", ""
    if tense in ("present", "past"):
        return _plain_tense(verb, subject, tense == "past", helped)
    if tense in MODALS:
        return _modal(verb, subject, tense, helped)
    main = f"{verb.en}/v"
    if tense == "perfect":
        return ("has/aq" if _third(subject) else "have/aq"), f"{english.participle(verb.en)}/v"
    if tense in ("future", "conditional"):
        return ("will/vq" if tense == "future" else "would/vq"), main
    if tense == "used":
        return "", f"used/v to/v {main}"
    return f"{be(subject, tense == 'was doing')}/vq", f"{english.ing(verb.en)}/v"


def _plain_tense(verb: Verb, subject: Agreement, past: bool, helped: bool) -> tuple[str, str]:
    """Simple present and past, with `do` where there must be an auxiliary."""
    if helped and past:
        return "did/aq", f"{verb.en}/v"
    if helped:
        return ("does/q" if _third(subject) else "do/q"), f"{verb.en}/v"
    if past:
        return "", f"{english.past(verb.en)}/va"
    return "", f"{english.third_person(verb.en) if _third(subject) else verb.en}/v"


def _modal(verb: Verb, subject: Agreement, tense: str, helped: bool) -> tuple[str, str]:
    """can, must, going to, want to: the auxiliary, and the verb after it."""
    main = f"{verb.en}/v"
    if tense == "going":
        return f"{be(subject)}/aq", f"going/a to/a {main}"
    if tense == "would like":
        return "would/aq", f"like/a to/a {main}"
    if tense in ("want", "wanted"):
        past = tense == "wanted"
        if helped:
            aux = "did/q" if past else ("does/q" if _third(subject) else "do/q")
            return aux, f"want/a to/a {main}"
        word = "wanted" if past else ("wants" if _third(subject) else "want")
        return "", f"{word}/a to/a {main}"
    return MODALS[tense][0] + "q", main


def french_verb(verb: Verb, subject: Agreement, tense: str, moved: Agreement | None) -> tuple[str, str]:
    """The French verb: the finite form, and what follows negation.

    Args:
        verb: The verb, without its reflexive pronoun.
        subject: Agreement of the subject.
        tense: A key of `TENSES`.
        moved: Agreement of an object before the verb.

    Returns:
        Tagged words, as in `english_verb`.
    """
    forms = conjugate(verb.fr)
    if tense in MODALS:
        _, modal, which = MODALS[tense]
        finite = getattr(conjugate(modal), which)[subject.index]
        return f"{finite}/a", f"{forms.infinitive}/v"
    if tense == "past" and verb.stative:
        return f"{forms.imperfect[subject.index]}/va", ""
    if tense in COMPOUND:
        with_etre = verb.reflexive or forms.auxiliary == "être"
        auxiliary = conjugate("être" if with_etre else "avoir").present[subject.index]
        target = subject if with_etre else moved
        participle = agree(forms.participle, target.gender, target.plural) if target else forms.participle
        return f"{auxiliary}/a", f"{participle}/v"
    return f"{getattr(forms, SIMPLE[tense])[subject.index]}/v", ""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Tagged pieces of a clause, from which templates are made."""

    aux: str
    main: str
    no_en: str
    ne: str
    no_fr: str
    early: str
    finite: str
    late: str
    tail: str


def _parts(subject: Nominal, predicate: Predicate, manner: Manner, asked: bool) -> _Parts:
    verb, agreement = predicate.verb, subject.agreement
    helped = asked or manner.negation == "not"
    tense = manner.tense
    if verb.en == "read" and tense == "present" and not helped and not _third(agreement):
        tense = "progressive"  # `I read` would be its past as well: the sentence must have one translation
    aux, main = english_verb(verb, agreement, tense, helped)
    finite, tail = french_verb(verb, agreement, manner.tense, predicate.moved)
    no_en, no_fr = NEGATIONS.get(manner.negation, ("", ""))
    pronouns = f"{REFLEXIVES[agreement.index]}/v <clitic>" if verb.reflexive else "<clitic>"
    late = manner.tense in MODALS
    return _Parts(
        aux,
        f"{main} {_tagged(verb.particle, 'v')}",
        _tagged(no_en, "n"),
        "ne/n" if no_fr else "",
        _tagged(no_fr, "n"),
        "" if late else pronouns,
        finite,
        pronouns if late else "",
        tail,
    )


def _after(verb: Verb) -> str:
    """The object with the French preposition of its verb, which is linked to the verb."""
    return f"{_tagged(verb.preposition, 'v')} <object>"


def _slots(subject: Nominal, predicate: Predicate, manner: Manner) -> dict[str, Phrase]:
    return {
        "subject": subject.phrase,
        "object": predicate.object,
        "clitic": predicate.clitic,
        "adverb": manner.adverb,
    }


def _french(parts: _Parts, predicate: Predicate, subject: str) -> str:
    """The French order of a clause in which the verb follows its subject."""
    return (
        f"{subject} {parts.ne} {parts.early} {parts.finite} {parts.no_fr} <adverb> {parts.late} {parts.tail} "
        + _after(predicate.verb)
    )


def statement(subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """A clause that says something: `he never eats meat`.

    Args:
        subject: Who.
        predicate: What they do.
        manner: Tense, negation, adverb.

    Returns:
        The clause, without marks.
    """
    parts = _parts(subject, predicate, manner, asked=False)
    return rule(
        f"<subject> {parts.aux} {parts.no_en} <adverb> {parts.main} <clitic> <object>",
        _french(parts, predicate, "<subject>"),
        **_slots(subject, predicate, manner),
    )


def yes_no(subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """A question to be answered by yes or no, in French with `est-ce que`.

    Args:
        subject: Who.
        predicate: What they do.
        manner: Tense, negation, adverb.

    Returns:
        The question, without its mark.
    """
    parts = _parts(subject, predicate, manner, asked=True)
    return rule(
        f"{parts.aux} <subject> {parts.no_en} <adverb> {parts.main} <clitic> <object>",
        "est-ce/q que/q " + _french(parts, predicate, "<subject>"),
        **_slots(subject, predicate, manner),
    )


def asked_with(word: Phrase, subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """A question with a question word and `est-ce que`: `why do you work?`.

    Args:
        word: The question word, with what belongs to it.
        subject: Who.
        predicate: What they do.
        manner: Tense, negation, adverb.

    Returns:
        The question, without its mark.
    """
    return rule("<word> <rest>", "<word> <rest>", word=word, rest=yes_no(subject, predicate, manner))


def inverted(word: Phrase, subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """A question with a question word and the French subject after its verb: `où vas-tu`.

    Only pronouns stand after the verb; with `I` or a noun the question is made with `est-ce que`.

    Args:
        word: The question word, with what belongs to it.
        subject: Who.
        predicate: What they do.
        manner: Tense, negation, adverb.

    Returns:
        The question, without its mark.
    """
    if subject.pronoun in ("", "I"):
        return asked_with(word, subject, predicate, manner)
    parts = _parts(subject, predicate, manner, asked=True)
    finite, _, tags = parts.finite.partition("/")
    pronoun = subject.phrase.tgt[0]
    link = "-t-" if finite[-1] in "aec" and begins_with_vowel(pronoun) else "-"
    return rule(
        f"<word> {parts.aux} {_tagged(' '.join(subject.phrase.src), 's')} {parts.no_en} <adverb> {parts.main} "
        "<clitic> <object>",
        f"<word> {parts.ne} {parts.early} {finite}/{tags}q +{link}{pronoun}/s {parts.no_fr} <adverb> {parts.late} "
        f"{parts.tail} " + _after(predicate.verb),
        word=word,
        **_slots(subject, predicate, manner),
    )


def infinitive(subject: Agreement, predicate: Predicate, *, form: str = "to") -> Phrase:
    """A predicate without subject: `to eat an apple`, which French says in the infinitive.

    Args:
        subject: Who is meant, for the French reflexive pronoun.
        predicate: What they do.
        form: The English form: `to`, `bare` (eat), `ing` (eating) or `participle` (eaten).

    Returns:
        The phrase.
    """
    verb = predicate.verb
    words = {
        "to": f"to/v {verb.en}/v",
        "bare": f"{verb.en}/v",
        "ing": f"{english.ing(verb.en)}/v",
        "participle": f"{english.participle(verb.en)}/v",
    }[form]
    pronouns = f"{REFLEXIVES[subject.index]}/v <clitic>" if verb.reflexive else "<clitic>"
    return rule(
        f"{words} {_tagged(verb.particle, 'v')} <clitic> <object>",
        f"{pronouns} {verb.fr}/v {_after(verb)}",
        object=predicate.object,
        clitic=predicate.clitic,
    )


def with_object(predicate: Predicate, person: Person) -> Predicate:
    """Replaces the object of a predicate by a pronoun: `I see him`, `je le vois`.

    Args:
        predicate: A predicate of a transitive verb.
        person: Who the object is.

    Returns:
        The predicate with the pronoun; a participle agrees with it.
    """
    indirect = predicate.verb.preposition == "à"
    word = person.indirect if indirect else person.direct
    verb = replace(predicate.verb, preposition="") if indirect else predicate.verb
    clitic = rule(f"{person.en_object}/c", f"{word}/c")
    return Predicate(verb, EMPTY, predicate.combos, clitic, None if indirect else person.agreement)
