"""The English-Korean grammar for the corpus writer: constructions, drafts and spelling."""

from __future__ import annotations

from collections.abc import Callable

from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.clauses import FRAMES, Clause, clause, going, state
from regard_phrasebook.en_ko.endings import Stem, favor, modifier, past, polite, present_modifier, request
from regard_phrasebook.en_ko.joining import because, coordinated, lengthy, on_condition
from regard_phrasebook.en_ko.phrases import (
    Subject,
    counted,
    modifying,
    noun_phrase,
    object_of,
    subject,
    thing,
    with_particle,
)
from regard_phrasebook.engine.grammar import Draft
from regard_phrasebook.engine.phrase import EMPTY, Phrase, Piece, SentencePair, attach, capitalize, pair, realize, rule
from regard_phrasebook.engine.sampler import Sampler

MarkedClause = tuple[Clause, str]
"""A clause and the final punctuation mark of its sentence."""
OWNED_NOUNS = (*words.THINGS, *words.BOOKS, *words.ANIMALS)
"""Nouns that can be owned or have a location."""


def _spell(pieces: list[Piece]) -> list[Piece]:
    return capitalize(attach(pieces))


def _tagged(english: str, tag: str = "v") -> str:
    """Adds a tag to each English word."""
    return " ".join(f"{word}/{tag}" for word in english.split())


def _statement(sampler: Sampler) -> MarkedClause:
    return clause(sampler, sampler.pick((*FRAMES, "want"))), "."


def _destination(sampler: Sampler) -> MarkedClause:
    return going(sampler, sampler.pick(FRAMES)), "."


def _state(sampler: Sampler) -> MarkedClause:
    return state(sampler, sampler.pick(("present", "past"))), "."


def _located(sampler: Sampler) -> MarkedClause:
    noun = sampler.pick(OWNED_NOUNS)
    place = sampler.pick(words.places_for(noun))
    where = with_particle(noun_phrase(place, "the"), "at", "in")
    combos = (f"{noun.en}+in {place.en}",)
    if sampler.chance(0.5):
        missing = sampler.chance(0.3)
        what = with_particle(noun_phrase(noun, "" if missing else "a"), "subject")
        english, korean = ("there/v is/v no/n", "없어요/vn") if missing else ("there/v is/v", "있어요/v")
        phrase = rule(f"{english} <n> <p>", f"<p> <n> {korean}", n=what, p=where)
        return Clause(phrase, combos, ("absence" if missing else "existence",)), "."
    what = with_particle(noun_phrase(noun, sampler.pick(("the", "my", "our"))), "topic")
    return Clause(rule("<n> is/v <p>", "<n> <p> 있어요/v", n=what, p=where), combos, ("location",)), "."


def _describing(sampler: Sampler) -> MarkedClause:
    adjective = sampler.pick(words.ADJECTIVES)
    noun = _described(sampler, adjective)
    own = () if noun.kind in ("place", "person", "sound") else ("my", "our")
    determiner = "" if noun.kind == "subject" else sampler.pick(("the", "this", "that", *own))
    combos = (f"{adjective.en}+{noun.en}",)
    what = with_particle(noun_phrase(noun, determiner), "topic")
    if sampler.chance(0.3):
        korean, english = f"{adjective.ko.text}지/a 않아요/bn", f"is/b not/n {adjective.en}/a"
    else:
        korean, english = f"{polite(adjective.ko)}/ab", f"is/b {adjective.en}/a"
    return Clause(rule(f"<n> {english}", f"<n> {korean}", n=what), combos, ("description",)), "."


def _described(sampler: Sampler, adjective: words.Adjective) -> words.Noun:
    return sampler.pick(tuple(noun for noun in words.NOUNS.values() if words.suits(adjective, noun)))


