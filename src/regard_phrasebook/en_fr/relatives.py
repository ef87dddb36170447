"""Relative clauses with qui, que and où."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import adjectives_for
from regard_phrasebook.en_fr.clauses import Manner, Predicate, be, statement
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import BE, ChosenPredicate, mood, profession
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import make_statement, random_clause
from regard_phrasebook.en_fr.verbs import TRANSITIVE, find_verb
from regard_phrasebook.en_fr.words import Agreement
from regard_phrasebook.engine.phrase import pair, rule

OBJECT_VERBS = (
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
LOCATION_VERBS = (
    ("live", "habiter", ("town", "village", "street", "house", "flat", "castle", "island")),
    ("work", "travailler", ("town", "school", "hospital", "office", "bank", "library", "restaurant", "shop")),
    ("eat", "manger", ("restaurant", "kitchen", "hotel", "garden", "park")),
    ("sleep", "dormir", ("bedroom", "hotel", "house", "castle")),
)


def noun_with_who_clause(context: Context) -> Nominal:
    """Generates a random person with a relative clause: `the woman who lives in Rome`."""
    noun = context.sampler.pick(NOUNS["person"])
    head = nps.noun_phrase(context.sampler.weighted(((5, nps.THE), (1, nps.THE_PLURAL))), noun)
    who = Nominal(pair("who", "qui"), head.agreement, (), "", noun.en)
    clause = random_clause(
        context, subject=who, frame=context.sampler.pick(("present", "past")), time=0.15, negated=0.1
    )
    phrase = rule("<head> <clause>", "<head> <clause>", head=head.phrase, clause=clause.sentence().phrase)
    return Nominal(phrase, head.agreement, (*head.combos, *clause.combos), "", noun.en)


def noun_with_that_clause(context: Context) -> tuple[Nominal, str]:
    """Generates a random noun with a that-clause, and the kind of the noun: `the house that we bought` and `home`."""
    chosen = context.sampler.pick([verb for verb in TRANSITIVE if verb.en in OBJECT_VERBS])
    noun = context.sampler.pick([noun for noun in of_kinds(chosen.objects) if noun.kind not in ("person", "family")])
    several = not noun.mass and context.sampler.chance(0.2)
    head = nps.noun_phrase(nps.THE_PLURAL if several else nps.THE, noun, context.quality(noun, 0.12))
    subject = context.subject()
    tense = context.sampler.pick(("past", "past", "past", "future", "want"))
    predicate = Predicate(
        chosen, combos=(f"{chosen.en}+{noun.en}",), preceding_object=Agreement(3, several, noun.gender)
    )
    clause = statement(subject, predicate, Manner(tense))
    phrase = rule("<head> that/t <clause>", "<head> que/t <clause>", head=head.phrase, clause=clause)
    combos = (*head.combos, *subject.combos, *predicate.combos)
    return Nominal(phrase, head.agreement, combos, "", noun.en), noun.kind


def noun_with_where_clause(context: Context) -> tuple[Nominal, str]:
    """Generates a random noun with a where-clause, and the kind of the noun: `the town where I live` and `land`."""
    en, fr, places = context.sampler.pick(LOCATION_VERBS)
    noun = context.sampler.pick([noun for nouns in NOUNS.values() for noun in nouns if noun.en in places])
    head = nps.noun_phrase(nps.THE, noun, context.quality(noun, 0.1))
    subject = context.subject()
    tense = context.sampler.pick(("present", "present", "past", "future"))
    clause = statement(subject, Predicate(find_verb(en, fr)), Manner(tense))
    phrase = rule("<head> where/w <clause>", "<head> où/w <clause>", head=head.phrase, clause=clause)
    return Nominal(
        phrase, head.agreement, (*head.combos, *subject.combos, f"{en} in+{noun.en}"), "", noun.en
    ), noun.kind


def relative_subject(context: Context) -> Sentence:
    """Generates a random sentence whose subject has a relative clause: `the man who works here is tired`."""
    kind = context.sampler.pick(("who", "that", "where"))
    if kind == "who":
        who = noun_with_who_clause(context)
        choice: ChosenPredicate = context.sampler.pick((mood, mood, profession))(context, who, False)
        phrase = statement(who, choice.predicate, Manner(context.sampler.pick(("present", "past"))))
        return Sentence(phrase, ".", (*who.combos, *choice.predicate.combos), ("relative clause with qui",))
    thing, noun_kind = noun_with_that_clause(context) if kind == "that" else noun_with_where_clause(context)
    adjective = context.sampler.pick(adjectives_for(noun_kind))
    predicate = Predicate(BE, pair(adjective.en, adjective.french(thing.agreement)))
    phrase = statement(thing, predicate, Manner(context.sampler.pick(("present", "past"))))
    name = "relative clause with que" if kind == "that" else "relative clause with où"
    return Sentence(phrase, ".", (*thing.combos, f"{adjective.en}+{thing.head}"), (name,))


def relative_object(context: Context) -> Sentence:
    """Generates a random sentence whose object has a relative clause: `I know a woman who speaks German`."""
    subject = context.subject()
    if context.sampler.chance(0.5):
        who = noun_with_who_clause(context)
        en, fr = context.sampler.pick(
            (("know", "connaître"), ("know", "connaître"), ("meet", "rencontrer"), ("see", "voir"))
        )
        chosen = find_verb(en, fr) if en == "know" else next(verb for verb in TRANSITIVE if verb.en == en)
        manner = Manner("present" if en == "know" else context.sampler.pick(("past", "going")))
        predicate = Predicate(chosen, who.phrase, (f"{en}+{who.head}", *who.combos))
        return make_statement(subject, predicate, manner, "relative clause with qui")
    thing, _ = noun_with_that_clause(context)
    en, fr = context.sampler.pick(
        (("like", "aimer"), ("find", "trouver"), ("look for", "chercher"), ("forget", "oublier"))
    )
    pool = [verb for verb in TRANSITIVE if f"{verb.en} {verb.particle}".strip() == en]
    chosen = pool[0] if pool else find_verb(en, fr)
    manner = Manner("present" if en in ("like", "look for") else context.sampler.pick(("past", "going")))
    predicate = Predicate(chosen, thing.phrase, (f"{en}+{thing.head}", *thing.combos))
    return make_statement(subject, predicate, manner, "relative clause with que")


def here_is(context: Context) -> Sentence:
    """Generates a random presentation of a thing: `Here is the book that I bought`, in French with `voici`."""
    thing, _ = noun_with_that_clause(context) if context.sampler.chance(0.7) else noun_with_where_clause(context)
    phrase = rule(f"here/h {be(thing.agreement)}/h <it>", "voici/h <it>", it=thing.phrase)
    return Sentence(phrase, ".", thing.combos, ("relative clause with que",))


def emphasized(context: Context) -> Sentence:
    """Generates a random sentence with emphasis by `c'est … qui`: `It is Paul who broke the glass`."""
    who = context.third()
    if who.agreement.plural:
        who = context.name()
    subject = Nominal(pair("who", "qui"), who.agreement, who.combos, "", who.head)
    clause = random_clause(context, subject=subject, frame="past", time=0.1, negated=0)
    phrase = rule(
        "it/i is/v <who> <clause>", "c'est/iv <who> <clause>", who=who.phrase, clause=clause.sentence().phrase
    )
    return Sentence(phrase, ".", clause.combos, ("emphasis with c'est qui",))
