"""Shopping and eating: orders, prices, quantities."""

from __future__ import annotations

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Manner, Predicate, inverted_question, statement
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import giving, going, ordinary, playing, resting, transitive
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import random_clause
from regard_phrasebook.en_fr.verbs import TRANSITIVE, find_verb
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


def please(context: Context) -> Phrase:
    """Generates `please`, in French `s'il te plaît` or `s'il vous plaît`, depending on the addressee."""
    return rule("please/p", f"s'il/p {'vous' if context.addressee.plural else 'te'}/p plaît/p")


def measured(context: Context) -> Nominal:
    """Generates a random quantity of something: `a bottle of water`, `trop de sel`."""
    noun = context.sampler.pick(of_kinds(("drink", "dish")))
    pool = AMOUNTS if context.sampler.chance(0.5) else MEASURES if noun.kind == "drink" else PORTIONS
    measure = context.sampler.pick(pool)
    phrase = rule("<m> <n>", "<m> <n>", m=measure, n=pair(noun.en, noun.fr))
    return Nominal(phrase, Agreement(), (f"{measure.src[1 if len(measure.src) > 1 else 0]}+{noun.en}",), "", noun.en)


def order(context: Context) -> Sentence:
    """Generates a random polite order: `I would like some bread, please`."""
    thing = measured(context) if context.sampler.chance(0.4) else context.thing(ORDERED, False, 0.15)
    en, fr = context.sampler.pick((("I", "je"), ("I", "je"), ("we", "nous")))
    verb_form = "voudrions" if en == "we" else "voudrais"
    phrase = rule(f"{en}/i would/v like/v <it>", f"{fr}/i {verb_form}/v <it>", it=thing.phrase)
    combos = (f"order+{thing.head}", *thing.combos)
    if context.sampler.chance(0.6):
        phrase = rule("<s> +,/c <please>", "<s> +,/c <please>", s=phrase, please=please(context))
    return Sentence(phrase, ".", combos, ("ordering",))


ORDERED = ("food", "dish", "drink")
GOODS = ("clothes", "thing", "furniture", "text", "vehicle")


def price(context: Context) -> Sentence:
    """Generates a random question or statement about a price: `How much does this bag cost?`."""
    noun = context.sampler.pick(of_kinds(GOODS))
    several = context.sampler.chance(0.3)
    determiner = context.sampler.pick((nps.THESE, nps.THE_PLURAL) if several else (nps.THIS, nps.THE))
    thing = nps.noun_phrase(determiner, noun, context.quality(noun, 0.25))
    combos = (f"cost+{noun.en}", *thing.combos)
    cost = "coûtent" if several else "coûte"
    if context.sampler.chance(0.4):
        do = "do" if several else "does"
        phrase = rule(f"how/w much/w {do}/v <it> cost/v", f"combien/w {cost}/v <it>", it=thing.phrase)
        return Sentence(phrase, "?", combos, ("price",))
    en, fr = context.sampler.pick(little.NUMBERS[1:])
    phrase = rule(
        f"<it> {'cost' if several else 'costs'}/v <n> euros/e",
        f"<it> {cost}/v <n> euros/e",
        it=thing.phrase,
        n=pair(en, fr),
    )
    return Sentence(phrase, ".", combos, ("price",))


def quantity(context: Context) -> Sentence:
    """Generates a random statement about a quantity: `He drinks too much coffee`, `elle a plusieurs amis`."""
    subject = context.subject()
    if context.sampler.chance(0.6):
        thing = measured(context)
        kind = next(kind for kind in ("drink", "dish") if any(noun.en == thing.head for noun in NOUNS[kind]))
        chosen = context.sampler.pick(
            [verb for verb in TRANSITIVE if kind in verb.objects and verb.en in ("eat", "drink", "buy")]
        )
    else:
        noun = context.sampler.pick(of_kinds(("thing", "clothes", "animal", "text", "food")))
        measure = context.sampler.pick(MANY)
        body = rule("<m> <n>", "<m> <n>", m=measure, n=pair(noun.en_plural, noun.fr_plural))
        thing = Nominal(
            body, Agreement(3, True), (f"{measure.src[1 if len(measure.src) > 1 else 0]}+{noun.en}",), "", noun.en
        )
        chosen = find_verb("have", "avoir")
    predicate = Predicate(chosen, thing.phrase, (f"{chosen.en}+{thing.head}", *thing.combos))
    tense = context.sampler.pick(("present", "past", "future"))
    phrase = statement(subject, predicate, Manner(tense))
    return Sentence(phrase, ".", subject.combos + predicate.combos, ("quantity",))


def how_many(context: Context) -> Sentence:
    """Generates a random question: `How many books did you read?`; the French participle agrees with `books`."""
    chosen = context.sampler.pick((find_verb("have", "avoir"), *[verb for verb in TRANSITIVE if verb.en in COUNTED]))
    kinds = chosen.objects or ("thing", "animal", "text", "clothes")
    noun = context.sampler.pick([noun for noun in of_kinds(kinds) if not noun.mass])
    word = rule(
        f"how/w many/w {noun.en_plural.replace(' ', '/n ')}/n", f"combien/w de/w {noun.fr_plural.replace(' ', '/n ')}/n"
    )
    tense = (
        context.sampler.pick(("present", "future")) if chosen.en == "have" else context.sampler.pick(("past", "future"))
    )
    predicate = Predicate(chosen, combos=(f"{chosen.en}+{noun.en}",), preceding_object=Agreement(3, True, noun.gender))
    subject = context.question_subject()
    phrase = inverted_question(word, subject, predicate, Manner(tense))
    return Sentence(phrase, "?", predicate.combos, ("how many",))


COUNTED = ("buy", "sell", "eat", "read", "see", "find", "write", "choose", "visit", "bring")


def how_long(context: Context) -> Sentence:
    """Generates a random statement with a duration: `for two hours`, `il y a trois jours`, `in two days`."""
    frame = context.sampler.pick(("past", "past", "future"))
    unit, fr, _ = context.sampler.pick(UNITS)
    number, nombre = context.sampler.pick(little.NUMBERS[1:10])
    kinds = {"past": ("for", "ago"), "future": ("in", "for")}
    kind = context.sampler.pick(kinds[frame])
    duration = {
        "for": rule(f"for/p {number}/n {unit}/u", f"pendant/p {nombre}/n {fr}/u"),
        "ago": rule(f"{number}/n {unit}/u ago/p", f"il/p y/p a/p {nombre}/n {fr}/u"),
        "in": rule(f"in/p {number}/n {unit}/u", f"dans/p {nombre}/n {fr}/u"),
    }[kind]
    makers = LASTING if kind == "for" else HAPPENING
    clause = random_clause(context, frame=frame, time=0, negated=0, makers=makers)
    phrase = rule("<s> <d>", "<s> <d>", s=clause.sentence().phrase, d=duration)
    return Sentence(phrase, ".", clause.combos, ("duration", *clause.constructions))


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