def _comparing(sampler: Sampler) -> MarkedClause:
    adjective = sampler.pick(tuple(adjective for adjective in words.ADJECTIVES if adjective.en not in words.COLORS))
    first, second = _described(sampler, adjective), _described(sampler, adjective)
    if first.kind != second.kind or first == second:
        return _describing(sampler)
    the = "" if first.kind == "subject" else "the"
    english = f"more/m {adjective.en}/a" if adjective.more.startswith("more ") else f"{adjective.more}/ma"
    phrase = rule(
        f"<n> is/b {english} <t>",
        f"<n> <t> 더/m {polite(adjective.ko)}/ab",
        n=with_particle(noun_phrase(first, the), "topic"),
        t=with_particle(noun_phrase(second, the), "than", "than"),
    )
    return Clause(phrase, (f"{adjective.en}+{first.en}", f"{adjective.en}+{second.en}"), ("comparison",)), "."


def _possessive(sampler: Sampler) -> MarkedClause:
    owner, noun = subject(sampler, "third"), sampler.pick(OWNED_NOUNS)
    adjective = sampler.pick(words.adjectives_for(noun))
    possessor = Phrase((*owner.phrase.src, "+'s"), with_particle(owner.phrase, "of").tgt, owner.phrase.links)
    what = with_particle(rule(f"<o> {noun.en}/n", f"<o> {noun.ko}/n", o=possessor), "topic")
    phrase = rule(f"<n> is/a {adjective.en}/a", f"<n> {polite(adjective.ko)}/a", n=what)
    return Clause(phrase, (f"{adjective.en}+{noun.en}",), ("possessive",)), "."


def _identity(sampler: Sampler) -> MarkedClause:
    who, noun = subject(sampler, "one"), sampler.pick(words.JOBS)
    be = who.person.be
    combos: tuple[str, ...] = (f"{who.named}+be {noun.en}",)
    if sampler.chance(0.3):
        what = with_particle(noun_phrase(noun, "a"), "subject")
        phrase = rule(f"<s> {be}/b not/n <n>", "<s> <n> 아니에요/bn", s=with_particle(who.phrase, "topic"), n=what)
        return Clause(phrase, combos, ("identity", "negation with 아니다")), "."
    adjective = EMPTY
    if sampler.chance(0.7):
        quality = sampler.pick(words.adjectives_for(noun))
        adjective, combos = modifying(quality), (*combos, f"{quality.en}+{noun.en}")
    what = noun_phrase(noun, "a", adjective)
    what = Phrase(what.src, (*what.tgt[:-1], polite(Stem(what.tgt[-1] + "이", "copula"))), what.links)
    phrase = rule(f"<s> {be}/b <n>", "<s> <n>", s=with_particle(who.phrase, "topic"), n=what)
    last = (len(who.phrase.src), len(phrase.tgt) - 1)
    linked = Phrase(phrase.src, phrase.tgt, phrase.links | {last})
    return Clause(linked, combos, ("identity",)), "."


def _price(sampler: Sampler) -> MarkedClause:
    """The price of a thing, in Sino-Korean numerals."""
    goods = (*words.FOOD, *words.DRINKS, *words.BOOKS, *words.THINGS)
    noun = sampler.pick(tuple(noun for noun in goods if noun.en not in words.UNSUITABLE["cost"]))
    what = with_particle(noun_phrase(noun, sampler.pick(("the", "this", "that"))), "topic")
    phrase = rule("<n> costs/c <m> won/w", "<n> <m> 원이에요/cw", n=what, m=pair(*sampler.pick(words.PRICES)))
    return Clause(phrase, (f"cost+{noun.en}",), ("price",)), "."


def _request(sampler: Sampler) -> MarkedClause:
    if sampler.chance(0.3):
        noun = sampler.pick((*words.FOOD, *words.DRINKS, *words.BOOKS, *words.THINGS))
        if noun.plural and sampler.chance(0.4):
            what = counted(noun, sampler.pick(words.NUMBERS))
        else:
            what = noun_phrase(noun, sampler.pick(("a", "the", "this")))
        phrase = rule("please/p give/p me/m <n>", "저에게/m <n> 주세요/p", n=with_particle(what, "object"))
        return Clause(phrase, (f"give+{noun.en}",), ("request",)), "."
    verb = sampler.pick(
        tuple(verb for verb in words.TRANSITIVE if not verb.stative and verb.en not in ("eat", "drink"))
    )
    what, combos = thing(sampler, verb)
    korean = _tagged(favor(verb.ko) if verb.favor else request(verb.ko))
    phrase = rule(f"please/v {_tagged(verb.en)} <n>", f"<n> {korean}", n=with_particle(what, "object"))
    return Clause(phrase, combos, ("request",)), "."


