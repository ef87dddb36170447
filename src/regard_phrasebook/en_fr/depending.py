"""Subordinate clauses (that, to, before, if, while), recent past, perfect, and negative pronouns."""

from __future__ import annotations

from regard_phrasebook.en_fr import english
from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import Manner, Predicate, infinitive, statement
from regard_phrasebook.en_fr.context import Context
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
from regard_phrasebook.en_fr.statements import make_statement, random_clause
from regard_phrasebook.en_fr.verbs import TRANSITIVE, find_verb
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


def action(context: Context, subject: Nominal, negated: bool = False) -> Predicate:
    """A random predicate for a voluntary action, which can be wanted or planned.

    Args:
        context: Source of the random choices within the sentence.
        subject: The subject.
        negated: Whether the clause is negated.

    Returns:
        The predicate; never a state or an involuntary event.
    """
    choice = context.sampler.weighted(ACTIONS)(context, subject, negated)
    while choice.state or f"{choice.predicate.verb.en} {choice.predicate.verb.particle}" in INVOLUNTARY:
        choice = context.sampler.weighted(ACTIONS)(context, subject, negated)
    return choice.predicate


INVOLUNTARY = ("arrive ", "fall ", "get lost", "make a mistake", "lose ", "forget ", "break ", "get ", "cry ")

OPINIONS = (("think", "croire"), ("know", "savoir"), ("hope", "espérer"), ("say", "dire"))


def opinion(context: Context) -> Sentence:
    """Generates a random sentence with a that-clause: `I think that he is tired`, `je crois qu'il est fatigué`."""
    subject = context.subject()
    en, fr = context.sampler.pick(OPINIONS)
    chosen = find_verb(en, fr)
    frame = "future" if en == "hope" else context.sampler.pick(("present", "past", "future"))
    clause = random_clause(context, frame=frame)
    that = rule("that/t <c>", "que/t <c>", c=clause.sentence().phrase)
    predicate = Predicate(chosen, that, clause.combos)
    return make_statement(subject, predicate, Manner("present"), "clause with que", *clause.constructions)


LIKINGS = (("like", "aimer"), ("love", "adorer"), ("hate", "détester"), ("prefer", "préférer"))


def liking_to(context: Context) -> Sentence:
    """Generates a random statement about liking to do something: `She likes to read`, `elle aime lire`."""
    subject = context.subject()
    en, fr = context.sampler.pick(LIKINGS)
    liked = action(context, subject)
    form = "s" if subject.agreement.person == 3 and not subject.agreement.plural else ""
    verb_form = conjugate(fr).present[subject.agreement.index]
    negated = context.sampler.chance(0.25)
    done = infinitive(subject.agreement, liked)
    helper = "does" if form else "do"
    en_words = f"<s> {helper} not/n {en}/l <d>" if negated else f"<s> {en}{form}/l <d>"
    fr_words = f"<s> ne/n {verb_form}/l pas/n <d>" if negated else f"<s> {verb_form}/l <d>"
    phrase = rule(en_words, fr_words, s=subject.phrase, d=done)
    return Sentence(phrase, ".", (f"{en} to+{liked.verb.en}", *subject.combos, *liked.combos), ("liking to do",))


def purpose(context: Context) -> Sentence:
    """Generates a random sentence with a purpose: `I go to the market to buy some bread`, `pour acheter du pain`."""
    subject = context.subject()
    place = destination(context)
    goal = action(context, subject)
    while goal.verb.en == "go":
        goal = action(context, subject)
    frame = context.sampler.pick(("present", "past", "going", "future"))
    aim = rule("to/t <a>", "pour/t <a>", a=infinitive(subject.agreement, goal, form="bare"))
    predicate = Predicate(GO, rule("<p> <a>", "<p> <a>", p=place.phrase, a=aim), (f"go+{place.head}", *goal.combos))
    return make_statement(subject, predicate, Manner(frame), "purpose with pour")


