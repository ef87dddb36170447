"""Everyday phrases: greetings, thanks, well-wishing, names, ages, health."""

from __future__ import annotations

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import adjectives_for
from regard_phrasebook.en_fr.clauses import be
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.noun_phrases import Person
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import event_location
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.engine.phrase import Phrase, pair, rule

GREETINGS = little.linked("""
hello/a = bonjour/a
hi/a = salut/a
good/a evening/b = bon+/a +soir/b
good/a night/b = bonne/a nuit/b
goodbye/a = au/a revoir/a
see/a you/a soon/b = à/a bientôt/b
see/a you/a tomorrow/b = à/a demain/b
see/a you/a tonight/b = à/a ce/b soir/b
see/a you/a later/b = à/a plus/b tard/b
thank/a you/a = merci/a
thank/a you/a very/b much/b = merci/a beaucoup/b
many/b thanks/a = mille/b mercis/a
yes/a = oui/a
no/a = non/a
of/a course/a = bien/a sûr/a
well/a done/a = bravo/a
good/a luck/b = bonne/a chance/b
happy/a birthday/b = bon/a anniversaire/b
happy/a new/a year/c = bonne/a année/c
congratulations/a = félicitations/a
welcome/a = bienvenue/a
welcome/a home/b = bienvenue/a à/b la/b maison/b
enjoy/a your/a meal/b = bon/a appétit/b
sorry/a = pardon/a
no/a problem/b = pas/a de/a problème/b
good/a idea/b = bonne/a idée/b
don't/a worry/b = pas/a de/b souci/b
cheers/a = santé/a
""")


def greeting(context: Context) -> Sentence:
    """Generates a random fixed phrase, sometimes with a day: `see you on Monday`."""
    chosen = context.sampler.pick(GREETINGS)
    if chosen.src[:2] == ("see", "you") and context.sampler.chance(0.4):
        en, fr = context.sampler.pick(little.DAYS)
        chosen = rule(f"see/a you/a on/b {en}/b", f"à/a {fr}/b")
    mark = context.sampler.pick((".", "!"))
    return Sentence(chosen, mark, (), ("greeting",))


def greeting_by_name(context: Context) -> Sentence:
    """Generates a random fixed phrase followed by a name: `hello, Anna`."""
    phrase, name = greeting(context), context.name()
    whole = rule("<s> +,/c <name>", "<s> +,/c <name>", s=phrase.phrase, name=name.phrase)
    return Sentence(whole, phrase.mark, (f"{' '.join(phrase.phrase.src)}+{name.head}",), ("greeting",))


def thanks_for(context: Context) -> Sentence:
    """Generates thanks for a random thing: `thank you for the flowers`."""
    noun = context.sampler.pick(of_kinds(("thing", "text", "writing", "food", "event", "dish", "drink", "clothes")))
    several = not noun.mass and noun.kind != "event" and context.sampler.chance(0.3)
    determiner = (
        context.sampler.pick((nps.THE_PLURAL, nps.THESE)) if several else context.sampler.pick((nps.THE, nps.THIS))
    )
    if context.sampler.chance(0.25):
        determiner = nps.Determiner("own", several, context.you)
    thing = nps.noun_phrase(determiner, noun, context.quality(noun, 0.3))
    phrase = rule("thank/a you/a for/b <it>", "merci/a pour/b <it>", it=thing.phrase)
    return Sentence(phrase, ".", (f"thank+{noun.en}", *thing.combos), ("thanks",))


def well_wishing(context: Context) -> Sentence:
    """Generates a random phrase such as `have a good evening`, `bonne soirée`."""
    noun = context.sampler.pick([noun for noun in NOUNS["event"] if noun.en in GOOD_TIMES])
    good = "bonne" if noun.gender == "f" else "bon"
    phrase = rule(f"have/g a/g good/g {noun.en}/n", f"{good}/g {noun.fr}/n")
    return Sentence(phrase, context.sampler.pick((".", "!")), (f"have a good+{noun.en}",), ("well-wishing",))