def _relative(sampler: Sampler) -> MarkedClause:
    verb = sampler.pick(tuple(verb for verb in words.TRANSITIVE if not verb.stative and verb.past))
    noun = object_of(sampler, verb)
    if sampler.chance(0.5) or not words.adjectives_for(noun) or noun.kind in ("person", "subject"):
        return _who_is_doing(sampler, verb), "."
    who, adjective = subject(sampler), sampler.pick(words.adjectives_for(noun))
    phrase = rule(
        f"the/n {noun.en}/n that/v <s> {_tagged(verb.past)} was/a {adjective.en}/a",
        f"<s> {modifier(verb.ko)}/v {_topic(noun)}/n {polite(past(adjective.ko))}/a",
        s=with_particle(who.phrase, "subject"),
    )
    return Clause(phrase, (f"{verb.en}+{noun.en}", f"{adjective.en}+{noun.en}"), ("relative object",)), "."


def _topic(noun: words.Noun) -> str:
    return with_particle(noun_phrase(noun, ""), "topic").tgt[0]


def _who_is_doing(sampler: Sampler, verb: words.Verb) -> Clause:
    """A relative clause whose subject is the head noun."""
    adult = verb.en in words.WORK_OF_ADULTS
    person = sampler.pick(tuple(noun for noun in words.AGENTS if not (adult and noun.en == "child")))
    what, combos = thing(sampler, verb, exclude=person.en)
    mood = sampler.pick(words.STATES)
    phrase = rule(
        f"the/n {person.en}/n who/v is/v {_tagged(verb.ing)} <o> is/a {mood.en}/a",
        f"<o> {present_modifier(verb.ko)}/v {_topic(person)}/n {polite(mood.ko)}/a",
        o=with_particle(what, "object"),
    )
    return Clause(phrase, (*combos, f"{person.en}+{mood.en}"), ("relative subject",))


def _reason(sampler: Sampler) -> MarkedClause:
    return because(sampler, sampler.pick(("now", "past"))), "."


def _condition(sampler: Sampler) -> MarkedClause:
    return on_condition(sampler), "."


def _coordinated(sampler: Sampler) -> MarkedClause:
    return coordinated(sampler), "."


def _yes_no(sampler: Sampler) -> MarkedClause:
    who = subject(sampler, "third")
    topic = with_particle(who.phrase, "topic")
    if sampler.chance(0.25):
        mood = sampler.pick(words.STATES)
        phrase = rule(f"is/a <s> {mood.en}/a", f"<s> {polite(mood.ko)}/a", s=topic)
        return Clause(phrase, (f"{who.named}+{mood.en}",), ("yes-no question",)), "?"
    past_ = sampler.chance(0.5)
    verb = _asked(sampler, who, past_)
    what, combos = thing(sampler, verb, exclude=who.named)
    phrase = rule(
        f"{'did' if past_ else 'does'}/v <s> {_tagged(verb.en)} <o>",
        f"<s> <o> {polite(past(verb.ko) if past_ else verb.ko)}/v",
        s=topic,
        o=with_particle(what, "object"),
    )
    return Clause(phrase, combos, ("yes-no question",)), "?"


def _asked(sampler: Sampler, who: Subject, past_: bool) -> words.Verb:
    """A transitive verb for a question."""
    adult = who.named != "child"
    fits = [v for v in words.TRANSITIVE if adult or v.en not in words.WORK_OF_ADULTS]
    return sampler.pick(tuple(v for v in fits if not past_ or v.past or v.en == "read"))


