"""Locations and directions: where things are, what there is, how to get there."""

from __future__ import annotations

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import be
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import city, country, destination
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.engine.phrase import EMPTY, Phrase, pair, rule

BESIDE = little.linked("""
next/a to/b = à/a côté/a de/b
opposite/a = en/a face/a de/a
behind/a = derrière/a
in/a front/a of/a = devant/a
near/a = près/a de/a
far/a from/b = loin/a de/b
""")

UPON = little.linked("""
on/a = sur/a
under/a = sous/a
behind/a = derrière/a
next/a to/b = à/a côté/a de/b
in/a front/a of/a = devant/a
""")

INSIDE = (rule("in/a", "dans/a"),)


def building(context: Context) -> Nominal:
    """Generates a random building or other place as a definite noun phrase."""
    noun = context.sampler.pick(NOUNS["place"])
    return nps.noun_phrase(nps.THE, noun, context.quality(noun, 0.12))


def where_is(context: Context) -> Sentence:
    """Generates a random question about a location: `Where is the station?`, `où est la gare ?`."""
    kind = context.sampler.weighted(((5, "place"), (4, "thing"), (2, "person")))
    if kind == "place":
        thing = building(context)
    elif kind == "person":
        thing = context.third()
    else:
        noun = context.sampler.pick(of_kinds(("thing", "clothes", "text", "furniture", "room", "home")))
        determiner = context.sampler.one_of(lambda: nps.THE, context.owner, context.owners, lambda: nps.THE_PLURAL)
        thing = nps.noun_phrase(determiner, noun, context.quality(noun, 0.2))
    verb = "sont" if thing.agreement.plural else "est"
    phrase = rule(f"where/w {be(thing.agreement)}/v <it>", f"où/w {verb}/v <it>", it=thing.phrase)
    if kind == "place" and context.sampler.chance(0.3):
        please = "vous" if context.addressee.plural else "te"
        phrase = rule("<s> +,/c please/p", f"<s> +,/c s'il/p {please}/p plaît/p", s=phrase)
    return Sentence(phrase, "?", (f"where is+{thing.head}", *thing.combos), ("where is",))


def random_location(context: Context, *, people: bool = False) -> tuple[Phrase, tuple[str, ...]]:
    """Generates a random location: on a piece of furniture, in a room or bag.

    Args:
        context: Source of the random choices within the sentence.
        people: Whether the location is for people, who can only be in rooms.

    Returns:
        The phrase and its word combinations.
    """
    if not people and context.sampler.chance(0.5):
        noun = context.sampler.pick(NOUNS["furniture"])
        preposition = context.sampler.pick(UPON)
    else:
        containers = [noun for noun in NOUNS["thing"] if noun.en in CONTAINERS and not people]
        noun = context.sampler.pick((*NOUNS["room"], *containers))
        preposition = INSIDE[0]
    there = nps.noun_phrase(context.sampler.weighted(((4, nps.THE), (1, context.owner()))), noun)
    phrase = rule("<p> <it>", "<p> <it>", p=preposition, it=there.phrase)
    return phrase, (f"{preposition.src[0]}+{noun.en}",)


CONTAINERS = ("bag", "box", "suitcase")


def located(context: Context) -> Sentence:
    """Generates a random statement about a location: `The bank is next to the museum`, `the key is on the table`."""
    if context.sampler.chance(0.5):
        return _building_located(context)
    noun = context.sampler.pick(of_kinds(("thing", "text", "writing", "clothes", "animal", "food")))
    fitting = context.sampler.one_of(lambda: nps.THE, context.owner, context.owners, lambda: nps.THE_PLURAL)
    thing = nps.noun_phrase(fitting, noun, context.quality(noun, 0.2))
    where, combos = random_location(context)
    if noun.en in where.src:
        where, combos = rule("here/a", "ici/a"), ()
    return _is_at(thing, where, (*combos, f"{noun.en}+{where.src[-1]}"))


def _building_located(context: Context) -> Sentence:
    first, second = building(context), building(context)
    while first.head == second.head:
        second = building(context)
    preposition = context.sampler.pick(BESIDE)
    where = rule("<p> <it>", "<p> <it>", p=preposition, it=second.phrase)
    if context.sampler.chance(0.15):
        third = building(context)
        if third.head not in (first.head, second.head):
            parts = {"a": second.phrase, "b": third.phrase}
            where = rule("between/p <a> and/e <b>", "entre/p <a> et/e <b>", **parts)
    elif context.sampler.chance(0.2):
        en, fr = context.sampler.pick(little.NUMBERS[1:20])
        where = rule(f"{en}/n minutes/m from/f <it>", f"à/f {fr}/n minutes/m de/f <it>", it=second.phrase)
    return _is_at(first, where, (f"{first.head}@{second.head}", *second.combos))


def _is_at(thing: Nominal, where: Phrase, combos: tuple[str, ...]) -> Sentence:
    verb = "sont" if thing.agreement.plural else "est"
    phrase = rule(f"<it> {be(thing.agreement)}/v <where>", f"<it> {verb}/v <where>", it=thing.phrase, where=where)
    return Sentence(phrase, ".", (*combos, *thing.combos), ("location",))


