"""Relative clauses: qui, que, où."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import going_with
from regard_phrasebook.en_fr.clauses import Manner, Predicate, be, statement
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import BE, Doing, mood, profession
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import said, said_of
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.en_fr.verbs import TRANSITIVE, verb
from regard_phrasebook.en_fr.words import Agreement
from regard_phrasebook.engine.phrase import pair, rule

BOUGHT = (
    "buy",
    "find",
    "lose",
    "read",
    "choose",
    "sell",
    "bring",
    "watch",
    "write",
    "forget",
    "break",
    "repair",
    "use",
)
STAYED = (
    ("live", "habiter", ("town", "village", "street", "house", "flat", "castle", "island")),
    ("work", "travailler", ("town", "school", "hospital", "office", "bank", "library", "restaurant", "shop")),
    ("eat", "manger", ("restaurant", "kitchen", "hotel", "garden", "park")),
    ("sleep", "dormir", ("bedroom", "hotel", "house", "castle")),
)


def who_does(talk: Talk) -> Nominal:
    """`the woman who lives in Rome`."""
    noun = talk.sampler.pick(NOUNS["person"])
    head = nps.noun_phrase(talk.sampler.weighted(((5, nps.THE), (1, nps.THE_PLURAL))), noun)
    who = Nominal(pair("who", "qui"), head.agreement, (), "", noun.en)
    clause = said(talk, subject=who, frame=talk.sampler.pick(("present", "past")), time=0.15, denied=0.1)
    phrase = rule("<head> <clause>", "<head> <clause>", head=head.phrase, clause=clause.sentence().phrase)
    return Nominal(phrase, head.agreement, (*head.combos, *clause.combos), "", noun.en)


def that_one(talk: Talk) -> tuple[Nominal, str]:
    """`the house that we bought`, and its kind: the French participle agrees with the noun before it."""
    chosen = talk.sampler.pick([one for one in TRANSITIVE if one.en in BOUGHT])
    noun = talk.sampler.pick([one for one in of_kinds(chosen.objects) if one.kind not in ("person", "family")])
    several = not noun.mass and talk.sampler.chance(0.2)
    head = nps.noun_phrase(nps.THE_PLURAL if several else nps.THE, noun, talk.quality(noun, 0.12))
    subject = talk.subject()
    tense = talk.sampler.pick(("past", "past", "past", "future", "want"))
    predicate = Predicate(chosen, combos=(f"{chosen.en}+{noun.en}",), moved=Agreement(3, several, noun.gender))
    clause = statement(subject, predicate, Manner(tense))
    phrase = rule("<head> that/t <clause>", "<head> que/t <clause>", head=head.phrase, clause=clause)
    combos = (*head.combos, *subject.combos, *predicate.combos)
    return Nominal(phrase, head.agreement, combos, "", noun.en), noun.kind


def where_one(talk: Talk) -> tuple[Nominal, str]:
    """`the town where I live`, and its kind."""
    en, fr, places = talk.sampler.pick(STAYED)
    noun = talk.sampler.pick([one for nouns in NOUNS.values() for one in nouns if one.en in places])
    head = nps.noun_phrase(nps.THE, noun, talk.quality(noun, 0.1))
    subject = talk.subject()
    tense = talk.sampler.pick(("present", "present", "past", "future"))
    clause = statement(subject, Predicate(verb(en, fr)), Manner(tense))
    phrase = rule("<head> where/w <clause>", "<head> où/w <clause>", head=head.phrase, clause=clause)
    return Nominal(
        phrase, head.agreement, (*head.combos, *subject.combos, f"{en} in+{noun.en}"), "", noun.en
    ), noun.kind


def relative_subject(talk: Talk) -> Sentence:
    """A sentence whose subject has a relative clause: `the man who works here is tired`."""
    kind = talk.sampler.pick(("who", "that", "where"))
    if kind == "who":
        who = who_does(talk)
        made: Doing = talk.sampler.pick((mood, mood, profession))(talk, who, False)
        phrase = statement(who, made.predicate, Manner(talk.sampler.pick(("present", "past"))))
        return Sentence(phrase, ".", (*who.combos, *made.predicate.combos), ("relative clause with qui",))
    thing, noun_kind = that_one(talk) if kind == "that" else where_one(talk)
    adjective = talk.sampler.pick(going_with(noun_kind))
    predicate = Predicate(BE, pair(adjective.en, adjective.french(thing.agreement)))
    phrase = statement(thing, predicate, Manner(talk.sampler.pick(("present", "past"))))
    name = "relative clause with que" if kind == "that" else "relative clause with où"
    return Sentence(phrase, ".", (*thing.combos, f"{adjective.en}+{thing.head}"), (name,))


def relative_object(talk: Talk) -> Sentence:
    """A sentence whose object has a relative clause: `I know a woman who speaks German`."""
    subject = talk.subject()
    if talk.sampler.chance(0.5):
        who = who_does(talk)
        en, fr = talk.sampler.pick(
            (("know", "connaître"), ("know", "connaître"), ("meet", "rencontrer"), ("see", "voir"))
        )
        chosen = verb(en, fr) if en == "know" else next(one for one in TRANSITIVE if one.en == en)
        manner = Manner("present" if en == "know" else talk.sampler.pick(("past", "going")))
        predicate = Predicate(chosen, who.phrase, (f"{en}+{who.head}", *who.combos))
        return said_of(subject, predicate, manner, "relative clause with qui")
    thing, _ = that_one(talk)
    en, fr = talk.sampler.pick(
        (("like", "aimer"), ("find", "trouver"), ("look for", "chercher"), ("forget", "oublier"))
    )
    pool = [one for one in TRANSITIVE if f"{one.en} {one.particle}".strip() == en]
    chosen = pool[0] if pool else verb(en, fr)
    manner = Manner("present" if en in ("like", "look for") else talk.sampler.pick(("past", "going")))
    predicate = Predicate(chosen, thing.phrase, (f"{en}+{thing.head}", *thing.combos))
    return said_of(subject, predicate, manner, "relative clause with que")


def here_is(talk: Talk) -> Sentence:
    """`Here is the book that I bought`, `voici le livre que j'ai acheté`."""
    thing, _ = that_one(talk) if talk.sampler.chance(0.7) else where_one(talk)
    phrase = rule(f"here/h {be(thing.agreement)}/h <it>", "voici/h <it>", it=thing.phrase)
    return Sentence(phrase, ".", thing.combos, ("relative clause with que",))


def emphasised(talk: Talk) -> Sentence:
    """`It is Paul who broke the glass`: emphasis with `c'est … qui`."""
    who = talk.third()
    if who.agreement.plural:
        who = talk.name()
    subject = Nominal(pair("who", "qui"), who.agreement, who.combos, "", who.head)
    clause = said(talk, subject=subject, frame="past", time=0.1, denied=0)
    phrase = rule(
        "it/i is/v <who> <clause>", "c'est/iv <who> <clause>", who=who.phrase, clause=clause.sentence().phrase
    )
    return Sentence(phrase, ".", clause.combos, ("emphasis with c'est qui",))
