"""Random predicates of every kind, with nouns that suit their verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import MOODS, adjectives_for
from regard_phrasebook.en_fr.clauses import Predicate, with_object_pronoun
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.verbs import FEELING, ORDINARY, TRANSITIVE, find_verb
from regard_phrasebook.en_fr.words import Adjective, Agreement
from regard_phrasebook.engine.phrase import Phrase, join, pair, rule

BE = find_verb("be", "être")
HAVE = find_verb("have", "avoir")
GO = find_verb("go", "aller")


@dataclass(frozen=True, slots=True)
class ChosenPredicate:
    """A random predicate with its properties.

    Attributes:
        predicate: The predicate.
        state: Whether it is a state, which is used only in the simple tenses.
        construction: Name of the grammatical construction, such as `object pronoun`.
        timeless: Whether a time adverbial would be odd (hating honey on Mondays).
    """

    predicate: Predicate
    state: bool
    construction: str
    timeless: bool = False


Maker = Callable[[Context, Nominal, bool], ChosenPredicate]
"""Generates a predicate for a subject; the last argument is whether the clause is negated."""


def transitive(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random verb with a noun as object: `buy a red car`.

    Args:
        context: Source of the random choices within the sentence.
        subject: The subject; its noun is not chosen as object.
        negated: Whether the clause is negated; then `a` and `some` become French `de`.

    Returns:
        The predicate.
    """
    chosen = context.sampler.pick(TRANSITIVE)
    thing = context.thing(chosen.objects, negated)
    while thing.head == subject.head:
        thing = context.thing(chosen.objects, negated)
    combos = (f"{chosen.en}+{thing.head}", *thing.combos)
    return ChosenPredicate(Predicate(chosen, thing.phrase, combos), chosen.stative, "transitive verb")


