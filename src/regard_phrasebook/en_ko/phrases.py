"""Noun phrases of the English-Korean phrasebook: who does it, what it is done to, and when.

Korean puts whatever belongs to a noun before it; a particle on the last word of a noun phrase says what it does in the
clause. A subject that is known already is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.endings import modifier, particle
from regard_phrasebook.engine.phrase import EMPTY, Phrase, pair, rule
from regard_phrasebook.engine.sampler import Sampler


@dataclass(frozen=True, slots=True)
class Subject:
    """Who does it.

    Attributes:
        phrase: The words, without a particle; no Korean words when it is left out.
        person: The pronoun that refers to it.
        named: Who it is, for the splits.
        known: Whether it is plain which pronoun refers to it.
    """

    phrase: Phrase
    person: words.Person
    named: str
    known: bool

    @property
    def dropped(self) -> bool:
        """Whether Korean leaves it out."""
        return not self.phrase.tgt


def mark(phrase: Phrase, role: str, preposition: str = "") -> Phrase:
    """A noun phrase with a particle, and with the English preposition that means it.

    Args:
        phrase: The noun phrase; without Korean words it stays as it is.
        role: A key of `regard_phrasebook.en_ko.endings.PARTICLES`.
        preposition: English words before it, linked to the word with the particle.

    Returns:
        The marked phrase.

    >>> mark(pair("school", "학교"), "at", "to").tgt
    ('학교에',)
    """
    if not phrase.tgt:
        return phrase
    last = len(phrase.tgt) - 1
    tgt = (*phrase.tgt[:-1], particle(phrase.tgt[-1], role))
    heads = tuple(preposition.split())
    links = {(i, last) for i in range(len(heads))} | {(i + len(heads), j) for i, j in phrase.links}
    return Phrase((*heads, *phrase.src), tgt, frozenset(links))


def noun_phrase(noun: words.Noun, determiner: str, adjective: Phrase = EMPTY) -> Phrase:
    """A noun with a determiner and perhaps an adjective.

    Korean has no article, but `the man` without 그 would be any man.

    Args:
        noun: The noun.
        determiner: `a`, `the`, `this`, `that`, `my`, `our`, `all` for what is meant in general, or empty.
        adjective: English adjective and Korean modifier.

    Returns:
        The phrase without a particle; an article is linked to the noun unless a word means it.
    """
    korean = {"this": "이", "that": "그"} | {person.own: person.ko_own for person in words.PERSONS if person.own}
    if noun.en in ("man", "woman"):
        korean["the"] = "그"
    english = noun.plural if determiner == "all" and noun.plural else noun.en
    if determiner == "a":
        first = adjective.src[0] if adjective.src else noun.en
        determiner = ("an" if first[0] in "aeiou" else "a") if noun.plural else ""
    determiner = "" if determiner == "all" else determiner
    head = f"{determiner}/{'d' if determiner in korean else 'n'} " if determiner else ""
    start = f"{korean[determiner]}/d " if determiner in korean else ""
    return rule(f"{head}<adj> {english}/n", f"{start}<adj> {noun.ko}/n", adj=adjective)


def counted(noun: words.Noun, number: tuple[str, str]) -> Phrase:
    """Several of a thing, with the counter that it asks for.

    >>> counted(words.NOUNS["book"], ("two", "두")).tgt
    ('책', '두', '권')
    """
    return rule(f"{number[0]}/q {noun.plural}/n", f"{noun.ko}/n {number[1]}/q {noun.counter}/n")


def pronoun(english: str) -> words.Person:
    """The person of an English pronoun."""
    return next(person for person in words.PERSONS if person.en == english)


def subject(sampler: Sampler, kind: str = "any") -> Subject:
    """Somebody.

    Args:
        sampler: Of all choices.
        kind: `third` for nobody who is a pronoun, `one` for one person who is no `the`, or `any`.

    Returns:
        The subject.
    """
    what = sampler.weighted(((3, "pronoun"), (2, "name"), (2, "own"), (3, "noun")))
    if what == "pronoun" and kind == "any":
        person = sampler.pick(words.PERSONS)
        return Subject(pair(person.en, person.ko), person, person.ko, True)
    if what in ("name", "pronoun") or (kind == "one" and what == "noun"):
        english, korean, pro = sampler.pick(words.NAMES)
        return Subject(pair(english, f"{korean} 씨"), pronoun(pro), english, True)
    noun = sampler.pick(words.KIN if what == "own" else words.AGENTS)
    determiner = sampler.pick(("my", "our")) if what == "own" else "the"
    person = pronoun("she" if noun.en in words.FEMALE else "he")
    return Subject(noun_phrase(noun, determiner), person, noun.en, noun.en in (*words.FEMALE, *words.MALE))


def again(who: Subject) -> Subject:
    """Somebody who was the subject just now: a pronoun in English, nothing in Korean."""
    return Subject(Phrase((who.person.en,)), who.person, who.named, True)


def follow(sampler: Sampler, before: Subject | None, share: float = 0.4) -> Subject:
    """The subject of a clause after another.

    A pronoun of the third person always means the subject just before, so that English says who it is.

    Args:
        sampler: Of all choices.
        before: The subject of the clause before.
        share: Chance that it stays the same.

    Returns:
        The same one left out, or another.
    """
    if before is not None and before.known and sampler.chance(share):
        return again(before)
    while True:
        who = subject(sampler)
        told = who.phrase.src[0] in ("he", "she", "they")
        if before is None or not (told or who.named == before.named):
            return who


def time(sampler: Sampler, frame: str) -> Phrase:
    """When it happens; hours are counted in native numerals, minutes in Sino-Korean ones."""
    habit = frame == "present"
    if frame != "now" and sampler.chance(0.25):
        hour, korean = sampler.pick(words.HOURS)
        if sampler.chance(0.5):
            return rule(f"at/h {hour}/q o'clock/h", f"{korean}/q 시에/h")
        minute, sino = sampler.pick(words.MINUTES)
        return rule(f"at/m {hour}/h {minute}/m", f"{korean}/h 시/h {sino}/m 분에/m")
    if frame in ("present", "past") and sampler.chance(0.3):
        english, korean = sampler.pick(words.WEEKDAYS)
        return pair(f"{'every' if habit else 'on'} {english}", f"{korean}{'마다' if habit else '에'}")
    return pair(*sampler.pick(words.TIMES["future" if frame == "want" else frame]))


def modifying(adjective: words.Adjective) -> Phrase:
    """An adjective before its noun."""
    return pair(adjective.en, modifier(adjective.ko))


def object_of(sampler: Sampler, verb: words.Verb, but: str = "") -> words.Noun:
    """A noun that suits a verb; never the one named `but`."""
    return sampler.pick(tuple(noun for noun in words.NOUNS.values() if words.suits(verb, noun) and noun.en != but))


def thing(sampler: Sampler, verb: words.Verb, count: bool = True, but: str = "") -> tuple[Phrase, tuple[str, ...]]:
    """Something that suits a verb.

    Args:
        sampler: Of all choices.
        verb: The verb.
        count: Whether there may be several.
        but: Who does it, and so cannot be it.

    Returns:
        The phrase without a particle, and the combinations of words in it and with the verb.
    """
    noun = object_of(sampler, verb, but)
    combos: tuple[str, ...] = (f"{verb.en}+{noun.en}",)
    if noun.kind == "subject":
        return noun_phrase(noun, ""), combos
    liked = verb.en == "like"
    if count and noun.plural and noun.kind != "person" and not liked and sampler.chance(0.15):
        return counted(noun, sampler.pick(words.NUMBERS)), combos
    adjective = EMPTY
    fitting = words.describing(noun)
    if fitting and sampler.chance(0.25):
        one = sampler.pick(fitting)
        adjective = modifying(one)
        combos = (*combos, f"{one.en}+{noun.en}")
    return noun_phrase(noun, sampler.pick(_determiners(noun, liked)), adjective), combos


def _determiners(noun: words.Noun, liked: bool) -> tuple[str, ...]:
    """What may stand before an object; a daughter is somebody's, and what is liked is liked in general."""
    if noun in words.KIN:
        return ("my", "our")
    return ("all", "all", "the", "this", "that") if liked else ("a", "the", "the", "this", "that")
