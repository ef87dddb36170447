"""The English-Korean grammar as the corpus writer sees it: its constructions, drafts, and spelling."""

from __future__ import annotations

from collections.abc import Callable

from regard.phrasebook import korean_words as words
from regard.phrasebook.engine import Phrase, Piece, SentencePair, attach, capitalise, pair, realise, rule
from regard.phrasebook.grammar import Draft
from regard.phrasebook.korean_clauses import (
    FRAMES,
    Clause,
    clause,
    connect,
    going,
    mark,
    modifying,
    noun_phrase,
    state,
    subject,
    thing,
)
from regard.phrasebook.korean_endings import Stem, ended, modifier, past, polite, present_modifier, request
from regard.phrasebook.sampler import Sampler

Made = tuple[Clause, str]
"""A sentence without its final mark, and the mark."""


def _spell(pieces: list[Piece]) -> list[Piece]:
    return capitalise(attach(pieces))


def _statement(sampler: Sampler) -> Made:
    return clause(sampler, sampler.pick((*FRAMES, "want"))), "."


def _destination(sampler: Sampler) -> Made:
    return going(sampler, sampler.pick(FRAMES)), "."


def _state(sampler: Sampler) -> Made:
    return state(sampler, sampler.pick(("present", "past"))), "."


def _located(sampler: Sampler) -> Made:
    place = sampler.pick(words.PLACES)
    noun = sampler.pick((*words.THINGS, *words.BOOKS, *words.ANIMALS))
    where = mark(noun_phrase(place, "the"), "at", "in")
    combos = (f"{noun.en}+in {place.en}",)
    if sampler.chance(0.5):
        what = mark(noun_phrase(noun, "a"), "subject")
        return Clause(rule("there/v is/v <n> <p>", "<p> <n> 있어요/v", n=what, p=where), combos, ("existence",)), "."
    what = mark(noun_phrase(noun, sampler.pick(("the", "my", "his", "her"))), "topic")
    return Clause(rule("<n> is/v <p>", "<n> <p> 있어요/v", n=what, p=where), combos, ("location",)), "."


def _describing(sampler: Sampler) -> Made:
    adjective = sampler.pick(words.ADJECTIVES)
    noun = sampler.pick(tuple(one for one in words.NOUNS.values() if one.kind in adjective.kinds))
    determiner = "" if noun.kind == "subject" else sampler.pick(("the", "this", "that", "my", "his", "her"))
    combos = (f"{adjective.en}+{noun.en}",)
    what = mark(noun_phrase(noun, determiner), "topic")
    if sampler.chance(0.3):
        korean, english = f"{adjective.ko.text}지/a 않아요/bn", f"is/b not/n {adjective.en}/a"
    else:
        korean, english = f"{polite(adjective.ko)}/ab", f"is/b {adjective.en}/a"
    return Clause(rule(f"<n> {english}", f"<n> {korean}", n=what), combos, ("description",)), "."


def _comparing(sampler: Sampler) -> Made:
    adjective = sampler.pick(words.ADJECTIVES)
    fitting = tuple(one for one in words.NOUNS.values() if one.kind in adjective.kinds)
    one, two = sampler.pick(fitting), sampler.pick(fitting)
    if one.kind != two.kind or one == two:
        return _describing(sampler)
    the = "" if one.kind == "subject" else "the"
    than = mark(noun_phrase(two, the), "than", "than")
    english = f"more/m {adjective.en}/a" if adjective.more.startswith("more ") else f"{adjective.more}/ma"
    phrase = rule(
        f"<n> is/b {english} <t>",
        f"<n> <t> 더/m {polite(adjective.ko)}/ab",
        n=mark(noun_phrase(one, the), "topic"),
        t=than,
    )
    return Clause(phrase, (f"{adjective.en}+{one.en}", f"{adjective.en}+{two.en}"), ("comparison",)), "."