def feeling(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random verb of liking with a generic object: `love music`; `subject` and `negated` have no effect."""
    chosen = context.sampler.pick(FEELING)
    thing = context.general(chosen.objects)
    return ChosenPredicate(
        Predicate(chosen, thing.phrase, (f"{chosen.en}+{thing.head}",)), True, "general article", True
    )


def with_pronoun(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random verb with a pronoun for a person other than `subject`: `see him`; `negated` has no effect."""
    chosen = context.sampler.pick([verb for verb in TRANSITIVE if {"person", "family"} & set(verb.objects)])
    fitting = [person for person in context.persons() if not _same(person.agreement, subject.agreement)]
    person = context.sampler.pick(fitting)
    predicate = with_object_pronoun(Predicate(chosen, combos=(f"{chosen.en}+{person.en_object}",)), person)
    return ChosenPredicate(predicate, chosen.stative, "object pronoun")


def _who(subject: Nominal) -> str:
    """The subject in a word combination, for predicates without another word to combine with."""
    return subject.pronoun or subject.head


def _same(first: Agreement, second: Agreement) -> bool:
    """Whether two persons are the same or overlap (I and we, him and he)."""
    return first.person == second.person and (first.person != 3 or first.plural == second.plural)


def ordinary(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random intransitive verb for `subject`: `sleep`, `get up`; `negated` has no effect."""
    chosen = context.sampler.pick(ORDINARY)
    name = "reflexive verb" if chosen.reflexive else "intransitive verb"
    return ChosenPredicate(Predicate(chosen, combos=(f"{_who(subject)}+{chosen.en} {chosen.particle}",)), False, name)


def resting(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random activity of `subject` that can last for hours: `sleep`, `walk`; `negated` has no effect."""
    chosen = context.sampler.pick([verb for verb in ORDINARY if f"{verb.en} {verb.particle}".strip() in LASTING])
    return ChosenPredicate(
        Predicate(chosen, combos=(f"{_who(subject)}+{chosen.en} {chosen.particle}",)), False, "intransitive verb"
    )


LASTING = ("sleep", "work", "run", "swim", "dance", "sing", "travel", "walk", "study", "rest", "cry")


def mood(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random mood or character, which agrees with `subject`: `be tired`; `negated` has no effect."""
    pool = MOODS if context.sampler.chance(0.6) else _CHARACTERS
    chosen: Adjective = context.sampler.pick(pool)
    adjective = pair(chosen.en, chosen.french(subject.agreement))
    return ChosenPredicate(Predicate(BE, adjective, (f"{_who(subject)}+{chosen.en}",)), True, "predicate adjective")


_CHARACTERS = adjectives_for("family")


def passing_mood(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random mood, which agrees with `subject` and can be a reason: `be sad`; `negated` has no effect."""
    chosen = context.sampler.pick(MOODS)
    adjective = pair(chosen.en, chosen.french(subject.agreement))
    return ChosenPredicate(Predicate(BE, adjective, (f"{_who(subject)}+{chosen.en}",)), True, "predicate adjective")


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


def sensation(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random sensation of `subject`: `be hungry`, in French `avoir faim`; `negated` has no effect."""
    state = context.sampler.pick(SENSATIONS)
    return ChosenPredicate(
        Predicate(_BE_HAVING, state, (f"{_who(subject)}+{state.src[0]}",)), True, "sensation with avoir"
    )


_BE_HAVING = find_verb("be", "avoir")


def going(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random movement to a destination: `go to the station`; `subject` and `negated` have no effect."""
    place = destination(context)
    return ChosenPredicate(Predicate(GO, place.phrase, (f"go+{place.head}",)), False, "going to a place")


def destination(context: Context, *, near: bool = False) -> Nominal:
    """Generates a random destination with its preposition: `à la gare`, `à Paris`, `en France`.

    Args:
        context: Source of the random choices within the sentence.
        near: Whether the destination must be in town: no other city or country.

    Returns:
        The place with its preposition.
    """
    kind = "place" if near else context.sampler.weighted(((6, "place"), (2, "city"), (2, "country")))
    if kind != "place":
        return city(context, "to") if kind == "city" else country(context, "to")
    noun = context.sampler.pick(NOUNS["place"])
    place = nps.noun_phrase(nps.THE, noun)
    phrase = rule("to/a <place>", "à/a <place>", place=place.phrase)
    return Nominal(phrase, place.agreement, (), "", noun.en)


def event_location(context: Context) -> Nominal:
    """Generates a random location of an event: `at the hotel`, `in Paris`, `in France`."""
    kind = context.sampler.weighted(((5, "place"), (3, "city"), (2, "country")))
    if kind != "place":
        return city(context, "in") if kind == "city" else country(context, "in")
    noun = context.sampler.pick(NOUNS["place"])
    place = nps.noun_phrase(nps.THE, noun)
    phrase = rule("at/a <place>", "à/a <place>", place=place.phrase)
    return Nominal(phrase, place.agreement, (), "", noun.en)


def country(context: Context, en: str) -> Nominal:
    """Generates a random country after a preposition: the argument `en`, in French `au` if masculine, else `en`."""
    name, fr = context.sampler.pick(little.COUNTRIES)
    masculine = fr.startswith("le ")
    bare = fr.removeprefix("le ").removeprefix("la ").removeprefix("l'")
    return Nominal(rule(f"{en}/a {name}/b", f"{'au' if masculine else 'en'}/a {bare}/b"), Agreement(), (), "", name)


def having(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random possession: `have a dog`, in French with `de` if `negated`; `subject` has no effect."""
    kinds = ("thing", "clothes", "vehicle", "animal", "text", "writing", "furniture", "idea")
    noun = context.sampler.pick((*of_kinds(kinds), *[noun for noun in NOUNS["event"] if noun.en in ENGAGEMENTS]))
    several = noun.kind != "event" and context.sampler.chance(0.3)
    positive = nps.SOME_PLURAL if several and context.sampler.chance(0.5) else context.count() if several else nps.A
    negative = nps.ANY_PLURAL if several else nps.NOT_A
    thing = nps.noun_phrase(negative if negated else positive, noun, context.quality(noun, 0.4))
    return ChosenPredicate(Predicate(HAVE, thing.phrase, (f"have+{noun.en}", *thing.combos)), True, "having", True)


ENGAGEMENTS = ("exam", "interview", "meeting", "lesson", "party", "flight", "wedding", "concert")


def language(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random predicate about a language: `speak French`; `subject` and `negated` have no effect."""
    noun = context.sampler.pick(NOUNS["language"])
    en, fr = context.sampler.pick((("speak", "parler"), ("learn", "apprendre"), ("teach", "enseigner")))
    determiner = nps.BARE if en == "speak" else nps.GENERAL
    thing = nps.noun_phrase(determiner, noun)
    return ChosenPredicate(Predicate(find_verb(en, fr), thing.phrase, (f"{en}+{noun.en}",)), False, "languages")


def playing(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random sport or instrument that `subject` plays: `jouer au football`; `negated` has no effect."""
    kind, determiner, preposition = context.sampler.pick((("sport", nps.GENERAL, "à"), ("instrument", nps.THE, "de")))
    thing = nps.noun_phrase(determiner, context.sampler.pick(NOUNS[kind]))
    chosen = replace(find_verb("play", "jouer"), preposition=preposition)
    return ChosenPredicate(Predicate(chosen, thing.phrase, (f"{_who(subject)}+play+{thing.head}",)), False, "playing")


GIVEN = ("thing", "text", "writing", "clothes")


def giving(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random verb with an indirect object, as a noun or a pronoun: `give her a book`.

    Args:
        context: Source of the random choices within the sentence.
        subject: The subject; an indirect object that is a pronoun is another person.
        negated: Whether the clause is negated; then `a` and `some` become French `de`.

    Returns:
        The predicate.
    """
    en, fr = context.sampler.pick((("give", "donner"), ("show", "montrer"), ("send", "envoyer"), ("lend", "prêter")))
    thing = context.thing(GIVEN, negated, adjectives=0.15)
    combos = (f"{en}+{thing.head}", *thing.combos)
    if context.sampler.chance(0.5):
        receiver = context.someone()
        given = rule("<thing> to/p <who>", "<thing> à/p <who>", thing=thing.phrase, who=receiver.phrase)
        return ChosenPredicate(Predicate(find_verb(en, fr), given, combos), False, "indirect object")
    person = context.sampler.pick(
        [person for person in context.persons() if not _same(person.agreement, subject.agreement)]
    )
    clitic = rule(f"{person.en_object}/c", f"{person.indirect}/c")
    return ChosenPredicate(Predicate(find_verb(en, fr), thing.phrase, combos, clitic), False, "indirect object pronoun")


def needing(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random need: `need a car`, French `avoir besoin de`; `subject` and `negated` have no effect."""
    noun = context.sampler.pick(of_kinds(("thing", "vehicle", "clothes", "furniture")))
    determiner = context.sampler.weighted(((3, nps.A), (2, nps.THIS), (2, context.owner()), (1, nps.THESE)))
    thing = nps.noun_phrase(determiner, noun, context.quality(noun, 0.2))
    return ChosenPredicate(
        Predicate(find_verb("need", "avoir"), thing.phrase, (f"need+{noun.en}", *thing.combos)), True, "needing", True
    )


def living(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random place of residence: `live in Paris`; `subject` and `negated` have no effect."""
    place = country(context, "in") if context.sampler.chance(0.5) else city(context, "in")
    return ChosenPredicate(
        Predicate(find_verb("live", "habiter"), place.phrase, (f"live+{place.head}",)), True, "living somewhere", True
    )


def city(context: Context, en: str) -> Nominal:
    """Generates a random city after a preposition: the argument `en` in English, `à` in French."""
    name, fr = context.sampler.pick(little.CITIES)
    return Nominal(rule(f"{en}/a {name}/b", f"à/a {fr}/b"), Agreement(), (), "", name)


def relating(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random verb with a preposition: `talk to Paul`; `subject` and `negated` have no effect."""
    en, fr, preposition = context.sampler.pick(
        (("think about", "penser", "à"), ("talk about", "parler", "de"), ("talk to", "parler", "à"))
    )
    kinds = ("idea", "text", "writing", "show")
    thing = context.someone() if en == "talk to" or context.sampler.chance(0.4) else _definite(context, kinds)
    chosen = replace(find_verb(en, fr), preposition=preposition)
    return ChosenPredicate(Predicate(chosen, thing.phrase, (f"{en}+{thing.head}",)), False, "verb with preposition")


def _definite(context: Context, kinds: tuple[str, ...]) -> Nominal:
    noun = context.sampler.pick(of_kinds(kinds))
    determiner = context.sampler.weighted(((4, nps.THE), (3, nps.THIS), (2, context.owner())))
    return nps.noun_phrase(determiner, noun)


def profession(context: Context, subject: Nominal, negated: bool) -> ChosenPredicate:
    """Generates a random profession; French omits the article (`il est boulanger`).

    Args:
        context: Source of the random choices within the sentence.
        subject: The subject, which has the gender of the profession. If it is plural or `who`, or no profession has its
            gender, a mood or character is generated instead.
        negated: Whether the clause is negated, which has no effect here.

    Returns:
        The predicate.
    """
    fitting = [noun for noun in NOUNS["person"] if noun.en in PROFESSIONS and noun.gender == subject.agreement.gender]
    if subject.agreement.plural or not fitting or subject.pronoun == "who":
        return mood(context, subject, negated)
    noun = context.sampler.pick(fitting)
    return ChosenPredicate(
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


def with_adjunct(predicate: Predicate, adjunct: Phrase) -> Predicate:
    """Appends an adjunct, such as a time or place, to a predicate.

    Args:
        predicate: The predicate.
        adjunct: The adjunct.

    Returns:
        The extended predicate.
    """
    return Predicate(
        predicate.verb, join(predicate.object, adjunct), predicate.combos, predicate.clitic, predicate.preceding_object
    )
