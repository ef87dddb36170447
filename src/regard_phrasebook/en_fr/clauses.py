"""Clauses: affirmative, negative or interrogative, in any tense, with the word order of both languages.

A `Predicate` is a verb with its complements. `statement`, `yes_no_question`, `inverted_question` and the other
functions put it into a clause: auxiliaries, two-part negation, object pronouns and participle agreement.
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
    """A verb with its complements.

    Attributes:
        verb: The verb.
        object: Words after the verb in both languages.
        combos: Word combinations in the predicate, such as `eat+apple`.
        clitic: Object pronoun, before the verb in French and after it in English.
        preceding_object: Number and gender of an object before the verb, with which a participle after avoir agrees;
            None if there is no such object.
    """

    verb: Verb
    object: Phrase = EMPTY
    combos: tuple[str, ...] = ()
    clitic: Phrase = EMPTY
    preceding_object: Agreement | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """Tense, negation and adverb of a clause.

    Attributes:
        tense: One of `TENSES`, such as `present`.
        negation: A key of `NEGATIONS`, such as `not` or `never`; empty = no negation.
        adverb: Adverb before the English and after the French verb (often / souvent).
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
"""English words and the second part of the French negation; the first part is always `ne`."""

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
"""Tenses that French forms with a finite verb and an infinitive: English auxiliary, French verb, tense of that verb."""

SIMPLE = {
    "present": "present",
    "progressive": "present",
    "future": "future",
    "used": "imperfect",
    "was doing": "imperfect",
    "conditional": "conditional",
}
"""Tenses that French forms with one finite verb, and its French tense."""

COMPOUND = ("past", "perfect")
"""Tenses that French forms with a participle."""

TENSES = (*SIMPLE, *MODALS, *COMPOUND)