def there_is(context: Context) -> Sentence:
    """Generates a random statement with `il y a`, affirmative or negative: `There are three dogs in the garden`."""
    noun = context.sampler.pick(of_kinds(("thing", "animal", "food", "dish", "person", "furniture", "text", "drink")))
    negated = context.sampler.chance(0.3)
    if noun.mass:
        determiner = nps.ANY if negated else nps.SOME
    elif context.sampler.chance(0.5):
        determiner = nps.NOT_A if negated else nps.A
    else:
        determiner = nps.ANY_PLURAL if negated else context.sampler.pick((nps.SOME_PLURAL, context.count()))
    thing = nps.noun_phrase(determiner, noun, context.quality(noun, 0.25))
    where, combos = (
        random_location(context, people=noun.kind == "person") if context.sampler.chance(0.8) else (EMPTY, ())
    )
    if noun.en in where.src:
        where, combos = EMPTY, ()
    verb = "are" if thing.agreement.plural else "is"
    no, ne, pas = ("not/n", "n'+/n", "pas/n") if negated else ("", "", "")
    phrase = rule(
        f"there/t {verb}/v {no} <it> <where>", f"il/t {ne} y/t a/v {pas} <it> <where>", it=thing.phrase, where=where
    )
    return Sentence(phrase, ".", (f"there is+{noun.en}", *thing.combos, *combos), ("there is",))


TURNS = (("left", "gauche"), ("right", "droite"))


def directions(context: Context) -> Sentence:
    """Generates random directions: `take the second street on the left`."""
    plural = context.addressee.plural
    side, gauche = context.sampler.pick(TURNS)
    kind = context.sampler.weighted(((3, "take"), (3, "turn"), (1, "straight"), (2, "cross")))
    if kind == "take":
        first, premier = context.sampler.pick(little.ORDINALS[:6])
        premier = "première" if premier == "premier" else premier
        phrase = rule(
            f"take/t the/d {first}/o street/s on/p the/p {side}/x",
            f"{'prenez' if plural else 'prends'}/t la/d {premier}/o rue/s à/p {gauche}/x",
        )
        return Sentence(phrase, ".", (f"{first}+{side}",), ("telling the way",))
    place = building(context)
    combos = (f"{kind}+{place.head}", *place.combos)
    if kind == "straight":
        go = "allez" if plural else "va"
        templates = ("go/g straight/s ahead/s to/p <it>", f"{go}/g tout/s droit/s jusqu'+/p à/p <it>")
    elif kind == "turn":
        before, avant = context.sampler.pick((("before", "avant"), ("after", "après")))
        turn = "tournez" if plural else "tourne"
        templates = (f"turn/t {side}/x {before}/b <it>", f"{turn}/t à/x {gauche}/x {avant}/b <it>")
    else:
        noun = context.sampler.pick(
            [noun for noun in NOUNS["land"] if noun.en in ("bridge", "street", "river", "garden")]
        )
        place = nps.noun_phrase(nps.THE, noun, context.quality(noun, 0.2))
        combos = (f"cross+{noun.en}+{side}", *place.combos)
        cross, turn = ("traversez", "tournez") if plural else ("traverse", "tourne")
        templates = (f"cross/c <it> and/a turn/t {side}/x", f"{cross}/c <it> et/a {turn}/t à/x {gauche}/x")
    return Sentence(rule(*templates, it=place.phrase), ".", combos, ("telling the way",))


def how_to_get(context: Context) -> Sentence:
    """Generates a random question about the way: `How can I get to the station?`."""
    place = destination(context)
    who, je, peux = context.sampler.pick((("I", "je", "peux"), ("we", "nous", "pouvons")))
    phrase = rule(
        f"how/h can/mq {who}/w get/g <place>",
        f"comment/h est-ce/q que/q {je}/w {peux}/m aller/g <place>",
        place=place.phrase,
    )
    return Sentence(phrase, "?", (f"get+{place.head}",), ("how to get",))


def traveling(context: Context) -> Sentence:
    """Generates a random statement about a means of travel: `We are going to Rome by train`, `en train`."""
    far = context.sampler.chance(0.5)
    place = context.sampler.pick((country, city))(context, "to") if far else destination(context, near=True)
    fitting = ("train", "plane", "boat", "car") if far else ("bus", "tram", "taxi", "car")
    noun = context.sampler.pick([noun for noun in NOUNS["vehicle"] if noun.en in fitting])
    who = context.subject()
    verb = conjugate("aller").present[who.agreement.index]
    phrase = rule(
        f"<who> {be(who.agreement)}/v going/v <place> by/b {noun.en}/n",
        f"<who> {verb}/v <place> en/b {noun.fr}/n",
        who=who.phrase,
        place=place.phrase,
    )
    return Sentence(phrase, ".", (f"go+{place.head}", f"by+{noun.en}", *who.combos), ("means of travel",))


def distant(context: Context) -> Sentence:
    """Generates a random question about a place: `Is the museum far from here?`, `is the bank open?`."""
    thing = building(context)
    suffix = "e" if thing.agreement.gender == "f" else ""
    states = (rule("far/a from/b here/c", "loin/a d'+/b ici/c"), pair("open", "ouvert" + suffix))
    state = context.sampler.pick((*states, pair("closed", "fermé" + suffix)))
    phrase = rule("is/qv <it> <a>", "est-ce/q que/q <it> est/v <a>", it=thing.phrase, a=state)
    return Sentence(phrase, "?", (f"is+{thing.head}+{state.src[0]}", *thing.combos), ("asking about a place",))
