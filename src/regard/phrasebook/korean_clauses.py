"""Noun phrases and clauses of the English-Korean phrasebook.

Korean puts the verb last and whatever belongs to a noun before it; a particle on the last word of a noun phrase says
what it does in the clause. The ending of the verb says how the clause goes on, so each clause is made for its ending.
"""

from __future__ import annotations

from dataclasses import dataclass

from regard.phrasebook import korean_words as words
from regard.phrasebook.engine import EMPTY, Phrase, pair, rule
from regard.phrasebook.korean_endings import Stem, ended, future_modifier, modifier, particle, past
from regard.phrasebook.sampler import Sampler

FRAMES = ("present", "now", "past", "future")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who does it.

    Attributes:
        phrase: The words, without a particle.
        person: The pronoun that refers to it.
        named: The English and Korean tell who it is for the splits.
    """

    phrase: Phrase
    person: words.Person
    named: str


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with its ending.

    Attributes:
        phrase: Its words; the verb is the last word of the Korean.
        combos: Combinations of words in it.
        shows: Constructions in it.
    """

    phrase: Phrase
    combos: tuple[str, ...]
    shows: tuple[str, ...]


def mark(phrase: Phrase, role: str, preposition: str = "") -> Phrase:
    """A noun phrase with a particle, and with the English preposition that means it.

    >>> mark(pair("school", "학교"), "at", "to").tgt
    ('학교에',)
    """
    last = len(phrase.tgt) - 1
    tgt = (*phrase.tgt[:-1], particle(phrase.tgt[-1], role))
    if not preposition:
        return Phrase(phrase.src, tgt, phrase.links)
    heads = tuple(preposition.split())
    links = {(i, last) for i in range(len(heads))} | {(i + len(heads), j) for i, j in phrase.links}
    return Phrase((*heads, *phrase.src), tgt, frozenset(links))


def noun_phrase(noun: words.Noun, determiner: str, adjective: Phrase = EMPTY) -> Phrase:
    """A noun with a determiner and perhaps an adjective.

    Args:
        noun: The noun.
        determiner: `a`, `the`, `this`, `that`, a possessive pronoun, or empty.
        adjective: English adjective and Korean modifier.

    Returns:
        The phrase without a particle; an article is linked to the noun.
    """
    own = {person.own: person.ko_own for person in words.PERSONS}
    korean = {"this": "이", "that": "저"} | own
    if determiner == "a":
        first = adjective.src[0] if adjective.src else noun.en
        determiner = ("an" if first[0] in "aeiou" else "a") if noun.plural else ""
    head = f"{determiner}/{'d' if determiner in korean else 'n'} " if determiner else ""
    start = f"{korean[determiner]}/d " if determiner in korean else ""
    return rule(f"{head}<adj> {noun.en}/n", f"{start}<adj> {noun.ko}/n", adj=adjective)


def counted(noun: words.Noun, number: tuple[str, str]) -> Phrase:
    """Several of a thing, with the counter that it asks for."""
    return rule(f"{number[0]}/q {noun.plural}/n", f"{noun.ko}/n {number[1]}/q {noun.counter}/n")


def pronoun(english: str) -> words.Person:
    """The person of an English pronoun."""
    return next(person for person in words.PERSONS if person.en == english)


def subject(sampler: Sampler, kind: str = "any") -> Subject:
    """Somebody; `third` never `I` or a pronoun."""
    what = sampler.weighted(((3, "pronoun"), (2, "name"), (2, "own"), (3, "noun")))
    if what == "pronoun" and kind == "any":
        person = sampler.pick(words.PERSONS)
        return Subject(pair(person.en, person.ko), person, person.en)
    if what in ("name", "pronoun"):
        english, korean, pro = sampler.pick(words.NAMES)
        return Subject(pair(english, f"{korean} 씨"), pronoun(pro), english)
    female = ("daughter", "woman", "nurse")
    noun = sampler.pick(words.KIN if what == "own" else words.PEOPLE)
    owners = tuple(person.own for person in words.PERSONS if person.own not in ("our",))
    determiner = sampler.pick(owners) if what == "own" else "the"
    return Subject(noun_phrase(noun, determiner), pronoun("she" if noun.en in female else "he"), noun.en)


