"""Questions with question words (where, when, why, what, who, which, with whom), and answers."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Manner, Predicate, est_ce_que_question, inverted_question, statement
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import of_kinds
from regard_phrasebook.en_fr.predicates import GO, destination, ordinary
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import random_clause
from regard_phrasebook.en_fr.verbs import TRANSITIVE, find_verb
from regard_phrasebook.en_fr.words import Agreement, Verb
from regard_phrasebook.engine.phrase import EMPTY, Phrase, pair, rule

TENSES = ("present", "past", "future", "going", "want")


def where_do(context: Context) -> Sentence:
    """Generates a random question with where: `Where do you live?`, `où habites-tu ?`."""
    chosen: Verb = context.sampler.pick((GO, *[find_verb(en, fr) for en, fr in PLACED]))
    tense = "present" if chosen.stative else context.sampler.pick(("present", "past", "future", "progressive"))
    predicate = Predicate(chosen, _when(context, tense), (f"where+{chosen.en}+{tense}",))
    return _asked(context, pair("where", "où"), predicate, tense, "question with où")


PLACED = (("live", "habiter"), ("work", "travailler"), ("eat", "manger"), ("sleep", "dormir"))


def _when(context: Context, tense: str) -> Phrase:
    frame = {"past": "past", "future": "future", "going": "future"}.get(tense, "")
    return context.time(frame, 0.35) if frame else EMPTY


def _asked(context: Context, word: Phrase, predicate: Predicate, tense: str, name: str) -> Sentence:
    """A question with inversion if the subject is a pronoun, else with `est-ce que`."""
    subject = context.question_subject() if context.sampler.chance(0.7) else context.third()
    phrase = inverted_question(word, subject, predicate, Manner(tense))
    shown = (name, "inversion" if subject.pronoun not in ("", "I") else "question with est-ce que")
    return Sentence(phrase, "?", (*predicate.combos, *subject.combos), shown)


def when_do(context: Context) -> Sentence:
    """Generates a random question with when: `When did you leave?`, `quand es-tu parti ?`."""
    word = context.sampler.pick((pair("when", "quand"), rule("what/w time/t", "à/w quelle/w heure/t")))
    tense = context.sampler.pick(("present", "past", "future", "going"))
    subject = context.you.nominal()
    if context.sampler.chance(0.5):
        predicate = ordinary(context, subject, False).predicate
    else:
        place = destination(context)
        predicate = Predicate(GO, place.phrase, (f"go+{place.head}",))
    return _asked(context, word, predicate, tense, "question with quand")


def why_do(context: Context) -> Sentence:
    """Generates a random question with why: `Why are you laughing?`, `pourquoi est-ce que tu ris ?`."""
    subject = context.question_subject() if context.sampler.chance(0.5) else context.third()
    clause = random_clause(context, subject=subject, negated=0.25, time=0.1)
    tense = clause.manner.tense
    if tense in ("used", "could", "can", "should", "must", "would like") or clause.manner.negation == "no longer":
        return where_do(context)
    phrase = est_ce_que_question(pair("why", "pourquoi"), clause.subject, clause.predicate, clause.manner)
    return Sentence(phrase, "?", clause.combos, ("question with pourquoi", *clause.constructions))


def what_do(context: Context) -> Sentence:
    """Generates a random question with what: `What did you buy?`, `qu'est-ce que tu as acheté ?`."""
    chosen = context.sampler.pick([verb for verb in TRANSITIVE if "person" not in verb.objects or verb.en == "see"])
    tense = context.sampler.pick(("past", "future", "going", "want"))
    tense = "past" if chosen.stative else tense
    subject = context.question_subject() if context.sampler.chance(0.5) else context.third()
    predicate = Predicate(chosen, _when(context, tense), (f"what+{chosen.en}+{tense}",))
    question = est_ce_que_question(rule("what/w", "qu'+/w"), subject, predicate, Manner(tense))
    return Sentence(question, "?", (*predicate.combos, *subject.combos), ("question with que",))


def whom_do(context: Context) -> Sentence:
    """Generates a random question with who as object: `Who did they invite?`, `qui ont-ils invité ?`."""
    chosen = context.sampler.pick([verb for verb in TRANSITIVE if "person" in verb.objects and verb.preposition == ""])
    tense = context.sampler.pick(("past", "future", "going", "want"))
    predicate = Predicate(chosen, _when(context, tense), (f"whom+{chosen.en}+{tense}",))
    return _asked(context, pair("who", "qui"), predicate, tense, "question with qui")


def who_does(context: Context) -> Sentence:
    """Generates a random question with who as subject: `Who ate the cake?`, `qui a mangé le gâteau ?`."""
    who = Nominal(pair("who", "qui"), Agreement())
    clause = random_clause(context, subject=who, negated=0, time=0.2)
    return Sentence(clause.sentence().phrase, "?", clause.combos, ("question with qui", *clause.constructions))


def which(context: Context) -> Sentence:
    """Generates a random question with which: `Which book do you want?`, `quel livre veux-tu ?`."""
    chosen = context.sampler.pick([verb for verb in TRANSITIVE if verb.en in WHICH_VERBS])
    noun = context.sampler.pick([noun for noun in of_kinds(chosen.objects) if not noun.mass])
    several = context.sampler.chance(0.2)
    agreement = Agreement(3, several, noun.gender)
    what = ("quelle" if noun.gender == "f" else "quel") + ("s" if several else "")
    thing = nps.noun_phrase(nps.Determiner("bare", several), noun, context.quality(noun, 0.15))
    word = rule("which/w <it>", f"{what}/w <it>", it=thing.phrase)
    tense = context.sampler.pick(("past", "future", "going", "want"))
    predicate = Predicate(chosen, combos=(f"{chosen.en}+{noun.en}", *thing.combos), preceding_object=agreement)
    return _asked(context, word, predicate, tense, "question with quel")


WHICH_VERBS = (
    "buy",
    "read",
    "visit",
    "choose",
    "take",
    "watch",
    "see",
    "wear",
    "sell",
    "find",
    "use",
    "repair",
    "bring",
)


def with_whom(context: Context) -> Sentence:
    """Generates a random question such as `Who do you live with?`; French begins with the preposition."""
    chosen = context.sampler.pick((*[find_verb(en, fr) for en, fr in PLACED], find_verb("play", "jouer")))
    tense = "present" if chosen.stative else context.sampler.pick(("present", "past", "future"))
    subject = context.question_subject()
    predicate = Predicate(chosen, rule("with/w", ""), (f"with whom+{chosen.en}+{tense}",))
    question = inverted_question(rule("who/x", ""), subject, predicate, Manner(tense))
    phrase = rule("<s>", "avec qui <s>", s=question)
    links = set(phrase.links) | {(0, 1), (phrase.src.index("with"), 0)}
    return Sentence(
        Phrase(phrase.src, phrase.tgt, frozenset(links)), "?", predicate.combos, ("question with avec qui",)
    )


def answer(context: Context) -> Sentence:
    """Generates a random answer: `Yes, I like music`; `no, she does not smoke`."""
    negated = context.sampler.chance(0.5)
    clause = random_clause(context, negated=1.0 if negated else 0.0)
    word = rule("no/a", "non/a") if clause.manner.negation else rule("yes/a", "oui/a")
    text = statement(clause.subject, clause.predicate, clause.manner)
    phrase = rule("<a> +,/c <s>", "<a> +,/c <s>", a=word, s=text)
    return Sentence(phrase, ".", clause.combos, ("answer", *clause.constructions))
