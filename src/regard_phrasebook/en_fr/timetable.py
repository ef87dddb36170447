"""Clock, calendar and weather."""

from __future__ import annotations

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import be
from regard_phrasebook.en_fr.context import Context
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.nouns import NOUNS
from regard_phrasebook.en_fr.predicates import city, country
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.engine.phrase import EMPTY, Phrase, join, pair, rule


def hour(context: Context) -> Phrase:
    """Generates a random clock time: `half past three`, `trois heures et demie`."""
    number = context.sampler.random.randint(1, 12)
    if number == 12:
        en, fr = context.sampler.pick((("noon", "midi"), ("midnight", "minuit")))
        return pair(en, fr)
    en, fr = little.NUMBERS[number - 1]
    fr, hours = ("une", "heure") if number == 1 else (fr, "heures")
    kind = context.sampler.pick(("exact", "exact", "half", "quarter", "to", "minutes"))
    if kind == "half":
        return rule(f"half/m past/m {en}/n", f"{fr}/n {hours}/n et/m demie/m")
    if kind == "quarter":
        return rule(f"a/m quarter/m past/p {en}/n", f"{fr}/n {hours}/n et/p quart/m")
    if kind == "to":
        return rule(f"a/m quarter/m to/p {en}/n", f"{fr}/n {hours}/n moins/p le/m quart/m")
    if kind == "minutes":
        minutes, french = context.sampler.pick((little.NUMBERS[4], little.NUMBERS[9], little.NUMBERS[19]))
        return rule(f"{minutes}/m past/m {en}/n", f"{fr}/n {hours}/n {french}/m")
    return rule(f"{en}/n o'clock/h", f"{fr}/n {hours}/h")


def clock(context: Context) -> Sentence:
    """Generates a random question or statement about the time: `It is half past three`."""
    if context.sampler.chance(0.08):
        return Sentence(rule("what/w time/t is/v it/i", "quelle/w heure/t est/v +-il/i"), "?", (), ("clock",))
    it = {"it": hour(context)}
    if context.sampler.chance(0.3):
        phrase = rule("it/i is/v already/a <it>", "il/i est/v déjà/a <it>", **it)
    else:
        phrase = rule("it/i is/v <it>", "il/i est/v <it>", **it)
    return Sentence(phrase, ".", (), ("clock",))


VEHICLE_ACTIONS = tuple(
    (name, action) for name in ("train", "bus", "plane", "boat", "tram") for action in ("leave", "arrive")
)
PLACES_WITH_HOURS = (
    "museum",
    "library",
    "bank",
    "pharmacy",
    "bakery",
    "supermarket",
    "market",
    "post office",
    "swimming pool",
)
SCHEDULE_VERBS = {"leave": "partir", "arrive": "arriver", "open": "ouvrir", "close": "fermer", "begin": "commencer"}
EVENTS_WITH_BEGINNING = ("exam", "lesson", "meeting", "concert", "party", "wedding", "dinner", "interview")


def schedule(context: Context) -> Sentence:
    """Generates a random schedule: `The train leaves at five o'clock`; `what time does the museum open?`."""
    kind = context.sampler.pick(("running", "keeping", "beginning"))
    if kind == "running":
        name, action = context.sampler.pick(VEHICLE_ACTIONS)
    elif kind == "keeping":
        name, action = context.sampler.pick(PLACES_WITH_HOURS), context.sampler.pick(("open", "close"))
    else:
        name, action = context.sampler.pick(EVENTS_WITH_BEGINNING), "begin"
    noun = next(noun for nouns in NOUNS.values() for noun in nouns if noun.en == name)
    thing = nps.noun_phrase(nps.THE, noun)
    combos = (f"{noun.en}+{action}",)
    french = conjugate(SCHEDULE_VERBS[action]).present[2]
    if context.sampler.chance(0.35):
        phrase = rule(f"what/w time/t does/v <it> {action}/v", f"à/w quelle/w heure/t {french}/v <it>", it=thing.phrase)
        return Sentence(phrase, "?", combos, ("schedule",))
    phrase = rule(f"<it> {action}s/v at/a <hour>", f"<it> {french}/v à/a <hour>", it=thing.phrase, hour=hour(context))
    return Sentence(phrase, ".", combos, ("schedule",))


def date(context: Context, preposition: str = "") -> Phrase:
    """Generates a random date: `the third of May`, `le trois mai`.

    Args:
        context: Source of the random choices within the sentence.
        preposition: English preposition before the date, linked to the French article; empty = none.

    Returns:
        The phrase.
    """
    index = context.sampler.pick(range(len(little.ORDINALS)))
    ordinal, first = little.ORDINALS[index]
    number = {12: "quinze", 13: "vingt"}.get(index) or (first if index == 0 else little.NUMBERS[index][1])
    month, mois = context.sampler.pick(little.MONTHS)
    before = f"{preposition}/d" if preposition else ""
    return rule(f"{before} the/d {ordinal}/n of/m {month}/m", f"le/d {number}/n {mois}/m")


