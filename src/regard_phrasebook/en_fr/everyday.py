"""Greetings, thanks, wishes, names, ages, health: what people say to each other all day."""

from __future__ import annotations

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import going_with
from regard_phrasebook.en_fr.clauses import be
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.noun_phrases import Person
from regard_phrasebook.en_fr.nouns import NOUNS, of_kinds
from regard_phrasebook.en_fr.predicates import located_at
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.talk import Talk
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


def greeting(talk: Talk) -> Sentence:
    """A set phrase, with whom it is said to if the talk has an addressee."""
    chosen = talk.sampler.pick(GREETINGS)
    if chosen.src[:2] == ("see", "you") and talk.sampler.chance(0.4):
        en, fr = talk.sampler.pick(little.DAYS)
        chosen = rule(f"see/a you/a on/b {en}/b", f"à/a {fr}/b")
    mark = talk.sampler.pick((".", "!"))
    return Sentence(chosen, mark, (), ("greeting",))


def greeting_by_name(talk: Talk) -> Sentence:
    """A set phrase followed by a name."""
    said, name = greeting(talk), talk.name()
    phrase = rule("<s> +,/c <name>", "<s> +,/c <name>", s=said.phrase, name=name.phrase)
    return Sentence(phrase, said.mark, (f"{' '.join(said.phrase.src)}+{name.head}",), ("greeting",))


def thanks_for(talk: Talk) -> Sentence:
    """Thanks for something: `thank you for the flowers`."""
    noun = talk.sampler.pick(of_kinds(("thing", "text", "writing", "food", "event", "dish", "drink", "clothes")))
    several = not noun.mass and noun.kind != "event" and talk.sampler.chance(0.3)
    determiner = talk.sampler.pick((nps.THE_PLURAL, nps.THESE)) if several else talk.sampler.pick((nps.THE, nps.THIS))
    if talk.sampler.chance(0.25):
        determiner = nps.Determiner("own", several, talk.you)
    thing = nps.noun_phrase(determiner, noun, talk.quality(noun, 0.3))
    phrase = rule("thank/a you/a for/b <it>", "merci/a pour/b <it>", it=thing.phrase)
    return Sentence(phrase, ".", (f"thank+{noun.en}", *thing.combos), ("thanks",))


def wish(talk: Talk) -> Sentence:
    """A wish for some time: `have a good evening`, `bonne soirée`."""
    noun = talk.sampler.pick([one for one in NOUNS["event"] if one.en in WISHED])
    good = "bonne" if noun.gender == "f" else "bon"
    phrase = rule(f"have/g a/g good/g {noun.en}/n", f"{good}/g {noun.fr}/n")
    return Sentence(phrase, talk.sampler.pick((".", "!")), (f"have a good+{noun.en}",), ("wish",))


WISHED = ("day", "week", "evening", "weekend", "night", "holiday", "trip", "flight", "afternoon", "party")


def how_was(talk: Talk) -> Sentence:
    """`How was your day?`: the participle agrees with what took place."""
    events = NOUNS["event"]
    # The day is what people ask about most; events[0] is it.
    event = events[0] if talk.sampler.chance(0.35) else talk.sampler.pick(events)
    owner = nps.Determiner("own", False, talk.you) if talk.sampler.chance(0.6) else talk.owner()
    asked = how_was_it(nps.noun_phrase(owner, event, talk.quality(event, 0.1)))
    if not talk.sampler.chance(0.5):
        return asked
    place = located_at(talk)
    phrase = rule("<s> <at>", "<s> <at>", s=asked.phrase, at=place.phrase)
    return Sentence(phrase, "?", (*asked.combos, f"{event.en} at+{place.head}"), asked.constructions)


def how_was_it(thing: nps.Nominal) -> Sentence:
    """The question about one event.

    Args:
        thing: What took place.

    Returns:
        The question.
    """
    participle = "passée" if thing.agreement.gender == "f" else "passé"
    phrase = rule("how/h was/w <event>", f"comment/h s'+/w est/w {participle}/w <event>", event=thing.phrase)
    return Sentence(phrase, "?", (f"how was+{thing.head}", *thing.combos), ("how was",))


def how_are(talk: Talk) -> Sentence:
    """How somebody is: `how is your mother?`."""
    who = talk.sampler.one_of(talk.pronoun, talk.third)
    if who.pronoun in ("I", "we"):
        who = talk.you.nominal()
    form = conjugate("aller").present[who.agreement.index]
    if not who.pronoun:
        phrase = rule(f"how/h {be(who.agreement)}/v <who>", f"comment/h {form}/v <who>", who=who.phrase)
        return Sentence(phrase, "?", (f"how is+{who.head}", *who.combos), ("how are you",))
    return Sentence(_how_pronoun(who, form), "?", (), ("how are you",))


def _how_pronoun(who: nps.Nominal, form: str) -> Phrase:
    """With a pronoun French turns the order round: `comment vas-tu`, `comment va-t-il`."""
    word = who.phrase.tgt[0]
    joint = "-t-" if form.endswith("a") else "-"
    return rule(f"how/h {be(who.agreement)}/v {who.phrase.src[0]}/s", f"comment/h {form}/v +{joint}{word}/s")


