"""Questions with question words: where, when, why, what, who, which, with whom, how often."""

from __future__ import annotations

from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Manner, Predicate, asked_with, inverted, statement
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import of_kinds
from regard_phrasebook.en_fr.predicates import GO, destination, ordinary
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.statements import said
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.en_fr.verbs import TRANSITIVE, verb
from regard_phrasebook.en_fr.words import Agreement, Verb
from regard_phrasebook.engine.phrase import EMPTY, Phrase, pair, rule

TENSES = ("present", "past", "future", "going", "want")


def where_do(talk: Talk) -> Sentence:
    """`Where do you live?`, `où habites-tu ?`."""
    chosen: Verb = talk.sampler.pick((GO, *[verb(en, fr) for en, fr in PLACED]))
    tense = "present" if chosen.stative else talk.sampler.pick(("present", "past", "future", "progressive"))
    predicate = Predicate(chosen, _when(talk, tense), (f"where+{chosen.en}+{tense}",))
    return _asked(talk, pair("where", "où"), predicate, tense, "question with où")


PLACED = (("live", "habiter"), ("work", "travailler"), ("eat", "manger"), ("sleep", "dormir"))


def _when(talk: Talk, tense: str) -> Phrase:
    frame = {"past": "past", "future": "future", "going": "future"}.get(tense, "")
    return talk.time(frame, 0.35) if frame else EMPTY


def _asked(talk: Talk, word: Phrase, predicate: Predicate, tense: str, name: str) -> Sentence:
    """A question with a pronoun, which French puts after the verb, or a noun, which it does not."""
    subject = talk.asked_about() if talk.sampler.chance(0.7) else talk.third()
    phrase = inverted(word, subject, predicate, Manner(tense))
    shown = (name, "inversion" if subject.pronoun not in ("", "I") else "question with est-ce que")
    return Sentence(phrase, "?", (*predicate.combos, *subject.combos), shown)


def when_do(talk: Talk) -> Sentence:
    """`When did you leave?`, `quand es-tu parti ?`."""
    word = talk.sampler.pick((pair("when", "quand"), rule("what/w time/t", "à/w quelle/w heure/t")))
    tense = talk.sampler.pick(("present", "past", "future", "going"))
    subject = talk.you.nominal()
    if talk.sampler.chance(0.5):
        predicate = ordinary(talk, subject, False).predicate
    else:
        place = destination(talk)
        predicate = Predicate(GO, place.phrase, (f"go+{place.head}",))
    return _asked(talk, word, predicate, tense, "question with quand")


def why_do(talk: Talk) -> Sentence:
    """`Why are you laughing?`, `pourquoi est-ce que tu ris ?`."""
    subject = talk.asked_about() if talk.sampler.chance(0.5) else talk.third()
    one = said(talk, subject=subject, denied=0.25, time=0.1)
    tense = one.manner.tense
    if tense in ("used", "could", "can", "should", "must", "would like") or one.manner.negation == "no longer":
        return where_do(talk)
    phrase = asked_with(pair("why", "pourquoi"), one.subject, one.predicate, one.manner)
    return Sentence(phrase, "?", one.combos, ("question with pourquoi", *one.constructions))


def what_do(talk: Talk) -> Sentence:
    """`What did you buy?`, `qu'est-ce que tu as acheté ?`."""
    chosen = talk.sampler.pick([one for one in TRANSITIVE if "person" not in one.objects or one.en == "see"])
    tense = talk.sampler.pick(("past", "future", "going", "want"))
    tense = "past" if chosen.stative else tense
    subject = talk.asked_about() if talk.sampler.chance(0.5) else talk.third()
    predicate = Predicate(chosen, _when(talk, tense), (f"what+{chosen.en}+{tense}",))
    asked = asked_with(rule("what/w", "qu'+/w"), subject, predicate, Manner(tense))
    return Sentence(asked, "?", (*predicate.combos, *subject.combos), ("question with que",))


def whom_do(talk: Talk) -> Sentence:
    """`Who did they invite?`, `qui ont-ils invité ?`."""
    chosen = talk.sampler.pick([one for one in TRANSITIVE if "person" in one.objects and one.preposition == ""])
    tense = talk.sampler.pick(("past", "future", "going", "want"))
    predicate = Predicate(chosen, _when(talk, tense), (f"whom+{chosen.en}+{tense}",))
    return _asked(talk, pair("who", "qui"), predicate, tense, "question with qui")


def who_does(talk: Talk) -> Sentence:
    """`Who ate the cake?`, `qui a mangé le gâteau ?`."""
    who = Nominal(pair("who", "qui"), Agreement())
    one = said(talk, subject=who, denied=0, time=0.2)
    return Sentence(one.sentence().phrase, "?", one.combos, ("question with qui", *one.constructions))


def which(talk: Talk) -> Sentence:
    """`Which book do you want?`, `quel livre veux-tu ?`."""
    chosen = talk.sampler.pick([one for one in TRANSITIVE if one.en in WHICH_VERBS])
    noun = talk.sampler.pick([one for one in of_kinds(chosen.objects) if not one.mass])
    several = talk.sampler.chance(0.2)
    agreement = Agreement(3, several, noun.gender)
    what = ("quelle" if noun.gender == "f" else "quel") + ("s" if several else "")
    thing = nps.noun_phrase(nps.Determiner("bare", several), noun, talk.quality(noun, 0.15))
    word = rule("which/w <it>", f"{what}/w <it>", it=thing.phrase)
    tense = talk.sampler.pick(("past", "future", "going", "want"))
    predicate = Predicate(chosen, combos=(f"{chosen.en}+{noun.en}", *thing.combos), moved=agreement)
    return _asked(talk, word, predicate, tense, "question with quel")


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


def with_whom(talk: Talk) -> Sentence:
    """`Who do you live with?`: the English preposition is left behind, the French one goes ahead."""
    chosen = talk.sampler.pick((*[verb(en, fr) for en, fr in PLACED], verb("play", "jouer")))
    tense = "present" if chosen.stative else talk.sampler.pick(("present", "past", "future"))
    subject = talk.asked_about()
    predicate = Predicate(chosen, rule("with/w", ""), (f"with whom+{chosen.en}+{tense}",))
    asked = inverted(rule("who/x", ""), subject, predicate, Manner(tense))
    phrase = rule("<s>", "avec qui <s>", s=asked)
    links = set(phrase.links) | {(0, 1), (phrase.src.index("with"), 0)}
    return Sentence(
        Phrase(phrase.src, phrase.tgt, frozenset(links)), "?", predicate.combos, ("question with avec qui",)
    )


def answer(talk: Talk) -> Sentence:
    """`Yes, I like music`; `no, she does not smoke`."""
    denied = talk.sampler.chance(0.5)
    one = said(talk, denied=1.0 if denied else 0.0)
    word = rule("no/a", "non/a") if one.manner.negation else rule("yes/a", "oui/a")
    clause = statement(one.subject, one.predicate, one.manner)
    phrase = rule("<a> +,/c <s>", "<a> +,/c <s>", a=word, s=clause)
    return Sentence(phrase, ".", one.combos, ("answer", *one.constructions))
