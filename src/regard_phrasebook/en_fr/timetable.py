"""Clock, calendar and weather."""

from __future__ import annotations

from regard_phrasebook.en_fr import little_words as little
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.clauses import be
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.nouns import NOUNS
from regard_phrasebook.en_fr.predicates import city, country
from regard_phrasebook.en_fr.sentence import Sentence
from regard_phrasebook.en_fr.talk import Talk
from regard_phrasebook.engine.phrase import EMPTY, Phrase, join, pair, rule


def hour(talk: Talk) -> Phrase:
    """A time of the clock: `half past three`, `trois heures et demie`."""
    number = talk.sampler.random.randint(1, 12)
    if number == 12:
        en, fr = talk.sampler.pick((("noon", "midi"), ("midnight", "minuit")))
        return pair(en, fr)
    en, fr = little.NUMBERS[number - 1]
    fr, hours = ("une", "heure") if number == 1 else (fr, "heures")
    kind = talk.sampler.pick(("exact", "exact", "half", "quarter", "to", "minutes"))
    if kind == "half":
        return rule(f"half/m past/m {en}/n", f"{fr}/n {hours}/n et/m demie/m")
    if kind == "quarter":
        return rule(f"a/m quarter/m past/p {en}/n", f"{fr}/n {hours}/n et/p quart/m")
    if kind == "to":
        return rule(f"a/m quarter/m to/p {en}/n", f"{fr}/n {hours}/n moins/p le/m quart/m")
    if kind == "minutes":
        minutes, french = talk.sampler.pick((little.NUMBERS[4], little.NUMBERS[9], little.NUMBERS[19]))
        return rule(f"{minutes}/m past/m {en}/n", f"{fr}/n {hours}/n {french}/m")
    return rule(f"{en}/n o'clock/h", f"{fr}/n {hours}/h")


def clock(talk: Talk) -> Sentence:
    """What time it is."""
    if talk.sampler.chance(0.08):
        return Sentence(rule("what/w time/t is/v it/i", "quelle/w heure/t est/v +-il/i"), "?", (), ("clock",))
    it = {"it": hour(talk)}
    if talk.sampler.chance(0.3):
        phrase = rule("it/i is/v already/a <it>", "il/i est/v déjà/a <it>", **it)
    else:
        phrase = rule("it/i is/v <it>", "il/i est/v <it>", **it)
    return Sentence(phrase, ".", (), ("clock",))


RUNNING = tuple((name, action) for name in ("train", "bus", "plane", "boat", "tram") for action in ("leave", "arrive"))
KEEPING = ("museum", "library", "bank", "pharmacy", "bakery", "supermarket", "market", "post office", "swimming pool")
KEPT = {"leave": "partir", "arrive": "arriver", "open": "ouvrir", "close": "fermer", "begin": "commencer"}
BEGUN = ("exam", "lesson", "meeting", "concert", "party", "wedding", "dinner", "interview")


def schedule(talk: Talk) -> Sentence:
    """`The train leaves at five o'clock`; `what time does the museum open?`."""
    kind = talk.sampler.pick(("running", "keeping", "beginning"))
    if kind == "running":
        name, action = talk.sampler.pick(RUNNING)
    elif kind == "keeping":
        name, action = talk.sampler.pick(KEEPING), talk.sampler.pick(("open", "close"))
    else:
        name, action = talk.sampler.pick(BEGUN), "begin"
    noun = next(one for nouns in NOUNS.values() for one in nouns if one.en == name)
    thing = nps.noun_phrase(nps.THE, noun)
    combos = (f"{noun.en}+{action}",)
    french = conjugate(KEPT[action]).present[2]
    if talk.sampler.chance(0.35):
        phrase = rule(f"what/w time/t does/v <it> {action}/v", f"à/w quelle/w heure/t {french}/v <it>", it=thing.phrase)
        return Sentence(phrase, "?", combos, ("schedule",))
    phrase = rule(f"<it> {action}s/v at/a <hour>", f"<it> {french}/v à/a <hour>", it=thing.phrase, hour=hour(talk))
    return Sentence(phrase, ".", combos, ("schedule",))