def before_doing(context: Context) -> Sentence:
    """Generates a random sentence with before or without: `He eats before going out`, `avant de sortir`."""
    subject = context.subject()
    first, second = action(context, subject), action(context, subject)
    word, avant = context.sampler.pick((("before", "avant de"), ("before", "avant de"), ("without", "sans")))
    later = infinitive(subject.agreement, second, form="ing")
    marked = " ".join(f"{word}/w" for word in avant.split())
    done = rule(f"{word}/w <l>", f"{marked} <l>", l=later)
    tense = context.sampler.pick(("past", "present", "future", "going"))
    predicate = Predicate(
        first.verb,
        rule("<o> <d>", "<o> <d>", o=first.object, d=done),
        (*first.combos, *second.combos),
        first.clitic,
        first.preceding_object,
    )
    return make_statement(subject, predicate, Manner(tense), f"infinitive with {avant.split()[0]}")


def if_clause(context: Context) -> Sentence:
    """Generates a random sentence with a real condition, in present and future: `If it rains, we will play tennis`."""
    if context.sampler.chance(0.4):
        condition = Sentence(context.sampler.pick(CONDITIONS), ".")
    else:
        condition = random_clause(context, frame="present", time=0, plain=True).sentence()
    result = random_clause(context, frame="future", time=0.2).sentence()
    if context.sampler.chance(0.6):
        return combine("if/i <a> +,/c <b>", "si/i <a> +,/c <b>", "condition", ".", a=condition, b=result)
    return combine("<b> if/i <a>", "<b> si/i <a>", "condition", ".", a=condition, b=result)


CONDITIONS = (
    rule("it/i rains/v", "il/i pleut/v"),
    rule("it/i snows/v", "il/i neige/v"),
    rule("it/i is/v cold/x", "il/i fait/v froid/x"),
    rule("it/i is/v hot/x", "il/i fait/v chaud/x"),
    rule("the/v weather/v is/v nice/x", "il/v fait/v beau/x"),
)


def unreal(context: Context) -> Sentence:
    """Generates a random unreal condition: `If I had a car, I would go to Rome`; French has an imperfect after `si`."""
    subject = context.subject()
    had = having(context, subject, False)
    condition = Sentence(statement(subject, had.predicate, Manner("past")), ".", had.predicate.combos + subject.combos)
    other = subject if subject.pronoun else context.subject()
    would = action(context, other)
    result = make_statement(other, would, Manner("conditional"), "conditional")
    return combine("if/i <a> +,/c <b>", "si/i <a> +,/c <b>", "unreal condition", ".", a=condition, b=result)


def while_clause(context: Context) -> Sentence:
    """Generates two random simultaneous actions: `While I slept, she was reading`."""
    first_subject, second_subject = context.subject(), context.subject()
    first = make_statement(first_subject, action(context, first_subject), Manner("was doing"), "imparfait")
    second = make_statement(second_subject, action(context, second_subject), Manner("was doing"), "imparfait")
    if context.sampler.chance(0.5):
        return combine("while/w <a> +,/c <b>", "pendant/w que/w <a> +,/c <b>", "while", ".", a=first, b=second)
    return combine("<a> while/w <b>", "<a> pendant/w que/w <b>", "while", ".", a=first, b=second)


def just_done(context: Context) -> Sentence:
    """Generates a random statement in the recent past: `I have just eaten`, `je viens de manger`."""
    subject = context.subject()
    done = action(context, subject)
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


def already(context: Context) -> Sentence:
    """Generates a random statement with already or not yet: `She has already left`, `we have not eaten yet`."""
    subject = context.subject()
    if context.sampler.chance(0.6):
        return make_statement(subject, action(context, subject), Manner("perfect", "", ALREADY), "perfect with déjà")
    done = action(context, subject, True)
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


def impersonal(context: Context) -> Sentence:
    """Generates a random impersonal sentence: `It is important to sleep`, `il est important de dormir`."""
    done = action(context, nps.HE.nominal())
    while done.clitic is not EMPTY or done.verb.reflexive:
        done = action(context, nps.HE.nominal())
    en, fr = context.sampler.pick(IMPORTANT)
    phrase = rule(
        f"it/i is/v {en}/a to/t <d>", f"il/i est/v {fr}/a de/t <d>", d=infinitive(Agreement(), done, form="bare")
    )
    return Sentence(phrase, ".", (f"{en} to+{done.verb.en}", *done.combos), ("impersonal",))


