"""Clauses that depend on others: that, to, before, if, while, since; and what has just or not yet happened."""

from __future__ import annotations

from regard_phrasebook.en_fr import english
from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Manner, Predicate, infinitive, statement
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.noun_phrases import Nominal
from regard_phrasebook.en_fr.nouns import of_kinds
from regard_phrasebook.en_fr.predicates import (
    GO,
    Maker,
    destination,
    giving,
    going,
    having,
    language,
    ordinary,
    playing,
    transitive,
    with_pronoun,
)
from regard_phrasebook.en_fr.sentence import Sentence, combine
from regard_phrasebook.en_fr.statements import said, said_of
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.en_fr.verbs import TRANSITIVE, verb
from regard_phrasebook.en_fr.words import Agreement
from regard_phrasebook.engine.phrase import EMPTY, Phrase, rule

ACTIONS: tuple[tuple[float, Maker], ...] = (
    (6, transitive),
    (3, ordinary),
    (2, going),
    (2, language),
    (2, playing),
    (2, giving),
    (1, with_pronoun),
)


def action(talk: Talk, subject: Nominal, denied: bool = False) -> Predicate:
    """Something that one may want, plan or have done.

    Args:
        talk: Where choices come from.
        subject: Who does it.
        denied: Whether it is denied.

    Returns:
        The predicate; never a state.
    """
    made = talk.sampler.weighted(ACTIONS)(talk, subject, denied)
    while made.state or f"{made.predicate.verb.en} {made.predicate.verb.particle}" in UNPLANNED:
        made = talk.sampler.weighted(ACTIONS)(talk, subject, denied)
    return made.predicate


UNPLANNED = ("arrive ", "fall ", "get lost", "make a mistake", "lose ", "forget ", "break ", "get ", "cry ")

OPINIONS = (("think", "croire"), ("know", "savoir"), ("hope", "espérer"), ("say", "dire"))


def opinion(talk: Talk) -> Sentence:
    """`I think that he is tired`, `je crois qu'il est fatigué`."""
    subject = talk.subject()
    en, fr = talk.sampler.pick(OPINIONS)
    chosen = verb(en, fr)
    frame = "future" if en == "hope" else talk.sampler.pick(("present", "past", "future"))
    clause = said(talk, frame=frame)
    that = rule("that/t <c>", "que/t <c>", c=clause.sentence().phrase)
    predicate = Predicate(chosen, that, clause.combos)
    return said_of(subject, predicate, Manner("present"), "clause with que", *clause.constructions)


LIKINGS = (("like", "aimer"), ("love", "adorer"), ("hate", "détester"), ("prefer", "préférer"))


def liking_to(talk: Talk) -> Sentence:
    """`She likes to read`, `elle aime lire`."""
    subject = talk.subject()
    en, fr = talk.sampler.pick(LIKINGS)
    liked = action(talk, subject)
    form = "s" if subject.agreement.person == 3 and not subject.agreement.plural else ""
    verb_form = conjugate(fr).present[subject.agreement.index]
    denied = talk.sampler.chance(0.25)
    done = infinitive(subject.agreement, liked)
    helper = "does" if form else "do"
    en_words = f"<s> {helper} not/n {en}/l <d>" if denied else f"<s> {en}{form}/l <d>"
    fr_words = f"<s> ne/n {verb_form}/l pas/n <d>" if denied else f"<s> {verb_form}/l <d>"
    phrase = rule(en_words, fr_words, s=subject.phrase, d=done)
    return Sentence(phrase, ".", (f"{en} to+{liked.verb.en}", *subject.combos, *liked.combos), ("liking to do",))


def purpose(talk: Talk) -> Sentence:
    """`I go to the market to buy some bread`, `pour acheter du pain`."""
    subject = talk.subject()
    place = destination(talk)
    goal = action(talk, subject)
    while goal.verb.en == "go":
        goal = action(talk, subject)
    frame = talk.sampler.pick(("present", "past", "going", "future"))
    aim = rule("to/t <a>", "pour/t <a>", a=infinitive(subject.agreement, goal, form="bare"))
    predicate = Predicate(GO, rule("<p> <a>", "<p> <a>", p=place.phrase, a=aim), (f"go+{place.head}", *goal.combos))
    return said_of(subject, predicate, Manner(frame), "purpose with pour")


