"""What people do and are: predicates of every kind, chosen with nouns that suit their verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import MOODS, going_with
from regard_phrasebook.en_fr.clauses import Predicate, with_object
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.en_fr.verbs import FEELING, ORDINARY, TRANSITIVE, verb
from regard_phrasebook.en_fr.words import Adjective, Agreement
from regard_phrasebook.engine.phrase import Phrase, join, pair, rule

BE = verb("be", "être")
HAVE = verb("have", "avoir")
GO = verb("go", "aller")


@dataclass(frozen=True, slots=True)
class Doing:
    """A predicate and what may be done with it.

    Attributes:
        predicate: The predicate.
        state: Whether it is a state: said in the simple tenses only.
        construction: What it shows.
        timeless: Whether an adverb of time would be odd (hating honey on Mondays).
    """

    predicate: Predicate
    state: bool
    construction: str
    timeless: bool = False


Maker = Callable[[Talk, Nominal, bool], Doing]
"""Makes a predicate for a subject, in a negated clause or not."""


def transitive(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """A verb and its object: `buy a red car`."""
    chosen = talk.sampler.pick(TRANSITIVE)
    thing = talk.thing(chosen.objects, denied)
    while thing.head == subject.head:
        thing = talk.thing(chosen.objects, denied)
    combos = (f"{chosen.en}+{thing.head}", *thing.combos)
    return Doing(Predicate(chosen, thing.phrase, combos), chosen.stative, "transitive verb")


def feeling(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Liking something in general: `love music`."""
    chosen = talk.sampler.pick(FEELING)
    thing = talk.general(chosen.objects)
    return Doing(Predicate(chosen, thing.phrase, (f"{chosen.en}+{thing.head}",)), True, "general article", True)


