"""Descriptions, comparisons and possession."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import adjectives_for
from regard_phrasebook.en_fr.clauses import Manner, Predicate, be, statement, yes_no_question
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import BE
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.words import Adjective, Agreement, Noun
from regard_phrasebook.engine.phrase import pair, rule

DESCRIBED = ("food", "dish", "clothes", "thing", "furniture", "text", "writing", "show", "vehicle", "place", "land")
DESCRIBED_ALSO = ("room", "home", "idea", "animal", "event")


def described_noun(context: Context) -> tuple[Noun, Adjective]:
    """Generates a random noun, and a random adjective that can describe it."""
    noun = context.sampler.pick(of_kinds((*DESCRIBED, *DESCRIBED_ALSO)))
    return noun, context.sampler.pick(
        [adjective for adjective in adjectives_for(noun.kind) if adjective.en not in ATTRIBUTIVE]
    )


ATTRIBUTIVE = ("bad", "old", "young")


def introduced(context: Context, noun: Noun) -> Nominal:
    """Generates a noun phrase from a noun, with a random determiner or owner: `this car`, `my brother's car`."""
    if noun.kind in ("place", "land", "show", "dish", "idea"):
        return nps.noun_phrase(context.sampler.pick((nps.THE, nps.THIS)), noun)
    if context.sampler.chance(0.15):
        return nps.genitive(noun, context.someone())
    choices = (
        (4, nps.THE),
        (3, context.owner()),
        (2, nps.THIS),
        (1, nps.THESE),
        (1, nps.THE_PLURAL),
        (1, context.owners()),
    )
    return nps.noun_phrase(context.sampler.weighted(choices), noun)


def describing(context: Context) -> Sentence:
    """Generates a random description, as a statement or a question: `The soup is cold`."""
    noun, adjective = described_noun(context)
    thing = introduced(context, noun)
    predicate = Predicate(BE, pair(adjective.en, adjective.french(thing.agreement)))
    combos = (f"{adjective.en}+{noun.en}", *thing.combos)
    if context.sampler.chance(0.25):
        return Sentence(yes_no_question(thing, predicate, Manner()), "?", combos, ("description", "yes-no question"))
    negation = "not" if context.sampler.chance(0.2) else ""
    adverb = context.sampler.weighted(
        ((8, ("", "")), (3, ("very", "très")), (2, ("too", "trop")), (1, ("a bit", "un peu")))
    )
    if not negation and adjective.comparative:
        predicate = Predicate(BE, rule("<d> <a>", "<d> <a>", d=pair(*adverb), a=predicate.object))
    manner = Manner("present" if context.sampler.chance(0.75) else "past", negation)
    return Sentence(statement(thing, predicate, manner), ".", combos, ("description",))


DEGREES = (("more", "plus"), ("less", "moins"), ("as", "aussi"))


def comparing(context: Context) -> Sentence:
    """Generates a random comparison: `Paul is taller than Marie`, `this car is less expensive than the train`."""
    if context.sampler.chance(0.5):
        first, second = context.third(), context.someone()
        fitting = [quality for quality in adjectives_for("family") if quality.comparative and quality.en != "old"]
        adjective = context.sampler.pick(fitting)
        kind = "person"
    else:
        kind = context.sampler.pick(("clothes", "furniture", "vehicle", "text", "animal", "home", "land"))
        fitting = [
            quality for quality in adjectives_for(kind) if quality.comparative and quality.en not in ("good", "bad")
        ]
        adjective = context.sampler.pick(fitting)
        nouns = context.sampler.pick(NOUNS[kind]), context.sampler.pick(NOUNS[kind])
        first, second = introduced(context, nouns[0]), introduced(context, nouns[1])
    if first.head == second.head:
        return describing(context)
    agreed = adjective.french(first.agreement)
    degree, plus = context.sampler.pick(DEGREES)
    words = {
        "more": f"{adjective.comparative.replace(' ', '/d ')}/a than/t",
        "less": f"less/d {adjective.en}/a than/t",
        "as": f"as/d {adjective.en}/a as/t",
    }[degree]
    if degree == "more" and " " not in adjective.comparative:
        words = f"{adjective.comparative}/da than/t"
    verb = conjugate("être").present[first.agreement.index]
    phrase = rule(
        f"<first> {be(first.agreement)}/v {words} <second>",
        f"<first> {verb}/v {plus}/d {agreed}/a que/t <second>",
        first=first.phrase,
        second=second.phrase,
    )
    combos = (f"{adjective.en}+{first.head}", f"{degree} {adjective.en}+{second.head}", *first.combos, *second.combos)
    return Sentence(phrase, ".", combos, ("comparative",))


SUPERLATIVE_KINDS = ("land", "place", "home", "vehicle", "clothes")


def superlative(context: Context) -> Sentence:
    """Generates a random sentence with a superlative: `It is the most beautiful island in the country`."""
    noun = context.sampler.pick(of_kinds(SUPERLATIVE_KINDS))
    adjective = context.sampler.pick(
        [
            adjective
            for adjective in adjectives_for(noun.kind)
            if adjective.comparative and adjective.en not in ("new", "bad", "good")
        ]
    )
    thing = Agreement(3, False, noun.gender)
    article = nps.definite_article(thing)
    agreed = adjective.french(thing)
    most = adjective.superlative
    words = f"{most.replace(' ', '/s ')}/a" if " " in most else f"{most}/sa"
    head, tete = noun.en.replace(" ", "/n ") + "/n", noun.fr.replace(" ", "/n ") + "/n"
    french = (
        f"{article}/t plus/s {agreed}/a {tete}"
        if adjective.before
        else f"{article}/t {tete} {article}/s plus/s {agreed}/a"
    )
    within = rule("in/p the/d world/w", "de/p le/d monde/w")
    if noun.kind in ("land", "place", "home"):
        area = context.sampler.pick(("town", "village"))
        within = (
            rule("in/p the/d town/w", "de/p la/d ville/w")
            if area == "town"
            else rule("in/p the/d village/w", "de/p le/d village/w")
        )
    if noun.en in WIDE:
        within = rule("in/p the/d country/w", "de/p le/d pays/w")
    phrase = rule(f"it/i is/v the/t {words} {head} <in>", f"c'est/iv {french} <in>", **{"in": within})
    return Sentence(phrase, ".", (f"{adjective.en}+{noun.en}",), ("superlative",))


WIDE = ("town", "village", "lake", "mountain", "river", "forest", "island")
"""Nouns that are compared within a country."""


def identifying(context: Context) -> Sentence:
    """Generates a random identification: `It is a good idea`, `those are my shoes`, `is it your bag?`."""
    noun = context.sampler.pick(of_kinds((*DESCRIBED, *DESCRIBED_ALSO)))
    plural = not noun.mass and noun.kind in ("clothes", "thing", "animal") and context.sampler.chance(0.25)
    if plural:
        thing = nps.noun_phrase(context.owners(), noun, context.quality(noun, 0.2))
        phrase = rule("those/i are/v <it>", "ce/i sont/v <it>", it=thing.phrase)
        return Sentence(phrase, ".", (f"it is+{noun.en}", *thing.combos), ("identification",))
    determiner = (
        context.owner() if noun.mass or (context.sampler.chance(0.4) and noun.kind in ("clothes", "thing")) else nps.A
    )
    thing = nps.noun_phrase(determiner, noun, context.quality(noun, 0.6))
    combos = (f"it is+{noun.en}", *thing.combos)
    if context.sampler.chance(0.25):
        phrase = rule("is/qv it/i <it>", "est-ce/q que/q c'est/iv <it>", it=thing.phrase)
        return Sentence(phrase, "?", combos, ("identification", "yes-no question"))
    if context.sampler.chance(0.2):
        phrase = rule("it/i is/v not/n <it>", "ce/in n'est/inv pas/n <it>", it=thing.phrase)
        return Sentence(phrase, ".", combos, ("identification",))
    return Sentence(rule("it/i is/v <it>", "c'est/iv <it>", it=thing.phrase), ".", combos, ("identification",))


def whose(context: Context) -> Sentence:
    """Generates a random statement or question about possession: `Whose bag is this?`, `this bag is Anna's`."""
    noun = context.sampler.pick(of_kinds(("thing", "clothes", "vehicle", "text")))
    thing = nps.noun_phrase(nps.THIS, noun, context.quality(noun, 0.25))
    if context.sampler.chance(0.3):
        body = " ".join(f"{word}/n" for word in thing.phrase.src[1:])
        if thing.combos:
            return Sentence(
                rule("where/w is/v <it>", "où/w est/v <it>", it=thing.phrase), "?", thing.combos, ("where is",)
            )
        french = " ".join(f"{word}/n" for word in thing.phrase.tgt[1:])
        phrase = rule(f"whose/w {body} is/v this/t", f"à/w qui/w est/v {thing.phrase.tgt[0]}/t {french}")
        return Sentence(phrase, "?", (f"whose+{noun.en}",), ("belonging",))
    owner = context.someone()
    phrase = rule("<it> is/v <who> +'s/s", "<it> est/v à/s <who>", it=thing.phrase, who=owner.phrase)
    return Sentence(phrase, ".", (f"{owner.head}'s+{noun.en}", *thing.combos), ("belonging",))