def date(talk: Talk, preposition: str = "") -> Phrase:
    """A day of a month: `the third of May`, `le trois mai`.

    Args:
        talk: Where choices come from.
        preposition: English word before it, which the French article translates too.

    Returns:
        The phrase.
    """
    place = talk.sampler.pick(range(len(little.ORDINALS)))
    ordinal, first = little.ORDINALS[place]
    number = {12: "quinze", 13: "vingt"}.get(place) or (first if place == 0 else little.NUMBERS[place][1])
    month, mois = talk.sampler.pick(little.MONTHS)
    before = f"{preposition}/d" if preposition else ""
    return rule(f"{before} the/d {ordinal}/n of/m {month}/m", f"le/d {number}/n {mois}/m")


def today(talk: Talk) -> Sentence:
    """Which day it is."""
    kind = talk.sampler.pick(("day", "date", "date"))
    if kind == "day":
        en, fr = talk.sampler.pick(little.DAYS)
        day, jour, frame = talk.sampler.pick(
            (("today", "aujourd'hui", "is"), ("tomorrow", "demain", "is"), ("yesterday", "hier", "was"))
        )
        said = "c'était" if frame == "was" else "c'est"
        return Sentence(
            rule(f"{day}/d {frame}/v {en}/x", f"{jour}/d +, {said}/v {fr}/x"), ".", (), ("day of the week",)
        )
    it = {"it": date(talk)}
    return Sentence(rule("it/i is/i <it>", "nous/i sommes/i <it>", **it), ".", (), ("date",))


def birthday(talk: Talk) -> Sentence:
    """When somebody's birthday or something else is."""
    noun = talk.sampler.pick([one for one in NOUNS["event"] if one.en in DATED])
    thing = nps.noun_phrase(talk.owner(), noun)
    en, mois = talk.sampler.pick(little.MONTHS)
    when = rule(f"in/a {en}/b", f"en/a {mois}/b")
    if talk.sampler.chance(0.6):
        when = date(talk, "on")
    phrase = rule("<it> is/v <when>", "<it> est/v <when>", it=thing.phrase, when=when)
    return Sentence(phrase, ".", (f"{noun.en} in+{en}",), ("date",))


DATED = ("birthday", "exam", "wedding", "party", "interview")


def born(talk: Talk) -> Sentence:
    """`She was born in Paris in May`, `elle est née`."""
    who = talk.subject()
    form = conjugate("être").present[who.agreement.index]
    participle = ("née" if who.agreement.gender == "f" else "né") + ("s" if who.agreement.plural else "")
    place = talk.sampler.one_of(lambda: city(talk, "in"), lambda: country(talk, "in"))
    en, mois = talk.sampler.pick(little.MONTHS)
    when = rule(f"in/a {en}/b", f"en/a {mois}/b") if talk.sampler.chance(0.4) else EMPTY
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


def weather(talk: Talk, frame: str = "") -> Sentence:
    """The weather, somewhere, some time.

    Args:
        talk: Where choices come from.
        frame: `present`, `past` or `future`; by default any.

    Returns:
        The statement.
    """
    frame = frame or talk.sampler.pick(tuple(WEATHER))
    chosen = talk.sampler.pick(WEATHER[frame])
    where = EMPTY
    combos: tuple[str, ...] = ()
    if talk.sampler.chance(0.5):
        place = talk.sampler.one_of(lambda: city(talk, "in"), lambda: country(talk, "in"))
        where, combos = place.phrase, (f"{' '.join(chosen.src[1:])}+{place.head}",)
    when = talk.time("now" if frame == "present" else frame, 0.35)
    return Sentence(join(chosen, where, when), ".", combos, ("weather",))


def it_was(talk: Talk) -> Sentence:
    """The weather of the past."""
    return weather(talk, "past")


def it_will_be(talk: Talk) -> Sentence:
    """The weather to come."""
    return weather(talk, "future")