def with_pronoun(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """A verb whose object is a pronoun: `see him`."""
    chosen = talk.sampler.pick([one for one in TRANSITIVE if {"person", "family"} & set(one.objects)])
    fitting = [one for one in talk.persons() if not _same(one.agreement, subject.agreement)]
    person = talk.sampler.pick(fitting)
    predicate = with_object(Predicate(chosen, combos=(f"{chosen.en}+{person.en_object}",)), person)
    return Doing(predicate, chosen.stative, "object pronoun")


def _who(subject: Nominal) -> str:
    """The subject's part in a combination, for words that combine with nothing else."""
    return subject.pronoun or subject.head


def _same(one: Agreement, other: Agreement) -> bool:
    """Whether two persons would be the same or overlap (I and we, him and he)."""
    return one.person == other.person and (one.person != 3 or one.plural == other.plural)


def ordinary(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """A verb without object: `sleep`, `get up`."""
    chosen = talk.sampler.pick(ORDINARY)
    name = "reflexive verb" if chosen.reflexive else "intransitive verb"
    return Doing(Predicate(chosen, combos=(f"{_who(subject)}+{chosen.en} {chosen.particle}",)), False, name)


def resting(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """What can last for hours: `sleep`, `walk`."""
    chosen = talk.sampler.pick([one for one in ORDINARY if f"{one.en} {one.particle}".strip() in LASTING])
    return Doing(
        Predicate(chosen, combos=(f"{_who(subject)}+{chosen.en} {chosen.particle}",)), False, "intransitive verb"
    )


LASTING = ("sleep", "work", "run", "swim", "dance", "sing", "travel", "walk", "study", "rest", "cry")


def mood(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Being in a mood or of a character: `be tired`."""
    pool = MOODS if talk.sampler.chance(0.6) else _CHARACTERS
    chosen: Adjective = talk.sampler.pick(pool)
    adjective = pair(chosen.en, chosen.french(subject.agreement))
    return Doing(Predicate(BE, adjective, (f"{_who(subject)}+{chosen.en}",)), True, "predicate adjective")


_CHARACTERS = going_with("family")


def passing_mood(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Being in a mood: what may be the reason of something."""
    chosen = talk.sampler.pick(MOODS)
    adjective = pair(chosen.en, chosen.french(subject.agreement))
    return Doing(Predicate(BE, adjective, (f"{_who(subject)}+{chosen.en}",)), True, "predicate adjective")


SENSATIONS = (
    pair("hungry", "faim"),
    pair("thirsty", "soif"),
    pair("cold", "froid"),
    pair("hot", "chaud"),
    pair("sleepy", "sommeil"),
    pair("right", "raison"),
    pair("wrong", "tort"),
    pair("afraid", "peur"),
)


def sensation(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """What English is and French has: `be hungry`, `avoir faim`."""
    state = talk.sampler.pick(SENSATIONS)
    return Doing(Predicate(_BE_HAVING, state, (f"{_who(subject)}+{state.src[0]}",)), True, "sensation with avoir")


_BE_HAVING = verb("be", "avoir")


def going(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Going somewhere: `go to the station`."""
    place = destination(talk)
    return Doing(Predicate(GO, place.phrase, (f"go+{place.head}",)), False, "going to a place")


def destination(talk: Talk, *, near: bool = False) -> Nominal:
    """Where one goes, with `to`: `à la gare`, `à Paris`, `en France`.

    Args:
        talk: Where choices come from.
        near: Whether it must be in town.

    Returns:
        The place with its preposition.
    """
    kind = "place" if near else talk.sampler.weighted(((6, "place"), (2, "city"), (2, "country")))
    if kind != "place":
        return city(talk, "to") if kind == "city" else country(talk, "to")
    noun = talk.sampler.pick(NOUNS["place"])
    place = nps.noun_phrase(nps.THE, noun)
    phrase = rule("to/a <place>", "à/a <place>", place=place.phrase)
    return Nominal(phrase, place.agreement, (), "", noun.en)


def located_at(talk: Talk) -> Nominal:
    """Where something takes place: `at the hotel`, `in Paris`, `in France`."""
    kind = talk.sampler.weighted(((5, "place"), (3, "city"), (2, "country")))
    if kind != "place":
        return city(talk, "in") if kind == "city" else country(talk, "in")
    noun = talk.sampler.pick(NOUNS["place"])
    place = nps.noun_phrase(nps.THE, noun)
    phrase = rule("at/a <place>", "à/a <place>", place=place.phrase)
    return Nominal(phrase, place.agreement, (), "", noun.en)


def country(talk: Talk, en: str) -> Nominal:
    """A country with its preposition: `en` before feminine names and vowels, else `au`."""
    name, fr = talk.sampler.pick(little.COUNTRIES)
    masculine = fr.startswith("le ")
    bare = fr.removeprefix("le ").removeprefix("la ").removeprefix("l'")
    return Nominal(rule(f"{en}/a {name}/b", f"{'au' if masculine else 'en'}/a {bare}/b"), Agreement(), (), "", name)


def having(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Having something: `have a dog`."""
    kinds = ("thing", "clothes", "vehicle", "animal", "text", "writing", "furniture", "idea")
    noun = talk.sampler.pick((*of_kinds(kinds), *[one for one in NOUNS["event"] if one.en in ENGAGEMENTS]))
    several = noun.kind != "event" and talk.sampler.chance(0.3)
    positive = nps.SOME_PLURAL if several and talk.sampler.chance(0.5) else talk.count() if several else nps.A
    negative = nps.ANY_PLURAL if several else nps.NOT_A
    thing = nps.noun_phrase(negative if denied else positive, noun, talk.quality(noun, 0.4))
    return Doing(Predicate(HAVE, thing.phrase, (f"have+{noun.en}", *thing.combos)), True, "having", True)


ENGAGEMENTS = ("exam", "interview", "meeting", "lesson", "party", "flight", "wedding", "concert")


def language(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Speaking and learning languages: `speak French`, `learn French` (with the article in French)."""
    noun = talk.sampler.pick(NOUNS["language"])
    en, fr = talk.sampler.pick((("speak", "parler"), ("learn", "apprendre"), ("teach", "enseigner")))
    determiner = nps.BARE if en == "speak" else nps.GENERAL
    thing = nps.noun_phrase(determiner, noun)
    return Doing(Predicate(verb(en, fr), thing.phrase, (f"{en}+{noun.en}",)), False, "languages")


def playing(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Playing games and instruments: `jouer au football`, `jouer du piano`."""
    kind, determiner, preposition = talk.sampler.pick((("sport", nps.GENERAL, "à"), ("instrument", nps.THE, "de")))
    thing = nps.noun_phrase(determiner, talk.sampler.pick(NOUNS[kind]))
    chosen = replace(verb("play", "jouer"), preposition=preposition)
    return Doing(Predicate(chosen, thing.phrase, (f"{_who(subject)}+play+{thing.head}",)), False, "playing")


GIVEN = ("thing", "text", "writing", "clothes")


def giving(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Giving something to somebody, named or meant by a pronoun: `give her a book`, `lui donner un livre`."""
    en, fr = talk.sampler.pick((("give", "donner"), ("show", "montrer"), ("send", "envoyer"), ("lend", "prêter")))
    thing = talk.thing(GIVEN, denied, adjectives=0.15)
    combos = (f"{en}+{thing.head}", *thing.combos)
    if talk.sampler.chance(0.5):
        receiver = talk.someone()
        given = rule("<thing> to/p <who>", "<thing> à/p <who>", thing=thing.phrase, who=receiver.phrase)
        return Doing(Predicate(verb(en, fr), given, combos), False, "indirect object")
    person = talk.sampler.pick([one for one in talk.persons() if not _same(one.agreement, subject.agreement)])
    clitic = rule(f"{person.en_object}/c", f"{person.indirect}/c")
    return Doing(Predicate(verb(en, fr), thing.phrase, combos, clitic), False, "indirect object pronoun")


def needing(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Needing something: `avoir besoin de`."""
    noun = talk.sampler.pick(of_kinds(("thing", "vehicle", "clothes", "furniture")))
    determiner = talk.sampler.weighted(((3, nps.A), (2, nps.THIS), (2, talk.owner()), (1, nps.THESE)))
    thing = nps.noun_phrase(determiner, noun, talk.quality(noun, 0.2))
    return Doing(
        Predicate(verb("need", "avoir"), thing.phrase, (f"need+{noun.en}", *thing.combos)), True, "needing", True
    )


def living(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Living in a town or country: `habiter à Paris`."""
    place = country(talk, "in") if talk.sampler.chance(0.5) else city(talk, "in")
    return Doing(
        Predicate(verb("live", "habiter"), place.phrase, (f"live+{place.head}",)), True, "living somewhere", True
    )


def city(talk: Talk, en: str) -> Nominal:
    """A town with its preposition."""
    name, fr = talk.sampler.pick(little.CITIES)
    return Nominal(rule(f"{en}/a {name}/b", f"à/a {fr}/b"), Agreement(), (), "", name)


def relating(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """Thinking and talking about, and to, people and things."""
    en, fr, preposition = talk.sampler.pick(
        (("think about", "penser", "à"), ("talk about", "parler", "de"), ("talk to", "parler", "à"))
    )
    kinds = ("idea", "text", "writing", "show")
    thing = talk.someone() if en == "talk to" or talk.sampler.chance(0.4) else _definite(talk, kinds)
    chosen = replace(verb(en, fr), preposition=preposition)
    return Doing(Predicate(chosen, thing.phrase, (f"{en}+{thing.head}",)), False, "verb with preposition")


def _definite(talk: Talk, kinds: tuple[str, ...]) -> Nominal:
    noun = talk.sampler.pick(of_kinds(kinds))
    determiner = talk.sampler.weighted(((4, nps.THE), (3, nps.THIS), (2, talk.owner())))
    return nps.noun_phrase(determiner, noun)


def profession(talk: Talk, subject: Nominal, denied: bool) -> Doing:
    """What somebody does: French leaves the article out (`il est boulanger`)."""
    fitting = [one for one in NOUNS["person"] if one.en in PROFESSIONS and one.gender == subject.agreement.gender]
    if subject.agreement.plural or not fitting or subject.pronoun == "who":
        return mood(talk, subject, denied)
    noun = talk.sampler.pick(fitting)
    return Doing(
        Predicate(BE, rule(f"a/b {noun.en}/b", f"{noun.fr}/b"), (f"{_who(subject)}+{noun.en}",)),
        True,
        "profession",
        True,
    )


PROFESSIONS = frozenset(
    [
        "doctor",
        "teacher",
        "student",
        "nurse",
        "waiter",
        "waitress",
        "lawyer",
        "engineer",
        "baker",
        "policeman",
        "driver",
        "singer",
        "actor",
        "actress",
        "farmer",
        "dentist",
        "journalist",
    ]
)

WEIGHTS: tuple[tuple[float, Maker], ...] = (
    (10, transitive),
    (5, feeling),
    (3, with_pronoun),
    (4, ordinary),
    (4, mood),
    (2, sensation),
    (3, going),
    (2, having),
    (1.5, language),
    (1.5, playing),
    (3, giving),
    (1.5, needing),
    (1.2, living),
    (2, relating),
    (1, profession),
)


def lengthened(predicate: Predicate, more: Phrase) -> Predicate:
    """A predicate with something after it: a time, a place.

    Args:
        predicate: The predicate.
        more: What follows.

    Returns:
        The longer predicate.
    """
    return Predicate(predicate.verb, join(predicate.object, more), predicate.combos, predicate.clitic, predicate.moved)
