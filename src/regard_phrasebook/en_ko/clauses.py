"""Clauses of the English-Korean phrasebook.

Korean puts the verb last. The ending of the verb says how the clause goes on, so each clause is made for its ending.
"""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.endings import Stem, ended, future_modifier, past
from regard_phrasebook.en_ko.phrases import Subject, mark, noun_phrase, subject, thing, time
from regard_phrasebook.engine.phrase import EMPTY, Phrase, rule
from regard_phrasebook.engine.sampler import Sampler

FRAMES = ("present", "now", "past", "future")
NEGATIONS = {"": "", "not": "negation with 안", "unable": "negation with 못", "long": "negation with 지 않아요"}
"""Constructions by how a clause is denied; `long` is what becomes of `not` where 안 may not stand."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with its ending.

    Attributes:
        phrase: Its words; the verb is the last word of the Korean.
        combos: Combinations of words in it.
        shows: Constructions in it.
        who: The subject that a following clause may share.
        topic: The place of the Korean word that names the subject; negative when none does.
        waiting: The places of English subjects that Korean leaves out, and that nothing before them names yet.
    """

    phrase: Phrase
    combos: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    who: Subject | None = None
    topic: int = -1
    waiting: tuple[int, ...] = ()


def told(phrase: Phrase, combos: tuple[str, ...], shows: tuple[str, ...], who: Subject) -> Clause:
    """A clause that begins with its subject in both languages.

    Args:
        phrase: Its words.
        combos: Combinations of words in it.
        shows: Constructions in it.
        who: The subject.

    Returns:
        The clause.
    """
    return Clause(phrase, combos, shows, who, len(who.phrase.tgt) - 1, (0,) if who.dropped else ())


def no_short_negation(verb: words.Verb) -> bool:
    """Whether 안 and 못 may not stand before a verb: one that 하다 or 추다 makes of a noun."""
    return verb.ko.text.endswith(("하", "춤추"))


