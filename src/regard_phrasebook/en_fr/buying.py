"""Shopping and eating: orders, prices, quantities."""

from __future__ import annotations

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Manner, Predicate, inverted, statement
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import giving, going, ordinary, playing, resting, transitive
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import said
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.en_fr.verbs import TRANSITIVE, verb
from regard_phrasebook.en_fr.words import Agreement
from regard_phrasebook.engine.phrase import Phrase, pair, rule

MEASURES = little.linked("""
a/a bottle/b of/c = une/a bouteille/b de/c
a/a glass/b of/c = un/a verre/b de/c
a/a cup/b of/c = une/a tasse/b de/c
a/a litre/b of/c = un/a litre/b de/c
""")
PORTIONS = little.linked("""
a/a piece/b of/c = un/a morceau/b de/c
a/a kilo/b of/c = un/a kilo/b de/c
a/a plate/b of/c = une/a assiette/b de/c
""")
AMOUNTS = little.linked("""
a/a lot/a of/b = beaucoup/a de/b
too/a much/a = trop/a de/a
enough/a = assez/a de/a
a/a little/b = un/a peu/b de/b
more/a = plus/a de/a
""")
MANY = little.linked("""
a/a lot/a of/b = beaucoup/a de/b
too/a many/a = trop/a de/a
enough/a = assez/a de/a
several/a = plusieurs/a
a/a few/a = quelques/a
""")


def please(talk: Talk) -> Phrase:
    """The polite word for the one who is spoken to."""
    return rule("please/p", f"s'il/p {'vous' if talk.addressee.plural else 'te'}/p plaît/p")


def measured(talk: Talk) -> Nominal:
    """A measure of something: `a bottle of water`, `trop de sel`."""
    noun = talk.sampler.pick(of_kinds(("drink", "dish")))
    pool = AMOUNTS if talk.sampler.chance(0.5) else MEASURES if noun.kind == "drink" else PORTIONS
    measure = talk.sampler.pick(pool)
    phrase = rule("<m> <n>", "<m> <n>", m=measure, n=pair(noun.en, noun.fr))
    return Nominal(phrase, Agreement(), (f"{measure.src[1 if len(measure.src) > 1 else 0]}+{noun.en}",), "", noun.en)


def order(talk: Talk) -> Sentence:
    """`I would like some bread, please`: wanting something politely."""
    thing = measured(talk) if talk.sampler.chance(0.4) else talk.thing(ORDERED, False, 0.15)
    en, fr = talk.sampler.pick((("I", "je"), ("I", "je"), ("we", "nous")))
    verb_form = "voudrions" if en == "we" else "voudrais"
    asked = rule(f"{en}/i would/v like/v <it>", f"{fr}/i {verb_form}/v <it>", it=thing.phrase)
    combos = (f"order+{thing.head}", *thing.combos)
    if talk.sampler.chance(0.6):
        asked = rule("<s> +,/c <please>", "<s> +,/c <please>", s=asked, please=please(talk))
    return Sentence(asked, ".", combos, ("ordering",))


ORDERED = ("food", "dish", "drink")
GOODS = ("clothes", "thing", "furniture", "text", "vehicle")


def price(talk: Talk) -> Sentence:
    """What something costs, asked and told."""
    noun = talk.sampler.pick(of_kinds(GOODS))
    several = talk.sampler.chance(0.3)
    determiner = talk.sampler.pick((nps.THESE, nps.THE_PLURAL) if several else (nps.THIS, nps.THE))
    thing = nps.noun_phrase(determiner, noun, talk.quality(noun, 0.25))
    combos = (f"cost+{noun.en}", *thing.combos)
    cost = "coûtent" if several else "coûte"
    if talk.sampler.chance(0.4):
        do = "do" if several else "does"
        phrase = rule(f"how/w much/w {do}/v <it> cost/v", f"combien/w {cost}/v <it>", it=thing.phrase)
        return Sentence(phrase, "?", combos, ("price",))
    en, fr = talk.sampler.pick(little.NUMBERS[1:])
    phrase = rule(
        f"<it> {'cost' if several else 'costs'}/v <n> euros/e",
        f"<it> {cost}/v <n> euros/e",
        it=thing.phrase,
        n=pair(en, fr),
    )
    return Sentence(phrase, ".", combos, ("price",))