def _possessive(sampler: Sampler) -> Made:
    owner, noun = subject(sampler, "third"), sampler.pick((*words.THINGS, *words.BOOKS, *words.ANIMALS))
    adjective = sampler.pick(tuple(one for one in words.ADJECTIVES if noun.kind in one.kinds))
    held = Phrase((*owner.phrase.src, "+'s"), mark(owner.phrase, "of").tgt, owner.phrase.links)
    what = mark(rule(f"<o> {noun.en}/n", f"<o> {noun.ko}/n", o=held), "topic")
    phrase = rule(f"<n> is/a {adjective.en}/a", f"<n> {polite(adjective.ko)}/a", n=what)
    return Clause(phrase, (f"{adjective.en}+{noun.en}",), ("possessive",)), "."


def _identity(sampler: Sampler) -> Made:
    who = subject(sampler)
    noun = sampler.pick(words.PEOPLE)
    if who.person.be == "are" or who.named == noun.en:
        return _state(sampler)
    adjective = sampler.pick(tuple(one for one in words.ADJECTIVES if "person" in one.kinds))
    what = noun_phrase(noun, "a", modifying(adjective))
    what = Phrase(what.src, (*what.tgt[:-1], polite(Stem(what.tgt[-1] + "이", "copula"))), what.links)
    phrase = rule(f"<s> {who.person.be}/b <n>", "<s> <n>", s=mark(who.phrase, "topic"), n=what)
    last = (len(who.phrase.src), len(phrase.tgt) - 1)
    linked = Phrase(phrase.src, phrase.tgt, phrase.links | {last})
    return Clause(linked, (f"{who.named}+be {noun.en}", f"{adjective.en}+{noun.en}"), ("identity",)), "."


def _request(sampler: Sampler) -> Made:
    if sampler.chance(0.3):
        noun = sampler.pick((*words.FOOD, *words.DRINKS, *words.BOOKS, *words.THINGS))
        what = mark(noun_phrase(noun, sampler.pick(("a", "the", "this"))), "object")
        return Clause(
            rule("please/p give/p me/m <n>", "저에게/m <n> 주세요/p", n=what), (f"give+{noun.en}",), ("request",)
        ), "."
    verb = sampler.pick(tuple(one for one in words.TRANSITIVE if not one.stative and one.en not in ("eat", "drink")))
    what, noun = thing(sampler, verb)
    english = " ".join(f"{word}/v" for word in verb.en.split())
    phrase = rule(f"please/v {english} <n>", f"<n> {request(verb.ko)}/v", n=mark(what, "object"))
    return Clause(phrase, (f"{verb.en}+{noun.en}",), ("request",)), "."


def _relative(sampler: Sampler) -> Made:
    verb = sampler.pick(tuple(one for one in words.TRANSITIVE if not one.stative and one.past))
    what, noun = thing(sampler, verb)
    combos = (f"{verb.en}+{noun.en}",)
    if sampler.chance(0.5) or noun.kind in ("person", "subject"):
        person = sampler.pick(words.PEOPLE)
        english = " ".join(f"{word}/v" for word in verb.ing.split())
        state_ = sampler.pick(words.STATES)
        phrase = rule(
            f"the/n {person.en}/n who/v is/v {english} <o> is/a {state_.en}/a",
            f"<o> {present_modifier(verb.ko)}/v {mark(pair('x', person.ko), 'topic').tgt[0]}/n {polite(state_.ko)}/a",
            o=mark(what, "object"),
        )
        return Clause(phrase, (*combos, f"{person.en}+{state_.en}"), ("relative subject",)), "."
    who = subject(sampler)
    adjective = sampler.pick(tuple(one for one in words.ADJECTIVES if noun.kind in one.kinds))
    english = " ".join(f"{word}/v" for word in verb.past.split())
    phrase = rule(
        f"the/n {noun.en}/n that/v <s> {english} was/a {adjective.en}/a",
        f"<s> {modifier(verb.ko)}/v {mark(pair('x', noun.ko), 'topic').tgt[0]}/n {polite(past(adjective.ko))}/a",
        s=mark(who.phrase, "subject"),
    )
    return Clause(phrase, (*combos, f"{adjective.en}+{noun.en}"), ("relative object",)), "."