def before_doing(talk: Talk) -> Sentence:
    """`He eats before going out`, `avant de sortir`; `without saying goodbye`."""
    subject = talk.subject()
    first, second = action(talk, subject), action(talk, subject)
    word, avant = talk.sampler.pick((("before", "avant de"), ("before", "avant de"), ("without", "sans")))
    later = infinitive(subject.agreement, second, form="ing")
    marked = " ".join(f"{one}/w" for one in avant.split())
    done = rule(f"{word}/w <l>", f"{marked} <l>", l=later)
    tense = talk.sampler.pick(("past", "present", "future", "going"))
    predicate = Predicate(
        first.verb,
        rule("<o> <d>", "<o> <d>", o=first.object, d=done),
        (*first.combos, *second.combos),
        first.clitic,
        first.moved,
    )
    return said_of(subject, predicate, Manner(tense), f"infinitive with {avant.split()[0]}")


def if_clause(talk: Talk) -> Sentence:
    """`If it rains, we will play tennis`: present and future in both languages."""
    if talk.sampler.chance(0.4):
        condition = Sentence(talk.sampler.pick(CONDITIONS), ".")
    else:
        condition = said(talk, frame="present", time=0, plain=True).sentence()
    result = said(talk, frame="future", time=0.2).sentence()
    if talk.sampler.chance(0.6):
        return combine("if/i <a> +,/c <b>", "si/i <a> +,/c <b>", "condition", ".", a=condition, b=result)
    return combine("<b> if/i <a>", "<b> si/i <a>", "condition", ".", a=condition, b=result)


CONDITIONS = (
    rule("it/i rains/v", "il/i pleut/v"),
    rule("it/i snows/v", "il/i neige/v"),
    rule("it/i is/v cold/x", "il/i fait/v froid/x"),
    rule("it/i is/v hot/x", "il/i fait/v chaud/x"),
    rule("the/v weather/v is/v nice/x", "il/v fait/v beau/x"),
)


def unreal(talk: Talk) -> Sentence:
    """`If I had a car, I would go to Rome`: French has the imperfect after `si`."""
    subject = talk.subject()
    had = having(talk, subject, False)
    condition = Sentence(statement(subject, had.predicate, Manner("past")), ".", had.predicate.combos + subject.combos)
    other = subject if subject.pronoun else talk.subject()
    would = action(talk, other)
    result = said_of(other, would, Manner("conditional"), "conditional")
    return combine("if/i <a> +,/c <b>", "si/i <a> +,/c <b>", "unreal condition", ".", a=condition, b=result)


def while_clause(talk: Talk) -> Sentence:
    """`While I was sleeping, she was reading`, `pendant que je dormais, elle lisait`."""
    one, other = talk.subject(), talk.subject()
    first = said_of(one, action(talk, one), Manner("was doing"), "imparfait")
    second = said_of(other, action(talk, other), Manner("was doing"), "imparfait")
    if talk.sampler.chance(0.5):
        return combine("while/w <a> +,/c <b>", "pendant/w que/w <a> +,/c <b>", "while", ".", a=first, b=second)
    return combine("<a> while/w <b>", "<a> pendant/w que/w <b>", "while", ".", a=first, b=second)


def just_done(talk: Talk) -> Sentence:
    """`I have just eaten`, `je viens de manger`."""
    subject = talk.subject()
    done = action(talk, subject)
    came = conjugate("venir").present[subject.agreement.index]
    has = "has" if subject.agreement.person == 3 and not subject.agreement.plural else "have"
    phrase = rule(
        f"<s> {has}/j just/j <d>",
        f"<s> {came}/j de/j <d>",
        s=subject.phrase,
        d=infinitive(subject.agreement, done, form="participle"),
    )
    return Sentence(phrase, ".", (*subject.combos, *done.combos), ("recent past with venir de",))


ALREADY = rule("already/a", "déjà/a")


def already(talk: Talk) -> Sentence:
    """`She has already left`, `we have not eaten yet`, `have you ever seen a lion?`."""
    subject = talk.subject()
    if talk.sampler.chance(0.6):
        return said_of(subject, action(talk, subject), Manner("perfect", "", ALREADY), "perfect with déjà")
    done = action(talk, subject, True)
    clause = statement(subject, done, Manner("perfect", "not yet"))
    phrase = rule("<c> yet/y", "<c>", c=clause)
    links = phrase.links | {(len(phrase.src) - 1, phrase.tgt.index("encore"))}
    combos = (*subject.combos, *done.combos)
    return Sentence(Phrase(phrase.src, phrase.tgt, links), ".", combos, ("negation with pas encore",))


IMPORTANT = (
    ("important", "important"),
    ("easy", "facile"),
    ("difficult", "difficile"),
    ("dangerous", "dangereux"),
    ("useful", "utile"),
)