def be(agreement: Agreement, past: bool = False) -> str:
    """Inflects `to be`.

    Args:
        agreement: Person and number of the subject.
        past: Whether to return the past form.

    Returns:
        The form, such as `am` or `were`.
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


def english_verb(verb: Verb, subject: Agreement, tense: str, needs_auxiliary: bool) -> tuple[str, str]:
    """The English verb in two parts: the auxiliary, which precedes the subject in a question, and the rest.

    Args:
        verb: The verb; the result does not include its particle.
        subject: Person and number of the subject.
        tense: One of `TENSES`.
        needs_auxiliary: Whether the clause requires an auxiliary (questions, `not`).

    Returns:
        Both parts as tagged words for `rule`, such as `("did/aq", "eat/v")`; either may be empty. The tag `a` links a
        word to a French auxiliary, `v` to the verb, `q` to the question words `est-ce que`.
    """
    if tense in ("present", "past") and verb.en == "be":
        return f"{be(subject, tense == 'past')}/vaq", ""
    if tense in ("present", "past"):
        return _plain_tense(verb, subject, tense == "past", needs_auxiliary)
    if tense in MODALS:
        return _modal(verb, subject, tense, needs_auxiliary)
    main = f"{verb.en}/v"
    if tense == "perfect":
        return ("has/aq" if _third(subject) else "have/aq"), f"{english.participle(verb.en)}/v"
    if tense in ("future", "conditional"):
        return ("will/vq" if tense == "future" else "would/vq"), main
    if tense == "used":
        return "", f"used/v to/v {main}"
    return f"{be(subject, tense == 'was doing')}/vq", f"{english.ing(verb.en)}/v"


def _plain_tense(verb: Verb, subject: Agreement, past: bool, needs_auxiliary: bool) -> tuple[str, str]:
    """Simple present and past, with `do` where an auxiliary is required."""
    if needs_auxiliary and past:
        return "did/aq", f"{verb.en}/v"
    if needs_auxiliary:
        return ("does/q" if _third(subject) else "do/q"), f"{verb.en}/v"
    if past:
        return "", f"{english.past(verb.en)}/va"
    return "", f"{english.third_person(verb.en) if _third(subject) else verb.en}/v"


def _modal(verb: Verb, subject: Agreement, tense: str, needs_auxiliary: bool) -> tuple[str, str]:
    """Modal verbs, `going to` and `want to`: the auxiliary, and the verb after it."""
    main = f"{verb.en}/v"
    if tense == "going":
        return f"{be(subject)}/aq", f"going/a to/a {main}"
    if tense == "would like":
        return "would/aq", f"like/a to/a {main}"
    if tense in ("want", "wanted"):
        past = tense == "wanted"
        if needs_auxiliary:
            aux = "did/q" if past else ("does/q" if _third(subject) else "do/q")
            return aux, f"want/a to/a {main}"
        word = "wanted" if past else ("wants" if _third(subject) else "want")
        return "", f"{word}/a to/a {main}"
    return MODALS[tense][0] + "q", main


def french_verb(verb: Verb, subject: Agreement, tense: str, preceding_object: Agreement | None) -> tuple[str, str]:
    """The French verb in two parts: the finite form, and the participle or infinitive after the negation.

    Args:
        verb: The verb; the result does not include its reflexive pronoun.
        subject: Person, number and gender of the subject.
        tense: One of `TENSES`.
        preceding_object: Number and gender of an object before the verb; None = there is none.

    Returns:
        Both parts as tagged words for `rule`, such as `("as/a", "mangé/v")`; the second may be empty. The tags are
        those of `english_verb`.
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
        target = subject if with_etre else preceding_object
        participle = agree(forms.participle, target.gender, target.plural) if target else forms.participle
        return f"{auxiliary}/a", f"{participle}/v"
    return f"{getattr(forms, SIMPLE[tense])[subject.index]}/v", ""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Tagged parts of a clause, from which the templates are built.

    Attributes:
        aux: English auxiliary.
        main: Rest of the English verb, with its particle.
        negation_en: English negation.
        ne: First part of the French negation.
        negation_fr: Second part of the French negation.
        pronouns_before: French pronouns before the finite verb.
        finite: French finite verb.
        pronouns_after: French pronouns after the finite verb, before an infinitive.
        tail: Rest of the French verb.
    """

    aux: str
    main: str
    negation_en: str
    ne: str
    negation_fr: str
    pronouns_before: str
    finite: str
    pronouns_after: str
    tail: str


def _parts(subject: Nominal, predicate: Predicate, manner: Manner, asked: bool) -> _Parts:
    verb, agreement = predicate.verb, subject.agreement
    needs_auxiliary = asked or manner.negation == "not"
    tense = manner.tense
    if verb.en == "read" and tense == "present" and not needs_auxiliary and not _third(agreement):
        tense = "progressive"  # `I read` is also the past tense, and each sentence must have only one translation
    aux, main = english_verb(verb, agreement, tense, needs_auxiliary)
    finite, tail = french_verb(verb, agreement, manner.tense, predicate.preceding_object)
    negation_en, negation_fr = NEGATIONS.get(manner.negation, ("", ""))
    pronouns = f"{REFLEXIVES[agreement.index]}/v <clitic>" if verb.reflexive else "<clitic>"
    before_infinitive = manner.tense in MODALS
    return _Parts(
        aux,
        f"{main} {_tagged(verb.particle, 'v')}",
        _tagged(negation_en, "n"),
        "ne/n" if negation_fr else "",
        _tagged(negation_fr, "n"),
        "" if before_infinitive else pronouns,
        finite,
        pronouns if before_infinitive else "",
        tail,
    )


def _after(verb: Verb) -> str:
    """The object after the French preposition of the verb, which is linked to the verb."""
    return f"{_tagged(verb.preposition, 'v')} <object>"


def _slots(subject: Nominal, predicate: Predicate, manner: Manner) -> dict[str, Phrase]:
    return {
        "subject": subject.phrase,
        "object": predicate.object,
        "clitic": predicate.clitic,
        "adverb": manner.adverb,
    }


def _french(parts: _Parts, predicate: Predicate, subject: str) -> str:
    """The French template of a clause in which the verb follows its subject."""
    return (
        f"{subject} {parts.ne} {parts.pronouns_before} {parts.finite} {parts.negation_fr} <adverb> "
        f"{parts.pronouns_after} {parts.tail} " + _after(predicate.verb)
    )


def statement(subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """Generates a statement: `he never eats meat`.

    Args:
        subject: The subject.
        predicate: The predicate.
        manner: Tense, negation, adverb.

    Returns:
        The clause, without punctuation.
    """
    parts = _parts(subject, predicate, manner, asked=False)
    return rule(
        f"<subject> {parts.aux} {parts.negation_en} <adverb> {parts.main} <clitic> <object>",
        _french(parts, predicate, "<subject>"),
        **_slots(subject, predicate, manner),
    )


def yes_no_question(subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """Generates a yes-no question, in French with `est-ce que`.

    Args:
        subject: The subject.
        predicate: The predicate.
        manner: Tense, negation, adverb.

    Returns:
        The question, without its question mark.
    """
    parts = _parts(subject, predicate, manner, asked=True)
    return rule(
        f"{parts.aux} <subject> {parts.negation_en} <adverb> {parts.main} <clitic> <object>",
        "est-ce/q que/q " + _french(parts, predicate, "<subject>"),
        **_slots(subject, predicate, manner),
    )


def est_ce_que_question(word: Phrase, subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """Generates a question with a question word and `est-ce que`: `why do you work?`.

    Args:
        word: The question word and its complements.
        subject: The subject.
        predicate: The predicate.
        manner: Tense, negation, adverb.

    Returns:
        The question, without its question mark.
    """
    return rule("<word> <rest>", "<word> <rest>", word=word, rest=yes_no_question(subject, predicate, manner))


def inverted_question(word: Phrase, subject: Nominal, predicate: Predicate, manner: Manner) -> Phrase:
    """Generates a question with a question word and French inversion: `où vas-tu`.

    Only pronouns are inverted; with `I` or a noun the question has `est-ce que`.

    Args:
        word: The question word and its complements.
        subject: The subject.
        predicate: The predicate.
        manner: Tense, negation, adverb.

    Returns:
        The question, without its question mark.
    """
    if subject.pronoun in ("", "I"):
        return est_ce_que_question(word, subject, predicate, manner)
    parts = _parts(subject, predicate, manner, asked=True)
    finite, _, tags = parts.finite.partition("/")
    pronoun = subject.phrase.tgt[0]
    link = "-t-" if finite[-1] in "aec" and begins_with_vowel(pronoun) else "-"
    return rule(
        f"<word> {parts.aux} {_tagged(' '.join(subject.phrase.src), 's')} {parts.negation_en} <adverb> {parts.main} "
        "<clitic> <object>",
        f"<word> {parts.ne} {parts.pronouns_before} {finite}/{tags}q +{link}{pronoun}/s {parts.negation_fr} <adverb> "
        f"{parts.pronouns_after} {parts.tail} " + _after(predicate.verb),
        word=word,
        **_slots(subject, predicate, manner),
    )


def infinitive(subject: Agreement, predicate: Predicate, *, form: str = "to") -> Phrase:
    """Generates a non-finite predicate: `to eat an apple`; French has an infinitive.

    Args:
        subject: Agreement of the implied subject, for the French reflexive pronoun.
        predicate: The predicate.
        form: English form: `to`, `bare` (eat), `ing` (eating) or `participle` (eaten).

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


def with_object_pronoun(predicate: Predicate, person: Person) -> Predicate:
    """Replaces the object of a predicate with a pronoun: `I see him`, `je le vois`.

    Args:
        predicate: A predicate with a transitive verb.
        person: Person of the object.

    Returns:
        The predicate with the pronoun, with which a participle agrees.
    """
    indirect = predicate.verb.preposition == "à"
    word = person.indirect if indirect else person.direct
    verb = replace(predicate.verb, preposition="") if indirect else predicate.verb
    clitic = rule(f"{person.en_object}/c", f"{word}/c")
    return Predicate(verb, EMPTY, predicate.combos, clitic, None if indirect else person.agreement)
