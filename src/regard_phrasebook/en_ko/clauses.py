"""Clauses of the English-Korean phrasebook.

In Korean the verb comes last. Its ending connects the clause to the next one, so each clause is generated for a given
ending.
"""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.endings import Stem, future_modifier, past, with_ending
from regard_phrasebook.en_ko.phrases import Subject, noun_phrase, subject, thing, time, with_particle
from regard_phrasebook.engine.phrase import EMPTY, Phrase, rule
from regard_phrasebook.engine.sampler import Sampler

FRAMES = ("present", "now", "past", "future")
NEGATIONS = {"": "", "not": "negation with 안", "unable": "negation with 못", "long": "negation with 지 않아요"}
"""Construction names of the negations; `long` replaces `not` where 안 is not allowed."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with its ending.

    Attributes:
        phrase: The words; the Korean ends with the verb.
        combos: Word combinations in the clause, such as `eat+apple`.
        constructions: Names of the constructions in the clause.
        subject: The subject, which a following clause can share; None if it has none to share.
        topic: Index of the Korean word that names the subject; negative if there is none.
        unlinked_subjects: Indices of the English subject pronouns without a Korean word that are not yet linked to
            the Korean subject of an earlier clause.
    """

    phrase: Phrase
    combos: tuple[str, ...] = ()
    constructions: tuple[str, ...] = ()
    subject: Subject | None = None
    topic: int = -1
    unlinked_subjects: tuple[int, ...] = ()


def clause_with_subject(
    phrase: Phrase, combos: tuple[str, ...], constructions: tuple[str, ...], who: Subject
) -> Clause:
    """Builds a clause that begins with its subject in both languages.

    Args:
        phrase: The words.
        combos: Word combinations in the clause, such as `eat+apple`.
        constructions: Names of the constructions in the clause.
        who: The subject.

    Returns:
        The clause.
    """
    return Clause(phrase, combos, constructions, who, len(who.phrase.tgt) - 1, (0,) if who.dropped else ())


def no_short_negation(verb: words.Verb) -> bool:
    """Whether a verb is a compound with 하다 or 추다, before which 안 and 못 are not allowed."""
    return verb.ko.text.endswith(("하", "춤추"))


def english_verb(verb: words.Verb, frame: str, person: words.Person, negation: str) -> str:
    """The English verb as a template; the verb is tagged `v` and the negation `n`.

    Args:
        verb: The verb.
        frame: `present`, `now`, `past`, `future` or `want`.
        person: Person of the subject.
        negation: Empty, `not` or `unable` (cannot).

    Returns:
        Tagged words for one side of a `rule`, such as `does/v not/n eat/v`.
    """
    be = person.be
    third = person.third
    forms = {
        "present": verb.third if third else verb.en,
        "now": f"{be} {verb.ing}",
        "past": verb.past,
        "future": f"will {verb.en}",
        "want": f"{'wants' if third else 'want'} to {verb.en}",
    }
    negative = {
        "present": f"{'does' if third else 'do'} not {verb.en}",
        "now": f"{be} not {verb.ing}",
        "past": f"did not {verb.en}",
        "future": f"will not {verb.en}",
        "want": f"{'does' if third else 'do'} not want to {verb.en}",
    }
    unable = f"could not {verb.en}" if frame == "past" else f"cannot {verb.en}"
    text = {"": forms[frame], "not": negative[frame], "unable": unable}[negation]
    return " ".join(f"{word}/{'n' if word in ('not', 'cannot', 'could') else 'v'}" for word in text.split())