def impersonal(talk: Talk) -> Sentence:
    """`It is important to sleep`, `il est important de dormir`."""
    done = action(talk, nps.HE.nominal())
    while done.clitic is not EMPTY or done.verb.reflexive:
        done = action(talk, nps.HE.nominal())
    en, fr = talk.sampler.pick(IMPORTANT)
    phrase = rule(
        f"it/i is/v {en}/a to/t <d>", f"il/i est/v {fr}/a de/t <d>", d=infinitive(Agreement(), done, form="bare")
    )
    return Sentence(phrase, ".", (f"{en} to+{done.verb.en}", *done.combos), ("impersonal",))


def taken_up(talk: Talk) -> Sentence:
    """`I bought a car and I sold it`: the pronoun has the gender of what it stands for."""
    first = talk.sampler.pick([one for one in TRANSITIVE if one.en in ("buy", "find", "take", "choose", "bring")])
    kinds = tuple(
        kind for kind in first.objects if kind in ("thing", "clothes", "text", "furniture", "vehicle", "food")
    )
    noun = talk.sampler.pick(of_kinds(kinds))
    several = talk.sampler.chance(0.25)
    determiner = talk.sampler.pick((nps.SOME_PLURAL, talk.owners()) if several else (nps.A, nps.THE, talk.owner()))
    thing = nps.noun_phrase(determiner, noun, talk.quality(noun, 0.2))
    subject = talk.pronoun()
    second = talk.sampler.pick([one for one in TRANSITIVE if noun.kind in one.objects and one.en in TAKEN_UP])
    clitic = _it(thing.agreement)
    tense = talk.sampler.pick(("past", "past", "going", "future"))
    one = statement(subject, Predicate(first, thing.phrase), Manner(tense))
    two = statement(subject, Predicate(second, EMPTY, (), clitic, thing.agreement), Manner(tense))
    phrase = rule("<a> and/e <b>", "<a> et/e <b>", a=one, b=two)
    combos = (f"{first.en}+{noun.en}", f"{second.en}+{noun.en}", *thing.combos)
    return Sentence(phrase, ".", combos, ("pronoun for a thing",))


TAKEN_UP = ("sell", "lose", "break", "wash", "repair", "hide", "forget", "eat", "use", "wear", "read")


def _it(agreement: Agreement) -> Phrase:
    """The object pronoun for a thing."""
    if agreement.plural:
        return rule("them/c", "les·/c")
    return rule("it/c", "la·/c" if agreement.gender == "f" else "le·/c")


SKILLS = (("sing", "chanter"), ("dance", "danser"), ("swim", "nager"), ("walk", "marcher"), ("work", "travailler"))
MANNERS = little.linked("""
well/a = bien/a
badly/a = mal/a
quickly/a = vite/a
slowly/a = lentement/a
very/b well/a = très/b bien/a
too/b slowly/a = trop/b lentement/a
better/a = mieux/a
together/a = ensemble/a
""")


def manner(talk: Talk) -> Sentence:
    """`She sings well`, `elle chante bien`."""
    subject = talk.subject()
    en, fr = talk.sampler.pick(SKILLS)
    way = talk.sampler.pick(MANNERS)
    while way.src == ("together",) and not subject.agreement.plural:
        way = talk.sampler.pick(MANNERS)
    predicate = Predicate(verb(en, fr), way, (f"{en}+{' '.join(way.src)}",))
    return said_of(subject, predicate, Manner(talk.sampler.pick(("present", "present", "future"))), "manner")


NOTHING = (("nothing", "rien"), ("nobody", "personne"))


def nothing(talk: Talk) -> Sentence:
    """`He eats nothing`, `il ne mange rien`; `they know nobody`."""
    subject = talk.subject()
    word, rien = talk.sampler.pick(NOTHING)
    wanted = "person" if word == "nobody" else "thing"
    pool = [
        one
        for one in TRANSITIVE
        if wanted in one.objects and not one.preposition and not one.particle and one.en != "read"
    ]
    chosen = talk.sampler.pick(pool)
    forms = conjugate(chosen.fr)
    third = subject.agreement.person == 3 and not subject.agreement.plural
    if talk.sampler.chance(0.5):
        en, fr = (english.third_person(chosen.en) if third else chosen.en), forms.present[subject.agreement.index]
        templates = (f"<s> {en}/v {word}/n", f"<s> ne/n {fr}/v {rien}/n")
    else:
        has = conjugate("avoir").present[subject.agreement.index]
        order = f"{rien}/n {forms.participle}/v" if word == "nothing" else f"{forms.participle}/v {rien}/n"
        templates = (f"<s> {english.past(chosen.en)}/va {word}/n", f"<s> ne/n {has}/a {order}")
    combos = (f"{chosen.en}+{word}", *subject.combos)
    return Sentence(rule(*templates, s=subject.phrase), ".", combos, ("negation with rien and personne",))
