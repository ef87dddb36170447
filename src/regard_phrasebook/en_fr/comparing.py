"""Qualities of things: said, compared, and who owns what."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import going_with
from regard_phrasebook.en_fr.clauses import Manner, Predicate, be, statement, yes_no
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import BE
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.en_fr.words import Adjective, Agreement, Noun
from regard_phrasebook.engine.phrase import pair, rule

DESCRIBED = ("food", "dish", "clothes", "thing", "furniture", "text", "writing", "show", "vehicle", "place", "land")
DESCRIBED_ALSO = ("room", "home", "idea", "animal", "event")


def described_noun(talk: Talk) -> tuple[Noun, Adjective]:
    """A thing and a quality that it may have."""
    noun = talk.sampler.pick(of_kinds((*DESCRIBED, *DESCRIBED_ALSO)))
    return noun, talk.sampler.pick([one for one in going_with(noun.kind) if one.en not in ATTRIBUTIVE])


ATTRIBUTIVE = ("bad", "old", "young")


def introduced(talk: Talk, noun: Noun) -> Nominal:
    """A known thing as subject, sometimes one that belongs to somebody: `my brother's car`."""
    if noun.kind in ("place", "land", "show", "dish", "idea"):
        return nps.noun_phrase(talk.sampler.pick((nps.THE, nps.THIS)), noun)
    if talk.sampler.chance(0.15):
        return nps.belonging(noun, talk.someone())
    choices = ((4, nps.THE), (3, talk.owner()), (2, nps.THIS), (1, nps.THESE), (1, nps.THE_PLURAL), (1, talk.owners()))
    return nps.noun_phrase(talk.sampler.weighted(choices), noun)


def describing(talk: Talk) -> Sentence:
    """`The soup is cold`, and the question."""
    noun, adjective = described_noun(talk)
    thing = introduced(talk, noun)
    predicate = Predicate(BE, pair(adjective.en, adjective.french(thing.agreement)))
    combos = (f"{adjective.en}+{noun.en}", *thing.combos)
    if talk.sampler.chance(0.25):
        return Sentence(yes_no(thing, predicate, Manner()), "?", combos, ("description", "yes-no question"))
    negation = "not" if talk.sampler.chance(0.2) else ""
    adverb = talk.sampler.weighted(
        ((8, ("", "")), (3, ("very", "très")), (2, ("too", "trop")), (1, ("a bit", "un peu")))
    )
    if not negation and adjective.comparative:
        predicate = Predicate(BE, rule("<d> <a>", "<d> <a>", d=pair(*adverb), a=predicate.object))
    manner = Manner("present" if talk.sampler.chance(0.75) else "past", negation)
    return Sentence(statement(thing, predicate, manner), ".", combos, ("description",))


DEGREES = (("more", "plus"), ("less", "moins"), ("as", "aussi"))


def comparing(talk: Talk) -> Sentence:
    """`Paul is taller than Marie`, `this car is less expensive than the train`."""
    if talk.sampler.chance(0.5):
        one, other = talk.third(), talk.someone()
        fitting = [quality for quality in going_with("family") if quality.comparative and quality.en != "old"]
        adjective = talk.sampler.pick(fitting)
        kind = "person"
    else:
        kind = talk.sampler.pick(("clothes", "furniture", "vehicle", "text", "animal", "home", "land"))
        fitting = [quality for quality in going_with(kind) if quality.comparative and quality.en not in ("good", "bad")]
        adjective = talk.sampler.pick(fitting)
        first, second = talk.sampler.pick(NOUNS[kind]), talk.sampler.pick(NOUNS[kind])
        one, other = introduced(talk, first), introduced(talk, second)
    if one.head == other.head:
        return describing(talk)
    agreed = adjective.french(one.agreement)
    degree, plus = talk.sampler.pick(DEGREES)
    words = {
        "more": f"{adjective.comparative.replace(' ', '/d ')}/a than/t",
        "less": f"less/d {adjective.en}/a than/t",
        "as": f"as/d {adjective.en}/a as/t",
    }[degree]
    if degree == "more" and " " not in adjective.comparative:
        words = f"{adjective.comparative}/da than/t"
    verb = conjugate("être").present[one.agreement.index]
    phrase = rule(
        f"<one> {be(one.agreement)}/v {words} <other>",
        f"<one> {verb}/v {plus}/d {agreed}/a que/t <other>",
        one=one.phrase,
        other=other.phrase,
    )
    combos = (f"{adjective.en}+{one.head}", f"{degree} {adjective.en}+{other.head}", *one.combos, *other.combos)
    return Sentence(phrase, ".", combos, ("comparative",))


SUPERLATIVE_KINDS = ("land", "place", "home", "vehicle", "clothes")


def superlative(talk: Talk) -> Sentence:
    """`It is the most beautiful island in Greece`, `c'est la plus belle île de Grèce`; or `in the town`."""
    noun = talk.sampler.pick(of_kinds(SUPERLATIVE_KINDS))
    adjective = talk.sampler.pick(
        [one for one in going_with(noun.kind) if one.comparative and one.en not in ("new", "bad", "good")]
    )
    thing = Agreement(3, False, noun.gender)
    article = nps.article(thing)
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
        area = talk.sampler.pick(("town", "village"))
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
"""What one compares within a country."""


def identifying(talk: Talk) -> Sentence:
    """`It is a good idea`, `those are my shoes`, `is it your bag?`."""
    noun = talk.sampler.pick(of_kinds((*DESCRIBED, *DESCRIBED_ALSO)))
    plural = not noun.mass and noun.kind in ("clothes", "thing", "animal") and talk.sampler.chance(0.25)
    if plural:
        thing = nps.noun_phrase(talk.owners(), noun, talk.quality(noun, 0.2))
        phrase = rule("those/i are/v <it>", "ce/i sont/v <it>", it=thing.phrase)
        return Sentence(phrase, ".", (f"it is+{noun.en}", *thing.combos), ("identification",))
    determiner = (
        talk.owner() if noun.mass or (talk.sampler.chance(0.4) and noun.kind in ("clothes", "thing")) else nps.A
    )
    thing = nps.noun_phrase(determiner, noun, talk.quality(noun, 0.6))
    combos = (f"it is+{noun.en}", *thing.combos)
    if talk.sampler.chance(0.25):
        phrase = rule("is/qv it/i <it>", "est-ce/q que/q c'est/iv <it>", it=thing.phrase)
        return Sentence(phrase, "?", combos, ("identification", "yes-no question"))
    if talk.sampler.chance(0.2):
        phrase = rule("it/i is/v not/n <it>", "ce/in n'est/inv pas/n <it>", it=thing.phrase)
        return Sentence(phrase, ".", combos, ("identification",))
    return Sentence(rule("it/i is/v <it>", "c'est/iv <it>", it=thing.phrase), ".", combos, ("identification",))


def whose(talk: Talk) -> Sentence:
    """`Whose bag is this?`, `this bag is Anna's`: belonging with être à."""
    noun = talk.sampler.pick(of_kinds(("thing", "clothes", "vehicle", "text")))
    thing = nps.noun_phrase(nps.THIS, noun, talk.quality(noun, 0.25))
    if talk.sampler.chance(0.3):
        body = " ".join(f"{word}/n" for word in thing.phrase.src[1:])
        if thing.combos:
            return Sentence(
                rule("where/w is/v <it>", "où/w est/v <it>", it=thing.phrase), "?", thing.combos, ("where is",)
            )
        french = " ".join(f"{word}/n" for word in thing.phrase.tgt[1:])
        phrase = rule(f"whose/w {body} is/v this/t", f"à/w qui/w est/v {thing.phrase.tgt[0]}/t {french}")
        return Sentence(phrase, "?", (f"whose+{noun.en}",), ("belonging",))
    owner = talk.someone()
    phrase = rule("<it> is/v <who> +'s/s", "<it> est/v à/s <who>", it=thing.phrase, who=owner.phrase)
    return Sentence(phrase, ".", (f"{owner.head}'s+{noun.en}", *thing.combos), ("belonging",))