def _reason(sampler: Sampler) -> Made:
    return _because(sampler, sampler.pick(("present", "past")), "요"), "."


def _because(sampler: Sampler, frame: str, ending: str) -> Clause:
    """Because of the weather or of how somebody feels, which Korean names first."""
    second = clause(sampler, frame, ending, busy=0.3)
    if sampler.chance(0.5):
        first = state(sampler, frame, "서", role="subject")
    else:
        first = _weather(sampler, 1 if frame == "past" else 0, "서")
    return connect(first, second, "because", "+,", "reason")


def _weather(sampler: Sampler, form: int, ending: str) -> Clause:
    english, what, stem = sampler.pick(words.WEATHER)
    it, *rest = english[form].split()
    tags = " ".join(f"{word}/v" for word in rest)
    if what != "날씨가":
        return Clause(rule(f"{it}/s {tags}", f"{what}/sv {ended(stem, ending)}/v"), (), ("weather",))
    return Clause(rule(f"{it}/s {tags}", f"{what}/s {ended(stem, ending)}/v"), (), ("weather",))


def _condition(sampler: Sampler) -> Made:
    return _if(sampler, "요"), "."


def _if(sampler: Sampler, ending: str) -> Clause:
    """If the weather is so, or somebody feels so."""
    weather = sampler.chance(0.5)
    first = _weather(sampler, 2, "면") if weather else state(sampler, "present", "면", role="subject")
    make = sampler.pick((clause, going))
    return connect(first, make(sampler, "future", ending), "if", "+,", "condition")


def _coordinated(sampler: Sampler) -> Made:
    frame = sampler.pick(FRAMES)
    ending, english, show = sampler.pick((("고", "and", "coordination with 고"), ("지만", "but", "contrast with 지만")))
    return connect(clause(sampler, frame, ending), clause(sampler, frame), "", f"+, {english}", show), "."


def _yes_no(sampler: Sampler) -> Made:
    who = subject(sampler, "third")
    past_ = sampler.chance(0.5)
    verb = sampler.pick(words.TRANSITIVE)
    what, noun = thing(sampler, verb)
    english = " ".join(f"{word}/v" for word in verb.en.split())
    stem = past(verb.ko) if past_ else verb.ko
    phrase = rule(
        f"{'did' if past_ else 'does'}/v <s> {english} <o>",
        f"<s> <o> {polite(stem)}/v",
        s=mark(who.phrase, "topic"),
        o=mark(what, "object"),
    )
    return Clause(phrase, (f"{verb.en}+{noun.en}",), ("yes-no question",)), "?"


def _wh(sampler: Sampler) -> Made:
    who = subject(sampler, "third")
    topic = mark(who.phrase, "topic")
    past_ = sampler.chance(0.5)
    verb = sampler.pick(tuple(v for v in words.TRANSITIVE if "person" not in v.objects and (not past_ or v.past)))
    word = sampler.pick(("what", "where", "when", "who", "why"))
    does, stem = ("did", past(verb.ko)) if past_ else ("does", verb.ko)
    english = " ".join(f"{one}/v" for one in verb.en.split())
    if word == "what":
        phrase = rule(f"what/w {does}/v <s> {english}", f"<s> 무엇을/w {polite(stem)}/v", s=topic)
        return Clause(phrase, (f"{who.named}+what {verb.en}",), ("wh question",)), "?"
    if word == "where" and sampler.chance(0.5):
        go = past(words.GO.ko) if past_ else words.GO.ko
        phrase = rule(f"where/w {does}/v <s> go/v", f"<s> 어디에/w {polite(go)}/v", s=topic)
        return Clause(phrase, (f"{who.named}+where go",), ("wh question",)), "?"
    what, noun = thing(sampler, verb)
    combos, what = (f"{verb.en}+{noun.en}",), mark(what, "object")
    if word == "who":
        form = verb.past if past_ else verb.third
        english = " ".join(f"{one}/v" for one in form.split())
        return Clause(
            rule(f"who/w {english} <o>", f"누가/w <o> {polite(stem)}/v", o=what), combos, ("wh question",)
        ), "?"
    korean = {"where": "어디에서", "when": "언제", "why": "왜"}[word]
    if word != "why" and verb.stative:
        korean, word = "왜", "why"
    phrase = rule(f"{word}/w {does}/v <s> {english} <o>", f"<s> {korean}/w <o> {polite(stem)}/v", s=topic, o=what)
    return Clause(phrase, combos, ("wh question",)), "?"