def english_verb(verb: words.Verb, frame: str, person: words.Person, denial: str) -> str:
    """The English verb as a template; the verb is tagged `v` and the negation `n`.

    Args:
        verb: The verb.
        frame: One of `FRAMES`, or `want`.
        person: Whom it agrees with.
        denial: Empty, `not` or `unable`.

    Returns:
        One side of a rule.
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
    text = {"": forms[frame], "not": negative[frame], "unable": unable}[denial]
    return " ".join(f"{word}/{'n' if word in ('not', 'cannot', 'could') else 'v'}" for word in text.split())


def korean_verb(verb: words.Verb, frame: str, person: words.Person, denial: str, ending: str) -> str:
    """The Korean verb as a template with the same tags.

    Args:
        verb: The verb.
        frame: One of `FRAMES`, or `want`.
        person: Whom it agrees with.
        denial: Empty, `not` or `unable`.
        ending: As in `regard_phrasebook.en_ko.endings.ended`.

    Returns:
        One side of a rule.
    """
    stem, before, tag = verb.ko, "", "v"
    if frame == "now":
        before, stem = f"{ended(stem, '고')}/v ", Stem("있")
    elif frame == "want":
        third = person.en not in ("I", "we")
        before = f"{ended(stem, '고')}/v " + ("싶어/v " if third else "")
        stem = Stem("하") if third else Stem("싶")
    if denial and (frame in ("now", "want") or no_short_negation(verb)):
        before, stem = f"{before}{stem.text}지/v ", Stem("못하" if denial == "unable" else "않")
        tag = "vn"
    elif denial:
        before = ("못/n " if denial == "unable" else "안/n ") + before
    if frame == "past":
        stem = past(stem)
    if frame == "future":
        before, stem = f"{before}{future_modifier(stem)}/{tag} ", Stem("거", "future")
    return f"{before}{ended(stem, ending)}/{tag}"


def _denial(sampler: Sampler, verb: words.Verb, frame: str) -> str:
    if not sampler.chance(0.22):
        return ""
    able = frame in ("present", "past") and not verb.stative
    return "unable" if able and sampler.chance(0.4) else "not"


def _shown(verb: words.Verb, frame: str, denial: str) -> tuple[str, ...]:
    """The constructions of a verb."""
    long = denial == "not" and (frame in ("now", "want") or no_short_negation(verb))
    name = {"now": "progressive", "want": "wanting"}.get(frame, frame)
    return (name, NEGATIONS["long" if long else denial]) if denial else (name,)


def _verb(sampler: Sampler, frame: str, who: Subject) -> words.Verb:
    """A verb that suits a frame and whoever does it."""
    verbs = words.TRANSITIVE if sampler.chance(0.7) else words.INTRANSITIVE
    stative = frame not in ("now", "want")
    fits = [v for v in verbs if (stative or not v.stative) and (frame != "past" or v.past)]
    return sampler.pick(tuple(v for v in fits if who.named != "child" or v.en not in words.WORK_OF_ADULTS))


def clause(
    sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None, role: str = "topic", busy: float = 0.4
) -> Clause:
    """Somebody does something.

    Args:
        sampler: Of all choices.
        frame: One of `FRAMES`, or `want`.
        ending: As in `regard_phrasebook.en_ko.endings.ended`.
        who: The subject; None = anybody.
        role: Its particle.
        busy: Chance of a time, and of a place.

    Returns:
        The clause.
    """
    who = who or subject(sampler)
    verb = _verb(sampler, frame, who)
    denial = _denial(sampler, verb, frame)
    shows = _shown(verb, frame, denial)
    combos: tuple[str, ...] = ()
    what = where = when = EMPTY
    if verb.objects:
        what, combos = thing(sampler, verb, count=not denial, but=who.named)
        shows += ("transitive", "counters") if what.src[0] in dict(words.NUMBERS) else ("transitive",)
        what = mark(what, "object")
    if not verb.stative and sampler.chance(busy):
        place = sampler.pick(words.where(verb))
        where = mark(noun_phrase(place, "the"), "in", "in" if place.en in words.INSIDE else "at")
        combos += (f"{verb.en}+at {place.en}",)
        shows += ("place of action",)
    # English says with the present what is done now and then, and so seldom says it without a time.
    if not verb.stative and sampler.chance(0.7 if frame == "present" else busy):
        when = time(sampler, frame)
        shows += ("time",)
    phrase = rule(
        f"<s> {english_verb(verb, frame, who.person, denial)} <o> <p> <t>",
        f"<s> <t> <p> <o> {korean_verb(verb, frame, who.person, denial, ending)}",
        s=mark(who.phrase, role),
        o=what,
        p=where,
        t=when,
    )
    return told(phrase, combos, shows, who)


def going(sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None) -> Clause:
    """Somebody goes somewhere.

    Args:
        sampler: Of all choices.
        frame: One of `FRAMES`.
        ending: As in `regard_phrasebook.en_ko.endings.ended`.
        who: The subject; None = anybody.

    Returns:
        The clause.
    """
    who = who or subject(sampler)
    verb = sampler.pick((words.GO, words.COME))
    denial = _denial(sampler, verb, frame)
    place = sampler.pick(words.PLACES)
    when = time(sampler, frame) if sampler.chance(0.6) else EMPTY
    phrase = rule(
        f"<s> {english_verb(verb, frame, who.person, denial)} <p> <t>",
        f"<s> <t> <p> {korean_verb(verb, frame, who.person, denial, ending)}",
        s=mark(who.phrase, "topic"),
        p=mark(noun_phrase(place, "the"), "at", "to"),
        t=when,
    )
    return told(phrase, (f"{verb.en}+{place.en}",), ("destination", *_shown(verb, frame, denial)), who)


def state(
    sampler: Sampler,
    frame: str,
    ending: str = "요",
    who: Subject | None = None,
    role: str = "topic",
    pool: tuple[words.Adjective, ...] = words.STATES,
) -> Clause:
    """Somebody is tired.

    Args:
        sampler: Of all choices.
        frame: `past` or any other, which is present.
        ending: As in `regard_phrasebook.en_ko.endings.ended`; before 서 Korean has no past.
        who: The subject; None = anybody.
        role: Its particle.
        pool: The states to choose from.

    Returns:
        The clause.
    """
    who = who or subject(sampler)
    adjective = sampler.pick(pool)
    be = ("was" if who.person.be in ("am", "is") else "were") if frame == "past" else who.person.be
    stem = past(adjective.ko) if frame == "past" and ending != "서" else adjective.ko
    denied = sampler.chance(0.2) and ending == "요"
    if denied:
        base = past(Stem("않")) if frame == "past" else Stem("않")
        korean, english = f"{adjective.ko.text}지/a {ended(base, ending)}/bn", f"{be}/b not/n {adjective.en}/a"
    else:
        korean, english = f"{ended(stem, ending)}/ab", f"{be}/b {adjective.en}/a"
    phrase = rule(f"<s> {english}", f"<s> {korean}", s=mark(who.phrase, role))
    shows = ("state", NEGATIONS["long"]) if denied else ("state",)
    return told(phrase, (f"{who.named}+{adjective.en}",), shows, who)


def weather(sampler: Sampler, form: int, ending: str) -> Clause:
    """What the weather is like.

    Args:
        sampler: Of all choices.
        form: 0 for the present, 1 for the past, 2 for a condition.
        ending: As in `regard_phrasebook.en_ko.endings.ended`.

    Returns:
        The clause, which has no subject to share.
    """
    english, what, stem = sampler.pick(words.WEATHER)
    it, *rest = english[form].split()
    tags = " ".join(f"{word}/v" for word in rest)
    # Rain comes in Korean, so the English verb means both words; for the cold only the adjective.
    noun = "s" if what == "날씨가" else "sv"
    return Clause(rule(f"{it}/s {tags}", f"{what}/{noun} {ended(stem, ending)}/v"), (), ("weather",))