GOOD_TIMES = ("day", "week", "evening", "weekend", "night", "holiday", "trip", "flight", "afternoon", "party")


def how_was(context: Context) -> Sentence:
    """Generates a random sentence such as `How was your day?`; the French participle agrees with the noun."""
    events = NOUNS["event"]
    # People ask about the day most often; it is events[0].
    event = events[0] if context.sampler.chance(0.35) else context.sampler.pick(events)
    owner = nps.Determiner("own", False, context.you) if context.sampler.chance(0.6) else context.owner()
    question = how_was_question(nps.noun_phrase(owner, event, context.quality(event, 0.1)))
    if not context.sampler.chance(0.5):
        return question
    place = event_location(context)
    phrase = rule("<s> <at>", "<s> <at>", s=question.phrase, at=place.phrase)
    return Sentence(phrase, "?", (*question.combos, f"{event.en} at+{place.head}"), question.constructions)


def how_was_question(thing: nps.Nominal) -> Sentence:
    """Generates `How was ...?` about an event.

    Args:
        thing: The event.

    Returns:
        The question.
    """
    participle = "passée" if thing.agreement.gender == "f" else "passé"
    phrase = rule("how/h was/w <event>", f"comment/h s'+/w est/w {participle}/w <event>", event=thing.phrase)
    return Sentence(phrase, "?", (f"how was+{thing.head}", *thing.combos), ("how was",))


def how_are(context: Context) -> Sentence:
    """Generates a random question about a person's health: `how is your mother?`."""
    who = context.sampler.one_of(context.pronoun, context.third)
    if who.pronoun in ("I", "we"):
        who = context.you.nominal()
    form = conjugate("aller").present[who.agreement.index]
    if not who.pronoun:
        phrase = rule(f"how/h {be(who.agreement)}/v <who>", f"comment/h {form}/v <who>", who=who.phrase)
        return Sentence(phrase, "?", (f"how is+{who.head}", *who.combos), ("how are you",))
    return Sentence(_how_pronoun(who, form), "?", (), ("how are you",))


def _how_pronoun(who: nps.Nominal, form: str) -> Phrase:
    """The question with a pronoun, which French inverts: `comment vas-tu`, `comment va-t-il`."""
    word = who.phrase.tgt[0]
    joint = "-t-" if form.endswith("a") else "-"
    return rule(f"how/h {be(who.agreement)}/v {who.phrase.src[0]}/s", f"comment/h {form}/v +{joint}{word}/s")


def being_well(context: Context) -> Sentence:
    """Generates a random sentence such as `I am well`; French has aller: `je vais bien`."""
    who = context.subject()
    form = conjugate("aller").present[who.agreement.index]
    way = context.sampler.pick((pair("well", "bien"), pair("very well", "très bien"), pair("better", "mieux")))
    phrase = rule(f"<who> {be(who.agreement)}/v <way>", f"<who> {form}/v <way>", who=who.phrase, way=way)
    return Sentence(phrase, ".", (f"{who.head}+{way.src[-1]}", *who.combos) if who.head else (), ("being well",))


def naming(context: Context) -> Sentence:
    """Generates a random sentence such as `My name is Anna`, `je m'appelle Anna`, as a statement or a question."""
    person: Person = context.sampler.pick(context.persons())
    if person.agreement.plural:
        person = nps.HE
    form = conjugate("appeler").present[person.agreement.index]
    if person is not nps.I and context.sampler.chance(0.4):
        joint = "-t-" if person.agreement.person == 3 else "-"
        french = f"comment/w {person.reflexive}/n {form}/n +{joint}{person.fr}/o"
        return Sentence(rule(f"what/w is/n {person.en_possessive}/o name/n", french), "?", (), ("naming",))
    women, men = little.WOMEN, little.MEN
    name = context.sampler.pick(women if person.agreement.gender == "f" else women + men if person is nps.I else men)
    french = f"{person.fr}/o {person.reflexive}/n {form}/n {name}/x"
    phrase = rule(f"{person.en_possessive}/o name/n is/n {name}/x", french)
    return Sentence(phrase, ".", (f"{person.en_possessive} name+{name}",), ("naming",))