def quantity(talk: Talk) -> Sentence:
    """`He drinks too much coffee`, `elle a plusieurs amis`."""
    subject = talk.subject()
    if talk.sampler.chance(0.6):
        thing = measured(talk)
        kind = next(kind for kind in ("drink", "dish") if any(one.en == thing.head for one in NOUNS[kind]))
        chosen = talk.sampler.pick(
            [one for one in TRANSITIVE if kind in one.objects and one.en in ("eat", "drink", "buy")]
        )
    else:
        noun = talk.sampler.pick(of_kinds(("thing", "clothes", "animal", "text", "food")))
        measure = talk.sampler.pick(MANY)
        body = rule("<m> <n>", "<m> <n>", m=measure, n=pair(noun.en_plural, noun.fr_plural))
        thing = Nominal(
            body, Agreement(3, True), (f"{measure.src[1 if len(measure.src) > 1 else 0]}+{noun.en}",), "", noun.en
        )
        chosen = verb("have", "avoir")
    predicate = Predicate(chosen, thing.phrase, (f"{chosen.en}+{thing.head}", *thing.combos))
    tense = talk.sampler.pick(("present", "past", "future"))
    phrase = statement(subject, predicate, Manner(tense))
    return Sentence(phrase, ".", subject.combos + predicate.combos, ("quantity",))


def how_many(talk: Talk) -> Sentence:
    """`How many books did you read?`: the French participle agrees with what stands before it."""
    chosen = talk.sampler.pick((verb("have", "avoir"), *[one for one in TRANSITIVE if one.en in COUNTED]))
    kinds = chosen.objects or ("thing", "animal", "text", "clothes")
    noun = talk.sampler.pick([one for one in of_kinds(kinds) if not one.mass])
    word = rule(
        f"how/w many/w {noun.en_plural.replace(' ', '/n ')}/n", f"combien/w de/w {noun.fr_plural.replace(' ', '/n ')}/n"
    )
    tense = talk.sampler.pick(("present", "future")) if chosen.en == "have" else talk.sampler.pick(("past", "future"))
    predicate = Predicate(chosen, combos=(f"{chosen.en}+{noun.en}",), moved=Agreement(3, True, noun.gender))
    subject = talk.asked_about()
    phrase = inverted(word, subject, predicate, Manner(tense))
    return Sentence(phrase, "?", predicate.combos, ("how many",))


COUNTED = ("buy", "sell", "eat", "read", "see", "find", "write", "choose", "visit", "bring")


def how_long(talk: Talk) -> Sentence:
    """For how long, how long ago, in how much time: `for two hours`, `il y a trois jours`."""
    frame = talk.sampler.pick(("past", "past", "future"))
    unit, fr, _ = talk.sampler.pick(UNITS)
    number, nombre = talk.sampler.pick(little.NUMBERS[1:10])
    kinds = {"past": ("for", "ago"), "future": ("in", "for")}
    kind = talk.sampler.pick(kinds[frame])
    duration = {
        "for": rule(f"for/p {number}/n {unit}/u", f"pendant/p {nombre}/n {fr}/u"),
        "ago": rule(f"{number}/n {unit}/u ago/p", f"il/p y/p a/p {nombre}/n {fr}/u"),
        "in": rule(f"in/p {number}/n {unit}/u", f"dans/p {nombre}/n {fr}/u"),
    }[kind]
    makers = LASTING if kind == "for" else HAPPENING
    one = said(talk, frame=frame, time=0, denied=0, makers=makers)
    phrase = rule("<s> <d>", "<s> <d>", s=one.sentence().phrase, d=duration)
    return Sentence(phrase, ".", one.combos, ("duration", *one.constructions))


LASTING = ((2, playing), (1, resting))
HAPPENING = ((3, transitive), (2, ordinary), (2, going), (1, giving))
UNITS = (
    ("hours", "heures", "f"),
    ("days", "jours", "m"),
    ("weeks", "semaines", "f"),
    ("months", "mois", "m"),
    ("years", "ans", "m"),
    ("minutes", "minutes", "f"),
)
