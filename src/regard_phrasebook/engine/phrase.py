"""Synchronous phrases: two languages written at once, with links between the words that mean each other.

A `Phrase` holds the tokens of both sides. A `rule` puts phrases together in one order on the source
side and another on the target side, and adds words of its own; links follow the words to wherever the
rule puts them. At the end `realise` spells both sides as natural text and merges the links of tokens
that spelling has glued into one word (`s' + est`, `day + ?`), so that a link always joins what spaces
separate.

Every grammar is written in this algebra. Nothing here knows a language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from regard.values import Links

GLUE = "+"
"""A token that begins with this is glued to the word before it; one that ends with it, to the word after."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens of two languages and which of them mean each other.

    Attributes:
        src: Source tokens in source order.
        tgt: Target tokens in target order.
        links: 0-based `(source token, target token)` pairs; a token without a link is silent.
    """

    src: tuple[str, ...] = ()
    tgt: tuple[str, ...] = ()
    links: frozenset[tuple[int, int]] = frozenset()


EMPTY = Phrase()
"""Nothing on either side: what an optional part is when it is left out."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A written word, or a part of one, and the tokens that it spells.

    Attributes:
        text: As it is written; may still carry the marks of `GLUE`.
        tokens: Indices of its tokens in the phrase's side.
    """

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SentencePair:
    """A written sentence and its translation.

    Attributes:
        src: Source text.
        tgt: Target text.
        links: Sorted 0-based pairs of words, words being what spaces separate.
    """

    src: str
    tgt: str
    links: Links


Speller = Callable[[list[Piece]], list[Piece]]
"""Spells one side: elision, contraction, capitals. It may merge neighbours and change their text, never their order."""

Template = tuple[tuple[bool, str, str], ...]
"""Parts of one side of a rule: whether it is a slot, its text or name, its tags."""


def pair(src: str, tgt: str) -> Phrase:
    """A leaf: words that mean each other as a whole.

    Args:
        src: Source tokens, separated by spaces.
        tgt: Target tokens, separated by spaces.

    Returns:
        A phrase in which every source token is linked to every target token.

    >>> pair("train", "gare")
    Phrase(src=('train',), tgt=('gare',), links=frozenset({(0, 0)}))
    """
    left, right = tuple(src.split()), tuple(tgt.split())
    return Phrase(left, right, frozenset((i, j) for i in range(len(left)) for j in range(len(right))))


def silent(src: str = "", tgt: str = "") -> Phrase:
    """Words of one language, or both, that nothing of the other means.

    Args:
        src: Source tokens, separated by spaces.
        tgt: Target tokens, separated by spaces.

    Returns:
        A phrase without links.
    """
    return Phrase(tuple(src.split()), tuple(tgt.split()))


def rule(src: str, tgt: str, /, **slots: Phrase) -> Phrase:
    """Puts phrases together, in an order of its own on each side.

    Each side is a template of tokens separated by spaces. `<name>` stands for that side of the phrase
    given as `name`. Any other token is a word of the rule itself. Words, and slots as a whole, may carry
    tags, each a single letter after a slash: what carries the same tag on both sides is linked.

    Args:
        src: Template of the source side.
        tgt: Template of the target side.
        **slots: What fills the templates. A name left out on one side is silent there: its words on the
            other side lose their links.

    Returns:
        The phrase, with the links of the slots and of the tags.

    >>> rule("<who> do not/n <act>", "<who> ne/n <act> pas/n", who=pair("we", "nous"), act=pair("sleep", "dormons"))
    Phrase(src=('we', 'do', 'not', 'sleep'), tgt=('nous', 'ne', 'dormons', 'pas'), links=frozenset({...}))
    """
    src_tokens, src_start, src_tags = _fill(_parse(src), {name: one.src for name, one in slots.items()})
    tgt_tokens, tgt_start, tgt_tags = _fill(_parse(tgt), {name: one.tgt for name, one in slots.items()})
    links: set[tuple[int, int]] = set()
    for name, one in slots.items():
        if name in src_start and name in tgt_start:
            i0, j0 = src_start[name], tgt_start[name]
            links.update((i0 + i, j0 + j) for i, j in one.links)
    for tag, places in src_tags.items():
        links.update((i, j) for i in places for j in tgt_tags.get(tag, ()))
    return Phrase(tuple(src_tokens), tuple(tgt_tokens), frozenset(links))


def join(*phrases: Phrase, order: Sequence[int] | None = None) -> Phrase:
    """Puts phrases one after the other.

    Args:
        *phrases: In source order.
        order: Their order on the target side, as indices; None = the same.

    Returns:
        One phrase with all links kept.

    Raises:
        ValueError: If `order` does not name every phrase once.

    >>> join(pair("red", "rouge"), pair("car", "voiture"), order=(1, 0)).tgt
    ('voiture', 'rouge')
    """
    places = range(len(phrases)) if order is None else order
    if sorted(places) != list(range(len(phrases))):
        raise ValueError(f"order: expected a permutation of {len(phrases)} phrases, got {order}")
    src: list[str] = []
    src_start: list[int] = []
    for one in phrases:
        src_start.append(len(src))
        src.extend(one.src)
    tgt: list[str] = []
    links: set[tuple[int, int]] = set()
    for place in places:
        one = phrases[place]
        links.update((src_start[place] + i, len(tgt) + j) for i, j in one.links)
        tgt.extend(one.tgt)
    return Phrase(tuple(src), tuple(tgt), frozenset(links))


def attach(pieces: Sequence[Piece]) -> list[Piece]:
    """Glues pieces whose marks ask for it into written words.

    Args:
        pieces: One side of a phrase; `GLUE` at either end of a text asks for gluing there.

    Returns:
        Written words without marks; each keeps the tokens of all its parts.

    >>> attach([Piece("l'+", (0,)), Piece("eau", (1,)), Piece("+.", (2,))])
    [Piece(text="l'eau.", tokens=(0, 1, 2))]
    """
    words: list[Piece] = []
    open_end = False
    for piece in pieces:
        text = piece.text.strip(GLUE)
        if words and (open_end or piece.text.startswith(GLUE)):
            words[-1] = Piece(words[-1].text + text, words[-1].tokens + piece.tokens)
        else:
            words.append(Piece(text, piece.tokens))
        open_end = piece.text.endswith(GLUE)
    return words


def capitalise(pieces: Sequence[Piece]) -> list[Piece]:
    """Begins a sentence with a capital.

    Args:
        pieces: Written words of a sentence.

    Returns:
        The same words, the first letter of the first one in upper case.
    """
    if not pieces:
        return []
    first = pieces[0]
    return [Piece(first.text[:1].upper() + first.text[1:], first.tokens), *pieces[1:]]


def realise(phrase: Phrase, src_speller: Speller, tgt_speller: Speller) -> SentencePair:
    """Writes a phrase as a pair of sentences.

    Args:
        phrase: A whole sentence.
        src_speller: Spelling of the source language.
        tgt_speller: Spelling of the target language.

    Returns:
        Both texts, and links between words: two words are linked when any of their tokens are.

    >>> plain = lambda pieces: capitalise(attach(pieces))
    >>> realise(join(pair("water", "l' eau"), pair("+.", "+.")), plain, plain)
    SentencePair(src='Water.', tgt="L' eau.", links=((0, 0), (0, 1)))
    """
    src, src_word = _spell(phrase.src, src_speller)
    tgt, tgt_word = _spell(phrase.tgt, tgt_speller)
    links = sorted({(src_word[i], tgt_word[j]) for i, j in phrase.links})
    return SentencePair(src, tgt, tuple(links))


def pharaoh(links: Links) -> str:
    """Links in Pharaoh format: `i-j` separated by spaces, as `.align` files hold them.

    Args:
        links: Pairs of words.

    Returns:
        One line without its end.

    >>> pharaoh(((0, 0), (1, 2)))
    '0-0 1-2'
    """
    return " ".join(f"{i}-{j}" for i, j in links)


def _spell(tokens: tuple[str, ...], speller: Speller) -> tuple[str, dict[int, int]]:
    """The text of one side, and the word that each token ended up in."""
    words = speller([Piece(token, (index,)) for index, token in enumerate(tokens)])
    return " ".join(word.text for word in words), {
        token: index for index, word in enumerate(words) for token in word.tokens
    }


@cache
def _parse(template: str) -> Template:
    """Splits a template into its parts; rules are few and used often, so this is remembered."""
    parts = []
    for part in template.split():
        text, _, tags = part.partition("/")
        slot = text.startswith("<") and text.endswith(">")
        parts.append((slot, text[1:-1] if slot else text, tags))
    return tuple(parts)


def _fill(
    template: Template, slots: dict[str, tuple[str, ...]]
) -> tuple[list[str], dict[str, int], dict[str, list[int]]]:
    """Tokens of one side, where each slot starts in them, and where each tag lies."""
    tokens: list[str] = []
    start: dict[str, int] = {}
    tags: dict[str, list[int]] = {}
    for slot, text, marks in template:
        words = slots[text] if slot else (text,)
        if slot:
            start[text] = len(tokens)
        for mark in marks:
            tags.setdefault(mark, []).extend(range(len(tokens), len(tokens) + len(words)))
        tokens.extend(words)
    return tokens, start, tags