def _wh(sampler: Sampler) -> MarkedClause:
    who = subject(sampler, "third")
    past_ = sampler.chance(0.5)
    verb = _asked(sampler, who, past_)
    word = sampler.pick(("what", "where", "when", "who", "why"))
    # Questions such as `where does she like music` or `what did he meet` make no sense.
    if (verb.stative and word in ("where", "when")) or ("person" in verb.objects and word == "what"):
        word = "why"
    if word == "who" and not verb.past:
        past_ = False
    does, stem = ("did", past(verb.ko)) if past_ else ("does", verb.ko)
    topic = with_particle(who.phrase, "topic")
    if word == "what":
        phrase = rule(f"what/w {does}/v <s> {_tagged(verb.en)}", f"<s> 무엇을/w {polite(stem)}/v", s=topic)
        return Clause(phrase, (f"{who.named}+what {verb.en}",), ("wh question",)), "?"
    if word == "where" and sampler.chance(0.5):
        go = past(words.GO.ko) if past_ else words.GO.ko
        phrase = rule(f"where/w {does}/v <s> go/v", f"<s> 어디에/w {polite(go)}/v", s=topic)
        return Clause(phrase, (f"{who.named}+where go",), ("wh question",)), "?"
    what, combos = thing(sampler, verb, exclude=who.named)
    what = with_particle(what, "object")
    if word == "who":
        english = _tagged(verb.past if past_ else verb.third)
        phrase = rule(f"who/w {english} <o>", f"누가/w <o> {polite(stem)}/v", o=what)
        return Clause(phrase, combos, ("wh question",)), "?"
    korean = {"where": "어디에서", "when": "언제", "why": "왜"}[word]
    phrase = rule(
        f"{word}/w {does}/v <s> {_tagged(verb.en)} <o>", f"<s> {korean}/w <o> {polite(stem)}/v", s=topic, o=what
    )
    return Clause(phrase, combos, ("wh question",)), "?"


def _greeting(sampler: Sampler) -> MarkedClause:
    english, korean, end = sampler.pick(words.GREETINGS)
    if sampler.chance(0.9):
        name, hangul, _ = sampler.pick(words.NAMES)
        phrase = rule("<g> +,/c <n>", "<n> +,/c <g>", g=pair(english, korean), n=pair(name, f"{hangul} 씨"))
        return Clause(phrase, (), ("greeting",)), end
    return Clause(pair(english, korean), (), ("greeting",)), end


CONSTRUCTIONS: tuple[tuple[float, Callable[[Sampler], MarkedClause]], ...] = (
    (12, _statement),
    (4, _destination),
    (2, _state),
    (4, _located),
    (4, _describing),
    (3, _comparing),
    (3, _possessive),
    (3, _identity),
    (2, _price),
    (3, _request),
    (4, _relative),
    (3, _reason),
    (3, _condition),
    (4, _coordinated),
    (3, _yes_no),
    (4, _wh),
    (0.5, _greeting),
)
LONG = 13
"""Smallest number of English words of sentences that are joined from many clauses."""


class EnglishKorean:
    """The English-Korean phrasebook, which implements `regard_phrasebook.engine.grammar.Grammar`."""

    longest = 60
    showcase = ("Hello.",)
    pinned: frozenset[str] = frozenset()

    def showcase_drafts(self) -> list[Draft]:
        """The draft of `Hello.`; see `Grammar.showcase_drafts`."""
        english, korean, end = words.GREETINGS[0]
        return [_draft((Clause(pair(english, korean), (), ("greeting",)), end))]

    def draft(self, sampler: Sampler, shortest: int, longest: int) -> Draft | None:
        """Generates a random sentence of about the requested number of English words; see `Grammar.draft`."""
        if shortest >= LONG or (longest > LONG and sampler.chance(0.35)):
            return _draft((lengthy(sampler, shortest, longest), "."))
        return _draft(sampler.weighted(CONSTRUCTIONS)(sampler))

    def spell(self, draft: Draft) -> SentencePair:
        """Spells the English side, and joins the Korean endings to their words; see `Grammar.spell`."""
        return realize(draft.phrase, _spell, attach)


def _draft(marked: MarkedClause) -> Draft:
    whole, mark = marked
    return Draft(rule(f"<s> +{mark}/p", f"<s> +{mark}/p", s=whole.phrase), whole.combos, whole.constructions)