def being_well(talk: Talk) -> Sentence:
    """`I am well`: French says it with aller."""
    who = talk.subject()
    form = conjugate("aller").present[who.agreement.index]
    way = talk.sampler.pick((pair("well", "bien"), pair("very well", "très bien"), pair("better", "mieux")))
    phrase = rule(f"<who> {be(who.agreement)}/v <way>", f"<who> {form}/v <way>", who=who.phrase, way=way)
    return Sentence(phrase, ".", (f"{who.head}+{way.src[-1]}", *who.combos) if who.head else (), ("being well",))


def naming(talk: Talk) -> Sentence:
    """`My name is Anna`, `je m'appelle Anna`, and the question."""
    person: Person = talk.sampler.pick(talk.persons())
    if person.agreement.plural:
        person = nps.HE
    form = conjugate("appeler").present[person.agreement.index]
    if person is not nps.I and talk.sampler.chance(0.4):
        joint = "-t-" if person.agreement.person == 3 else "-"
        asked = f"comment/w {person.reflexive}/n {form}/n +{joint}{person.fr}/o"
        return Sentence(rule(f"what/w is/n {person.en_own}/o name/n", asked), "?", (), ("naming",))
    women, men = little.WOMEN, little.MEN
    name = talk.sampler.pick(women if person.agreement.gender == "f" else women + men if person is nps.I else men)
    told = f"{person.fr}/o {person.reflexive}/n {form}/n {name}/x"
    phrase = rule(f"{person.en_own}/o name/n is/n {name}/x", told)
    return Sentence(phrase, ".", (f"{person.en_own} name+{name}",), ("naming",))


def age(talk: Talk) -> Sentence:
    """How old somebody is: `avoir vingt ans`."""
    who = talk.subject()
    form = conjugate("avoir").present[who.agreement.index]
    if talk.sampler.chance(0.3) and who.pronoun not in ("", "I"):
        joint = "-t-" if form == "a" else "-"
        phrase = rule(
            f"how/h old/h {be(who.agreement)}/v {who.phrase.src[0]}/s",
            f"quel/h âge/h {form}/v +{joint}{who.phrase.tgt[0]}/s",
        )
        return Sentence(phrase, "?", (), ("age",))
    en, fr = talk.sampler.pick(little.NUMBERS[4:])
    phrase = rule(
        f"<who> {be(who.agreement)}/v <count> years/o old/o",
        f"<who> {form}/v <count> ans/o",
        who=who.phrase,
        count=pair(en, fr),
    )
    return Sentence(phrase, ".", (f"years+{en}+{who.head or who.pronoun}", *who.combos), ("age",))


def introducing(talk: Talk) -> Sentence:
    """`This is my sister`, `voici ma sœur`."""
    who = talk.sampler.one_of(talk.relative, talk.stranger)
    word = "these/v are/v" if who.agreement.plural else "this/v is/v"
    phrase = rule(f"{word} <who>", "voici/v <who>", who=who.phrase)
    return Sentence(phrase, ".", (f"this is+{who.head}", *who.combos), ("introducing",))


def exclaiming(talk: Talk) -> Sentence:
    """`What a beautiful house!`: the French word for what agrees."""
    noun = talk.sampler.pick(
        of_kinds(("clothes", "room", "land", "home", "thing", "vehicle", "idea", "animal", "event"))
    )
    fitting = [one for one in going_with(noun.kind) if one.comparative or one.en == "delicious"]
    adjective = talk.sampler.pick(fitting)
    thing = nps.noun_phrase(nps.BARE, noun, adjective)
    what = "quelle" if noun.gender == "f" else "quel"
    phrase = rule("what/w a/w <it>", f"{what}/w <it>", it=thing.phrase)
    return Sentence(phrase, "!", thing.combos, ("exclamation",))


def hurting(talk: Talk) -> Sentence:
    """`My head hurts`, `j'ai mal à la tête`: the owner becomes the French subject."""
    person: Person = talk.sampler.pick((nps.I, nps.I, talk.you, nps.HE, nps.SHE))
    noun = talk.sampler.pick(NOUNS["body"])
    several = noun.en in ("tooth", "foot", "knee", "arm", "leg", "hand") and talk.sampler.chance(0.4)
    determiner = nps.THE_PLURAL if several else nps.THE
    part = nps.noun_phrase(determiner, noun)
    form = conjugate("avoir").present[person.agreement.index]
    words = " ".join(f"{word}/b" for word in part.phrase.src[1:])
    body = " ".join(f"{word}/b" for word in part.phrase.tgt)
    hurt = "hurt" if several else "hurts"
    now = talk.time("now", 0.4)
    if talk.sampler.chance(0.5):
        owner = talk.someone()
        templates = (f"<who> +'s/h {words} {hurt}/h <now>", f"<who> a/h mal/h à/b {body} <now>")
        combos = (f"{owner.head}+{noun.en}", *owner.combos)
        return Sentence(rule(*templates, who=owner.phrase, now=now), ".", combos, ("hurting",))
    templates = (f"{person.en_own}/o {words} {hurt}/h <now>", f"{person.fr}/o {form}/h mal/h à/b {body} <now>")
    return Sentence(rule(*templates, now=now), ".", (f"{person.en_own}+{noun.en}",), ("hurting",))