def korean_verb(verb: words.Verb, frame: str, person: words.Person, negation: str, ending: str) -> str:
    """The Korean verb as a template; the verb is tagged `v` and the negation `n`.

    Args:
        verb: The verb.
        frame: `present`, `now`, `past`, `future` or `want`.
        person: Person of the subject.
        negation: Empty, `not` or `unable` (cannot).
        ending: Korean ending: `요`, `고`, `지만`, `서` or `면`; see `regard_phrasebook.en_ko.endings.with_ending`.

    Returns:
        Tagged words for one side of a `rule`, such as `안/n 먹어요/v`.
    """
    stem, before, tag = verb.ko, "", "v"
    if frame == "now":
        before, stem = f"{with_ending(stem, '고')}/v ", Stem("있")
    elif frame == "want":
        third = person.en not in ("I", "we")
        before = f"{with_ending(stem, '고')}/v " + ("싶어/v " if third else "")
        stem = Stem("하") if third else Stem("싶")
    if negation and (frame in ("now", "want") or no_short_negation(verb)):
        before, stem = f"{before}{stem.text}지/v ", Stem("못하" if negation == "unable" else "않")
        tag = "vn"
    elif negation:
        before = ("못/n " if negation == "unable" else "안/n ") + before
    if frame == "past":
        stem = past(stem)
    if frame == "future":
        before, stem = f"{before}{future_modifier(stem)}/{tag} ", Stem("거", "future")
    return f"{before}{with_ending(stem, ending)}/{tag}"


def _random_negation(sampler: Sampler, verb: words.Verb, frame: str) -> str:
    if not sampler.chance(0.22):
        return ""
    able = frame in ("present", "past") and not verb.stative
    return "unable" if able and sampler.chance(0.4) else "not"


def _construction_names(verb: words.Verb, frame: str, negation: str) -> tuple[str, ...]:
    """Names of the constructions of a verb form."""
    long = negation == "not" and (frame in ("now", "want") or no_short_negation(verb))
    name = {"now": "progressive", "want": "wanting"}.get(frame, frame)
    return (name, NEGATIONS["long" if long else negation]) if negation else (name,)


def _verb(sampler: Sampler, frame: str, who: Subject) -> words.Verb:
    """A random verb that suits a frame and a subject."""
    verbs = words.TRANSITIVE if sampler.chance(0.7) else words.INTRANSITIVE
    stative = frame not in ("now", "want")
    fits = [v for v in verbs if (stative or not v.stative) and (frame != "past" or v.past)]
    return sampler.pick(tuple(v for v in fits if who.named != "child" or v.en not in words.WORK_OF_ADULTS))


def clause(
    sampler: Sampler,
    frame: str,
    ending: str = "요",
    who: Subject | None = None,
    role: str = "topic",
    adjunct_chance: float = 0.4,
) -> Clause:
    """Generates a random clause with an action or a transitive verb.

    Args:
        sampler: Source of the random choices.
        frame: `present`, `now`, `past`, `future` or `want`.
        ending: Korean ending: `요`, `고`, `지만`, `서` or `면`; see `regard_phrasebook.en_ko.endings.with_ending`.
        who: The subject; None = random.
        role: `topic` or `subject`, which decides the particle of the subject.
        adjunct_chance: Probability of a place adverbial, and of a time adverbial (except in the frame `present`).

    Returns:
        The clause.
    """
    who = who or subject(sampler)
    verb = _verb(sampler, frame, who)
    negation = _random_negation(sampler, verb, frame)
    constructions = _construction_names(verb, frame, negation)
    combos: tuple[str, ...] = ()
    what = where = when = EMPTY
    if verb.objects:
        what, combos = thing(sampler, verb, count=not negation, exclude=who.named)
        constructions += ("transitive", "counters") if what.src[0] in dict(words.NUMBERS) else ("transitive",)
        what = with_particle(what, "object")
    if not verb.stative and sampler.chance(adjunct_chance):
        place = sampler.pick(words.where(verb))
        where = with_particle(noun_phrase(place, "the"), "in", "in" if place.en in words.INSIDE else "at")
        combos += (f"{verb.en}+at {place.en}",)
        constructions += ("place of action",)
    # In English the simple present expresses habits, so it seldom occurs without a time.
    if not verb.stative and sampler.chance(0.7 if frame == "present" else adjunct_chance):
        when = time(sampler, frame)
        constructions += ("time",)
    phrase = rule(
        f"<s> {english_verb(verb, frame, who.person, negation)} <o> <p> <t>",
        f"<s> <t> <p> <o> {korean_verb(verb, frame, who.person, negation, ending)}",
        s=with_particle(who.phrase, role),
        o=what,
        p=where,
        t=when,
    )
    return clause_with_subject(phrase, combos, constructions, who)


