"""Noun phrases of the English-Korean phrasebook: subjects, objects and times.

Korean modifiers precede the noun. A particle on the last word of a noun phrase marks its role in the clause. Korean
omits a subject that is the same as in the clause before.
"""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.endings import modifier, particle
from regard_phrasebook.engine.phrase import EMPTY, Phrase, pair, rule
from regard_phrasebook.engine.sampler import Sampler


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a clause.

    Attributes:
        phrase: The words without a particle; no Korean words if Korean omits the subject.
        person: The pronoun that refers to the subject.
        named: The subject as named in word combinations, such as `child`.
        known: Whether a pronoun can replace the subject without ambiguity.
    """

    phrase: Phrase
    person: words.Person
    named: str
    known: bool

    @property
    def dropped(self) -> bool:
        """Whether Korean omits the subject."""
        return not self.phrase.tgt


def with_particle(phrase: Phrase, role: str, preposition: str = "") -> Phrase:
    """Adds a Korean particle and the corresponding English preposition to a noun phrase.

    Args:
        phrase: The noun phrase; returned unchanged if it has no Korean words.
        role: A key of `regard_phrasebook.en_ko.endings.PARTICLES`.
        preposition: English words before the phrase, linked to the word with the particle.

    Returns:
        The phrase with particle and preposition.

    >>> with_particle(pair("school", "학교"), "at", "to").tgt
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
    """Generates a noun with a determiner and an optional adjective.

    Korean has no articles. Only `the man` and `the woman` get 그, since otherwise they could be any man or woman.

    Args:
        noun: The noun.
        determiner: `a`, `the`, `this`, `that`, `my`, `our`, `all` (generic), or empty.
        adjective: English adjective and Korean modifier.

    Returns:
        The phrase without a particle. An article is linked to the noun unless Korean has a word for it.
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
    """Generates a noun with a number, given in English and Korean, and with its Korean counter word.

    >>> counted(words.NOUNS["book"], ("two", "두")).tgt
    ('책', '두', '권')
    """
    return rule(f"{number[0]}/q {noun.plural}/n", f"{noun.ko}/n {number[1]}/q {noun.counter}/n")


def pronoun(english: str) -> words.Person:
    """Looks up the `Person` of an English subject pronoun, such as `she`."""
    return next(person for person in words.PERSONS if person.en == english)


def subject(sampler: Sampler, kind: str = "any") -> Subject:
    """Generates a random subject.

    Args:
        sampler: Source of the random choices.
        kind: `third` = not a pronoun, `one` = a name or a relative, `any` = no restriction.

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


def same_subject(who: Subject) -> Subject:
    """Refers to a subject of a previous clause again: by a pronoun in English; Korean omits it."""
    return Subject(Phrase((who.person.en,)), who.person, who.named, True)


def next_subject(sampler: Sampler, before: Subject | None, share: float = 0.4) -> Subject:
    """Generates a random subject for the clause after another clause.

    A third-person pronoun always refers to the previous subject, so that the English is unambiguous.

    Args:
        sampler: Source of the random choices.
        before: The subject of the previous clause.
        share: Probability of the same subject.

    Returns:
        The same subject, omitted in Korean, or another subject.
    """
    if before is not None and before.known and sampler.chance(share):
        return same_subject(before)
    while True:
        who = subject(sampler)
        is_pronoun = who.phrase.src[0] in ("he", "she", "they")
        if before is None or not (is_pronoun or who.named == before.named):
            return who


def time(sampler: Sampler, frame: str) -> Phrase:
    """Generates a random time adverbial; hours have native Korean numerals, minutes Sino-Korean numerals.

    Args:
        sampler: Source of the random choices.
        frame: `present` (habits), `now`, `past`, `future` or `want`.

    Returns:
        The phrase.
    """
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
    """Converts an adjective to a phrase of the English word and the Korean form that modifies a noun."""
    return pair(adjective.en, modifier(adjective.ko))


def object_of(sampler: Sampler, verb: words.Verb, exclude: str = "") -> words.Noun:
    """Generates a random noun that suits a verb as object, other than `exclude`."""
    return sampler.pick(tuple(noun for noun in words.NOUNS.values() if words.suits(verb, noun) and noun.en != exclude))


def thing(sampler: Sampler, verb: words.Verb, count: bool = True, exclude: str = "") -> tuple[Phrase, tuple[str, ...]]:
    """Generates a random noun phrase that suits a verb as object.

    Args:
        sampler: Source of the random choices.
        verb: The verb.
        count: Whether the noun may be counted.
        exclude: Noun that is not allowed, because it is the subject; empty = none.

    Returns:
        The phrase without a particle, and the word combinations in it and with the verb.
    """
    noun = object_of(sampler, verb, exclude)
    combos: tuple[str, ...] = (f"{verb.en}+{noun.en}",)
    if noun.kind == "subject":
        return noun_phrase(noun, ""), combos
    liked = verb.en == "like"
    if count and noun.plural and noun.kind != "person" and not liked and sampler.chance(0.15):
        return counted(noun, sampler.pick(words.NUMBERS)), combos
    adjective = EMPTY
    fitting = words.adjectives_for(noun)
    if fitting and sampler.chance(0.25):
        quality = sampler.pick(fitting)
        adjective = modifying(quality)
        combos = (*combos, f"{quality.en}+{noun.en}")
    return noun_phrase(noun, sampler.pick(_determiners(noun, liked)), adjective), combos


def _determiners(noun: words.Noun, liked: bool) -> tuple[str, ...]:
    """Determiners for an object: relatives have possessives, and objects of `like` are mostly generic."""
    if noun in words.KIN:
        return ("my", "our")
    return ("all", "all", "the", "this", "that") if liked else ("a", "the", "the", "this", "that")