def age(context: Context) -> Sentence:
    """Generates a random question or statement about a person's age: `He is twenty years old`."""
    who = context.subject()
    form = conjugate("avoir").present[who.agreement.index]
    if context.sampler.chance(0.3) and who.pronoun not in ("", "I"):
        joint = "-t-" if form == "a" else "-"
        phrase = rule(
            f"how/h old/h {be(who.agreement)}/v {who.phrase.src[0]}/s",
            f"quel/h âge/h {form}/v +{joint}{who.phrase.tgt[0]}/s",
        )
        return Sentence(phrase, "?", (), ("age",))
    en, fr = context.sampler.pick(little.NUMBERS[4:])
    phrase = rule(
        f"<who> {be(who.agreement)}/v <count> years/o old/o",
        f"<who> {form}/v <count> ans/o",
        who=who.phrase,
        count=pair(en, fr),
    )
    return Sentence(phrase, ".", (f"years+{en}+{who.head or who.pronoun}", *who.combos), ("age",))


def introducing(context: Context) -> Sentence:
    """Generates a random introduction of a person: `This is my sister`, `voici ma sœur`."""
    who = context.sampler.one_of(context.relative, context.stranger)
    word = "these/v are/v" if who.agreement.plural else "this/v is/v"
    phrase = rule(f"{word} <who>", "voici/v <who>", who=who.phrase)
    return Sentence(phrase, ".", (f"this is+{who.head}", *who.combos), ("introducing",))


def exclaiming(context: Context) -> Sentence:
    """Generates a random exclamation: `What a beautiful house!`; French quel agrees with the noun."""
    noun = context.sampler.pick(
        of_kinds(("clothes", "room", "land", "home", "thing", "vehicle", "idea", "animal", "event"))
    )
    fitting = [
        adjective for adjective in adjectives_for(noun.kind) if adjective.comparative or adjective.en == "delicious"
    ]
    adjective = context.sampler.pick(fitting)
    thing = nps.noun_phrase(nps.BARE, noun, adjective)
    what = "quelle" if noun.gender == "f" else "quel"
    phrase = rule("what/w a/w <it>", f"{what}/w <it>", it=thing.phrase)
    return Sentence(phrase, "!", thing.combos, ("exclamation",))


def hurting(context: Context) -> Sentence:
    """Generates a random sentence about pain: `My head hurts`, `j'ai mal à la tête`."""
    person: Person = context.sampler.pick((nps.I, nps.I, context.you, nps.HE, nps.SHE))
    noun = context.sampler.pick(NOUNS["body"])
    several = noun.en in ("tooth", "foot", "knee", "arm", "leg", "hand") and context.sampler.chance(0.4)
    determiner = nps.THE_PLURAL if several else nps.THE
    part = nps.noun_phrase(determiner, noun)
    form = conjugate("avoir").present[person.agreement.index]
    words = " ".join(f"{word}/b" for word in part.phrase.src[1:])
    body = " ".join(f"{word}/b" for word in part.phrase.tgt)
    hurt = "hurt" if several else "hurts"
    now = context.time("now", 0.4)
    if context.sampler.chance(0.5):
        owner = context.someone()
        templates = (f"<who> +'s/h {words} {hurt}/h <now>", f"<who> a/h mal/h à/b {body} <now>")
        combos = (f"{owner.head}+{noun.en}", *owner.combos)
        return Sentence(rule(*templates, who=owner.phrase, now=now), ".", combos, ("hurting",))
    templates = (f"{person.en_possessive}/o {words} {hurt}/h <now>", f"{person.fr}/o {form}/h mal/h à/b {body} <now>")
    return Sentence(rule(*templates, now=now), ".", (f"{person.en_possessive}+{noun.en}",), ("hurting",))