def pronoun_for_thing(context: Context) -> Sentence:
    """Generates a random sentence such as `I bought a car and I sold it`: the pronoun agrees with its antecedent."""
    first = context.sampler.pick([verb for verb in TRANSITIVE if verb.en in ("buy", "find", "take", "choose", "bring")])
    kinds = tuple(
        kind for kind in first.objects if kind in ("thing", "clothes", "text", "furniture", "vehicle", "food")
    )
    noun = context.sampler.pick(of_kinds(kinds))
    several = context.sampler.chance(0.25)
    determiner = context.sampler.pick(
        (nps.SOME_PLURAL, context.owners()) if several else (nps.A, nps.THE, context.owner())
    )
    thing = nps.noun_phrase(determiner, noun, context.quality(noun, 0.2))
    subject = context.pronoun()
    second = context.sampler.pick(
        [verb for verb in TRANSITIVE if noun.kind in verb.objects and verb.en in SECOND_VERBS]
    )
    clitic = _it(thing.agreement)
    tense = context.sampler.pick(("past", "past", "going", "future"))
    first_clause = statement(subject, Predicate(first, thing.phrase), Manner(tense))
    second_clause = statement(subject, Predicate(second, EMPTY, (), clitic, thing.agreement), Manner(tense))
    phrase = rule("<a> and/e <b>", "<a> et/e <b>", a=first_clause, b=second_clause)
    combos = (f"{first.en}+{noun.en}", f"{second.en}+{noun.en}", *thing.combos)
    return Sentence(phrase, ".", combos, ("pronoun for a thing",))


SECOND_VERBS = ("sell", "lose", "break", "wash", "repair", "hide", "forget", "eat", "use", "wear", "read")


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


def manner(context: Context) -> Sentence:
    """Generates a random statement with an adverb of manner: `She sings well`, `elle chante bien`."""
    subject = context.subject()
    en, fr = context.sampler.pick(SKILLS)
    way = context.sampler.pick(MANNERS)
    while way.src == ("together",) and not subject.agreement.plural:
        way = context.sampler.pick(MANNERS)
    predicate = Predicate(find_verb(en, fr), way, (f"{en}+{' '.join(way.src)}",))
    return make_statement(subject, predicate, Manner(context.sampler.pick(("present", "present", "future"))), "manner")


NOTHING = (("nothing", "rien"), ("nobody", "personne"))


def nothing(context: Context) -> Sentence:
    """Generates a random statement with a negative pronoun as object: `He eats nothing`, `il ne mange rien`."""
    subject = context.subject()
    word, rien = context.sampler.pick(NOTHING)
    kind = "person" if word == "nobody" else "thing"
    pool = [
        verb
        for verb in TRANSITIVE
        if kind in verb.objects and not verb.preposition and not verb.particle and verb.en != "read"
    ]
    chosen = context.sampler.pick(pool)
    forms = conjugate(chosen.fr)
    third = subject.agreement.person == 3 and not subject.agreement.plural
    if context.sampler.chance(0.5):
        en, fr = (english.third_person(chosen.en) if third else chosen.en), forms.present[subject.agreement.index]
        templates = (f"<s> {en}/v {word}/n", f"<s> ne/n {fr}/v {rien}/n")
    else:
        has = conjugate("avoir").present[subject.agreement.index]
        order = f"{rien}/n {forms.participle}/v" if word == "nothing" else f"{forms.participle}/v {rien}/n"
        templates = (f"<s> {english.past(chosen.en)}/va {word}/n", f"<s> ne/n {has}/a {order}")
    combos = (f"{chosen.en}+{word}", *subject.combos)
    return Sentence(rule(*templates, s=subject.phrase), ".", combos, ("negation with rien and personne",))