def _greeting(sampler: Sampler) -> Made:
    english, korean, end = sampler.pick(words.GREETINGS)
    if sampler.chance(0.9):
        name, hangul, _ = sampler.pick(words.NAMES)
        phrase = rule("<g> +,/c <n>", "<n> +,/c <g>", g=pair(english, korean), n=pair(name, f"{hangul} 씨"))
        return Clause(phrase, (), ("greeting",)), end
    return Clause(pair(english, korean), (), ("greeting",)), end


CONSTRUCTIONS: tuple[tuple[float, Callable[[Sampler], Made]], ...] = (
    (12, _statement),
    (4, _destination),
    (2, _state),
    (4, _located),
    (4, _describing),
    (3, _comparing),
    (3, _possessive),
    (2, _identity),
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
"""From this many English words on, sentences are put together from many clauses."""


def _lengthy(sampler: Sampler, shortest: int, longest: int) -> Made:
    """Clauses joined by -고 and -지만 until the sentence has the wanted length."""
    frame = sampler.pick(FRAMES)
    goal = sampler.random.randint(shortest, longest) - 4
    whole = _last(sampler, frame)
    while sum(not token.startswith("+") for token in whole.phrase.src) < goal:
        ending, english, show = sampler.weighted(
            ((3, ("고", "and", "coordination with 고")), (1, ("지만", "but", "contrast with 지만")))
        )
        whole = connect(_any(sampler, frame, ending), whole, "", f"+, {english}", show)
    return whole, "."


def _any(sampler: Sampler, frame: str, ending: str) -> Clause:
    """A clause, perhaps with one that depends on it."""
    kind = sampler.random.random()
    if kind < 0.25 and frame in ("present", "past"):
        return _because(sampler, frame, ending)
    if kind < 0.35 and frame == "future":
        return _if(sampler, ending)
    return going(sampler, frame, ending) if kind < 0.5 else clause(sampler, frame, ending)


def _last(sampler: Sampler, frame: str) -> Clause:
    """The clause that ends a long sentence."""
    return _any(sampler, frame, "요")


class EnglishKorean:
    """The English-Korean phrasebook; a `regard.phrasebook.grammar.Grammar`."""

    longest = 60
    showcase = ("Hello.",)
    pinned: frozenset[str] = frozenset()

    def opening(self) -> list[Draft]:
        """The showcase as a draft."""
        english, korean, end = words.GREETINGS[0]
        return [_draft((Clause(pair(english, korean), (), ("greeting",)), end))]

    def draft(self, sampler: Sampler, shortest: int, longest: int) -> Draft | None:
        """Tries to make a sentence, as `regard.phrasebook.grammar.Grammar.draft` says."""
        if shortest >= LONG or (longest > LONG and sampler.chance(0.35)):
            return _draft(_lengthy(sampler, shortest, longest))
        return _draft(sampler.weighted(CONSTRUCTIONS)(sampler))

    def spell(self, draft: Draft) -> SentencePair:
        """The written pair of sentences."""
        return realise(draft.phrase, _spell, attach)


def _draft(made: Made) -> Draft:
    whole, end = made
    return Draft(rule(f"<s> +{end}/p", f"<s> +{end}/p", s=whole.phrase), whole.combos, whole.shows)