def english_verb(verb: words.Verb, frame: str, person: words.Person, denied: bool) -> str:
    """The English verb as a template; the verb is tagged `v` and the negation `n`.

    Args:
        verb: The verb.
        frame: One of `FRAMES`, or `want`.
        person: Whom it agrees with.
        denied: Whether it is negated.

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
    text = negative[frame] if denied else forms[frame]
    return " ".join(f"{word}/{'n' if word == 'not' else 'v'}" for word in text.split())


def korean_verb(verb: words.Verb, frame: str, person: words.Person, denied: bool, ending: str) -> str:
    """The Korean verb as a template with the same tags; what 하다 makes of a noun is denied by -지 않다.

    Args:
        verb: The verb.
        frame: One of `FRAMES`, or `want`.
        person: Whom it agrees with.
        denied: Whether it is negated.
        ending: As in `regard.phrasebook.korean_endings.ended`.

    Returns:
        One side of a rule.
    """
    stem, before = verb.ko, ""
    if frame == "now":
        before, stem = f"{ended(stem, '고')}/v ", Stem("있")
    elif frame == "want":
        third = person.en not in ("I", "we")
        before = f"{ended(stem, '고')}/v " + ("싶어/v " if third else "")
        stem = Stem("하") if third else Stem("싶")
    if denied and (frame in ("now", "want") or verb.ko.text.endswith("하")):
        before, stem = f"{before}{stem.text}지/v ", Stem("않")
        tag = "n"
    else:
        before, tag = ("안/n " if denied else "") + before, ""
    if frame == "past":
        stem = past(stem)
    if frame == "future":
        before, stem = f"{before}{future_modifier(stem)}/v{tag} ", Stem("거", "future")
    return f"{before}{ended(stem, ending)}/v{tag}"


def time(sampler: Sampler, frame: str) -> Phrase:
    """When it happens."""
    pool = words.TIMES["future" if frame == "want" else frame]
    if frame in ("present", "past") and sampler.chance(0.3):
        english, korean = sampler.pick(words.WEEKDAYS)
        return pair(f"on {english}", f"{korean}에")
    return pair(*sampler.pick(pool))


def thing(sampler: Sampler, verb: words.Verb) -> tuple[Phrase, words.Noun]:
    """Something that suits a verb, without a particle."""
    noun = sampler.pick(tuple(noun for noun in words.NOUNS.values() if noun.kind in verb.objects))
    if noun.kind == "subject":
        return noun_phrase(noun, ""), noun
    if noun.plural and noun.kind != "person" and verb.en != "like" and sampler.chance(0.15):
        return counted(noun, sampler.pick(words.NUMBERS)), noun
    fitting = tuple(one for one in words.ADJECTIVES if noun.kind in one.kinds)
    adjective = EMPTY
    if fitting and sampler.chance(0.25):
        adjective = modifying(sampler.pick(fitting))
    return noun_phrase(noun, sampler.pick(("a", "the", "the", "this", "that")), adjective), noun


def modifying(adjective: words.Adjective) -> Phrase:
    """An adjective before its noun."""
    return pair(adjective.en, modifier(adjective.ko))


def clause(
    sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None, role: str = "topic", busy: float = 0.4
) -> Clause:
    """Somebody does something.

    Args:
        sampler: Of all choices.
        frame: One of `FRAMES`, or `want`.
        ending: As in `regard.phrasebook.korean_endings.ended`.
        who: The subject; None = anybody.
        role: Its particle.
        busy: Chance of a time, and of a place.

    Returns:
        The clause.
    """
    who = who or subject(sampler)
    verbs = words.TRANSITIVE if sampler.chance(0.7) else words.INTRANSITIVE
    fits = tuple(v for v in verbs if not (frame in ("now", "want") and v.stative) and (frame != "past" or v.past))
    verb = sampler.pick(fits)
    denied = sampler.chance(0.2)
    shows = [{"present": "present", "now": "progressive", "want": "wanting"}.get(frame, frame)]
    shows += [("negation with 지 않아요" if verb.ko.text.endswith("하") else "negation with 안")] if denied else []
    combos = []
    what = where = when = EMPTY
    if verb.objects:
        what, noun = thing(sampler, verb)
        what = mark(what, "object")
        combos = [f"{verb.en}+{noun.en}"]
        shows += ["transitive"]
        shows += ["counters"] if any(word in dict(words.NUMBERS) for word in what.src) else []
    if not verb.stative and sampler.chance(busy):
        place = sampler.pick(words.PLACES)
        inside = place.en in ("house", "kitchen", "garden", "park", "library", "museum")
        where = mark(noun_phrase(place, "the"), "in", "in" if inside else "at")
        combos += [f"{verb.en}+at {place.en}"]
        shows += ["place of action"]
    if not verb.stative and sampler.chance(busy):
        when = time(sampler, frame)
        shows += ["time"]
    phrase = rule(
        f"<s> {english_verb(verb, frame, who.person, denied)} <o> <p> <t>",
        f"<s> <t> <p> <o> {korean_verb(verb, frame, who.person, denied, ending)}",
        s=mark(who.phrase, role),
        o=what,
        p=where,
        t=when,
    )
    return Clause(phrase, tuple(combos), tuple(shows))


def going(sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None) -> Clause:
    """Somebody goes somewhere."""
    who = who or subject(sampler)
    verb = sampler.pick((words.GO, words.COME))
    denied = sampler.chance(0.2)
    place = sampler.pick(words.PLACES)
    phrase = rule(
        f"<s> {english_verb(verb, frame, who.person, denied)} <p> <t>",
        f"<s> <t> <p> {korean_verb(verb, frame, who.person, denied, ending)}",
        s=mark(who.phrase, "topic"),
        p=mark(noun_phrase(place, "the"), "at", "to"),
        t=time(sampler, frame) if sampler.chance(0.6) else EMPTY,
    )
    return Clause(phrase, (f"{verb.en}+{place.en}",), ("destination",))


def state(sampler: Sampler, frame: str, ending: str = "요", who: Subject | None = None, role: str = "topic") -> Clause:
    """Somebody is tired.

    Args:
        sampler: Draws the words.
        frame: `past` or any other, which is present.
        ending: What ends the Korean clause.
        who: The subject; drawn when not given.
        role: A key of `PARTICLES`, for the subject.

    Returns:
        The clause in both languages.
    """
    who = who or subject(sampler)
    adjective = sampler.pick(words.STATES)
    be = ("was" if who.person.be in ("am", "is") else "were") if frame == "past" else who.person.be
    stem = past(adjective.ko) if frame == "past" and ending != "서" else adjective.ko
    denied = sampler.chance(0.2) and ending == "요"
    if denied:
        base = past(Stem("않")) if frame == "past" else Stem("않")
        korean, english = f"{adjective.ko.text}지/a {ended(base, ending)}/bn", f"{be}/b not/n {adjective.en}/a"
    else:
        korean, english = f"{ended(stem, ending)}/ab", f"{be}/b {adjective.en}/a"
    phrase = rule(f"<s> {english}", f"<s> {korean}", s=mark(who.phrase, role))
    shows = ("state", "negation with 지 않아요") if denied else ("state",)
    return Clause(phrase, (f"{who.named}+{adjective.en}",), shows)


def connect(first: Clause, second: Clause, opening: str, between: str, show: str) -> Clause:
    """Two clauses, the first of which ends in what the English connective means.

    Args:
        first: The first clause in Korean and English.
        second: The second.
        opening: English tokens before the first, linked to its last word.
        between: English tokens between, linked likewise.
        show: Name of the construction.

    Returns:
        Both as one.
    """
    one, two = first.phrase, second.phrase
    opener, joint = tuple(opening.split()), tuple(between.split())
    start, end = len(opener), len(opener) + len(one.src)
    last = len(one.tgt) - 1
    places = [*range(start), *(end + i for i, token in enumerate(joint) if token != "+,")]
    links = {(i + start, j) for i, j in one.links} | {(i, last) for i in places}
    links |= {(i + end + len(joint), j + last + 1) for i, j in two.links}
    phrase = Phrase((*opener, *one.src, *joint, *two.src), one.tgt + two.tgt, frozenset(links))
    return Clause(phrase, first.combos + second.combos, (show, *first.shows, *second.shows))