def going(sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None) -> Clause:
    """Generates a random clause about going or coming to a place.

    Args:
        sampler: Source of the random choices.
        frame: `present`, `now`, `past` or `future`.
        ending: Korean ending: `요`, `고`, `지만`, `서` or `면`; see `regard_phrasebook.en_ko.endings.with_ending`.
        who: The subject; None = random.

    Returns:
        The clause.
    """
    who = who or subject(sampler)
    verb = sampler.pick((words.GO, words.COME))
    negation = _random_negation(sampler, verb, frame)
    place = sampler.pick(words.PLACES)
    when = time(sampler, frame) if sampler.chance(0.6) else EMPTY
    phrase = rule(
        f"<s> {english_verb(verb, frame, who.person, negation)} <p> <t>",
        f"<s> <t> <p> {korean_verb(verb, frame, who.person, negation, ending)}",
        s=with_particle(who.phrase, "topic"),
        p=with_particle(noun_phrase(place, "the"), "at", "to"),
        t=when,
    )
    return clause_with_subject(
        phrase, (f"{verb.en}+{place.en}",), ("destination", *_construction_names(verb, frame, negation)), who
    )


def state(
    sampler: Sampler,
    frame: str,
    ending: str = "요",
    who: Subject | None = None,
    role: str = "topic",
    pool: tuple[words.Adjective, ...] = words.STATES,
) -> Clause:
    """Generates a random clause about a state: `she is tired`.

    Args:
        sampler: Source of the random choices.
        frame: `past`; any other frame means present.
        ending: Korean ending: `요`, `고`, `지만`, `서` or `면`; `서` follows the present stem even in the past.
        who: The subject; None = random.
        role: `topic` or `subject`, which decides the particle of the subject.
        pool: The states to choose from.

    Returns:
        The clause.
    """
    who = who or subject(sampler)
    adjective = sampler.pick(pool)
    be = ("was" if who.person.be in ("am", "is") else "were") if frame == "past" else who.person.be
    stem = past(adjective.ko) if frame == "past" and ending != "서" else adjective.ko
    negated = sampler.chance(0.2) and ending == "요"
    if negated:
        base = past(Stem("않")) if frame == "past" else Stem("않")
        korean, english = f"{adjective.ko.text}지/a {with_ending(base, ending)}/bn", f"{be}/b not/n {adjective.en}/a"
    else:
        korean, english = f"{with_ending(stem, ending)}/ab", f"{be}/b {adjective.en}/a"
    phrase = rule(f"<s> {english}", f"<s> {korean}", s=with_particle(who.phrase, role))
    constructions = ("state", NEGATIONS["long"]) if negated else ("state",)
    return clause_with_subject(phrase, (f"{who.named}+{adjective.en}",), constructions, who)


def weather(sampler: Sampler, form: int, ending: str) -> Clause:
    """Generates a random clause about the weather.

    Args:
        sampler: Source of the random choices.
        form: 0 for the present, 1 for the past, 2 for a condition.
        ending: Korean ending: `요`, `고`, `지만`, `서` or `면`; see `regard_phrasebook.en_ko.endings.with_ending`.

    Returns:
        The clause, without a subject that a following clause can share.
    """
    english, what, stem = sampler.pick(words.WEATHER)
    it, *rest = english[form].split()
    tags = " ".join(f"{word}/v" for word in rest)
    # In Korean rain `comes`, so the English verb is linked to both words; `cold` is linked to the adjective only.
    noun = "s" if what == "날씨가" else "sv"
    return Clause(rule(f"{it}/s {tags}", f"{what}/{noun} {with_ending(stem, ending)}/v"), (), ("weather",))