def today(context: Context) -> Sentence:
    """Generates a random statement of the day of the week or the date: `Today is Monday`."""
    kind = context.sampler.pick(("day", "date", "date"))
    if kind == "day":
        en, fr = context.sampler.pick(little.DAYS)
        day, jour, frame = context.sampler.pick(
            (("today", "aujourd'hui", "is"), ("tomorrow", "demain", "is"), ("yesterday", "hier", "was"))
        )
        copula = "c'était" if frame == "was" else "c'est"
        return Sentence(
            rule(f"{day}/d {frame}/v {en}/x", f"{jour}/d +, {copula}/v {fr}/x"), ".", (), ("day of the week",)
        )
    it = {"it": date(context)}
    return Sentence(rule("it/i is/i <it>", "nous/i sommes/i <it>", **it), ".", (), ("date",))


def birthday(context: Context) -> Sentence:
    """Generates a random statement about the date of an event: `My birthday is in May`."""
    noun = context.sampler.pick([noun for noun in NOUNS["event"] if noun.en in EVENTS_WITH_DATE])
    thing = nps.noun_phrase(context.owner(), noun)
    en, mois = context.sampler.pick(little.MONTHS)
    when = rule(f"in/a {en}/b", f"en/a {mois}/b")
    if context.sampler.chance(0.6):
        when = date(context, "on")
    phrase = rule("<it> is/v <when>", "<it> est/v <when>", it=thing.phrase, when=when)
    return Sentence(phrase, ".", (f"{noun.en} in+{en}",), ("date",))


EVENTS_WITH_DATE = ("birthday", "exam", "wedding", "party", "interview")


def born(context: Context) -> Sentence:
    """Generates a random statement with date and place of birth: `She was born in Paris in May`, `elle est née`."""
    who = context.subject()
    form = conjugate("être").present[who.agreement.index]
    participle = ("née" if who.agreement.gender == "f" else "né") + ("s" if who.agreement.plural else "")
    place = context.sampler.one_of(lambda: city(context, "in"), lambda: country(context, "in"))
    en, mois = context.sampler.pick(little.MONTHS)
    when = rule(f"in/a {en}/b", f"en/a {mois}/b") if context.sampler.chance(0.4) else EMPTY
    phrase = rule(
        f"<who> {be(who.agreement, True)}/a born/b <place> <when>",
        f"<who> {form}/a {participle}/b <place> <when>",
        who=who.phrase,
        place=place.phrase,
        when=when,
    )
    return Sentence(phrase, ".", (f"born+{place.head}", *who.combos), ("being born",))


WEATHER = {
    "present": little.linked("""
        it/i is/v raining/v = il/i pleut/v
        it/i is/v snowing/v = il/i neige/v
        it/i is/v cold/x = il/i fait/v froid/x
        it/i is/v hot/x = il/i fait/v chaud/x
        it/i is/v sunny/x = il/i fait/v soleil/x
        it/i is/v windy/x = il/i y/i a/v du/x vent/x
        it/i is/v foggy/x = il/i y/i a/v du/x brouillard/x
        it/i is/v dark/x = il/i fait/v nuit/x
        the/v weather/v is/v nice/x = il/v fait/v beau/x
        the/v weather/v is/v bad/x = il/v fait/v mauvais/x
    """),
    "past": little.linked("""
        it/i rained/v = il/i a/v plu/v
        it/i snowed/v = il/i a/v neigé/v
        it/i was/v cold/x = il/i faisait/v froid/x
        it/i was/v hot/x = il/i faisait/v chaud/x
        it/i was/v windy/x = il/i y/i avait/v du/x vent/x
        it/i was/v foggy/x = il/i y/i avait/v du/x brouillard/x
        the/v weather/v was/v nice/x = il/v faisait/v beau/x
        the/v weather/v was/v bad/x = il/v faisait/v mauvais/x
    """),
    "future": little.linked("""
        it/i will/v rain/v = il/i pleuvra/v
        it/i will/v snow/v = il/i neigera/v
        it/i will/v be/v cold/x = il/i fera/v froid/x
        it/i will/v be/v hot/x = il/i fera/v chaud/x
        it/i will/v be/v windy/x = il/i y/i aura/v du/x vent/x
        the/v weather/v will/v be/v nice/x = il/v fera/v beau/x
        it/i is/a going/a to/a rain/v = il/i va/a pleuvoir/v
        it/i is/a going/a to/a snow/v = il/i va/a neiger/v
    """),
}


def weather(context: Context, frame: str = "") -> Sentence:
    """Generates a random statement about the weather, with an optional place and time.

    Args:
        context: Source of the random choices within the sentence.
        frame: `present`, `past` or `future`; empty = random.

    Returns:
        The statement.
    """
    frame = frame or context.sampler.pick(tuple(WEATHER))
    chosen = context.sampler.pick(WEATHER[frame])
    where = EMPTY
    combos: tuple[str, ...] = ()
    if context.sampler.chance(0.5):
        place = context.sampler.one_of(lambda: city(context, "in"), lambda: country(context, "in"))
        where, combos = place.phrase, (f"{' '.join(chosen.src[1:])}+{place.head}",)
    when = context.time("now" if frame == "present" else frame, 0.35)
    return Sentence(join(chosen, where, when), ".", combos, ("weather",))


def it_was(context: Context) -> Sentence:
    """Generates a random statement about past weather."""
    return weather(context, "past")


def it_will_be(context: Context) -> Sentence:
    """Generates a random statement about future weather."""
    return weather(context, "future")
