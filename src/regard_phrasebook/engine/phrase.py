"""Synchronous phrases: parallel tokens of two languages with word alignment links.

A `Phrase` has the tokens of both sides. A `rule` combines phrases in separate orders on the source and target side and
adds its own words; the links are updated to the new positions. Finally `realize` spells both sides as natural text and
merges the links of tokens that spelling joined into one word (`s' + est`, `day + ?`), so that links always refer to
whitespace-separated words.

Every grammar is written with these functions. This module is independent of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from regard.values import Links

GLUE = "+"
"""A token that starts with this is joined to the word before it; a token that ends with it, to the word after it."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens of two languages and the links between them.

    Attributes:
        src: Source tokens in source order.
        tgt: Target tokens in target order.
        links: 0-based `(source token, target token)` pairs; a token without a link is unaligned.
    """

    src: tuple[str, ...] = ()
    tgt: tuple[str, ...] = ()
    links: frozenset[tuple[int, int]] = frozenset()


EMPTY = Phrase()
"""The empty phrase, for optional parts that are left out."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A written word, or a part of one, with the tokens that it spells.

    Attributes:
        text: Spelling; a `+` at either end means that it is joined to the word next to it.
        tokens: Indices of the tokens that it spells among all tokens of its language in the phrase.
    """

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SentencePair:
    """A written sentence and its translation.

    Attributes:
        src: Source text.
        tgt: Target text.
        links: Sorted 0-based pairs `(source word, target word)`; words are separated by white space.
    """

    src: str
    tgt: str
    links: Links


Speller = Callable[[list[Piece]], list[Piece]]
"""Spells one side. It may merge adjacent pieces and change their text, but not reorder them."""

Template = tuple[tuple[bool, str, str], ...]
"""The parts of one side of a rule: whether the part is a slot, its text or slot name, and its tags."""


def pair(src: str, tgt: str) -> Phrase:
    """Creates a phrase of source and target words that translate each other as a whole.

    Args:
        src: Source tokens, separated by spaces.
        tgt: Target tokens, separated by spaces.

    Returns:
        A phrase with a link from every source token to every target token.

    >>> pair("train", "gare")
    Phrase(src=('train',), tgt=('gare',), links=frozenset({(0, 0)}))
    """
    left, right = tuple(src.split()), tuple(tgt.split())
    return Phrase(left, right, frozenset((i, j) for i in range(len(left)) for j in range(len(right))))


def unaligned(src: str = "", tgt: str = "") -> Phrase:
    """Creates a phrase of unaligned words, which have no counterpart in the other language.

    Args:
        src: Source tokens, separated by spaces.
        tgt: Target tokens, separated by spaces.

    Returns:
        A phrase without links.
    """
    return Phrase(tuple(src.split()), tuple(tgt.split()))


def rule(src: str, tgt: str, /, **slots: Phrase) -> Phrase:
    """Combines phrases with a separate order on each side.

    Each side is a template of tokens separated by spaces. `<name>` is a slot, filled with that side of the phrase
    passed as `name`. Any other token is a word of the rule itself. Words and whole slots may have tags: single letters
    after a slash. Parts with the same tag on both sides are linked.

    Args:
        src: Template of the source side.
        tgt: Template of the target side.
        **slots: Phrases that fill the slots. If the template of one side lacks a slot, the words of the slot on the
            other side are unaligned.

    Returns:
        The phrase, with the links of the slots and of the tags.

    >>> rule("<who> do not/n <act>", "<who> ne/n <act> pas/n", who=pair("we", "nous"), act=pair("sleep", "dormons"))
    Phrase(src=('we', 'do', 'not', 'sleep'), tgt=('nous', 'ne', 'dormons', 'pas'), links=frozenset({...}))
    """
    src_tokens, src_start, src_tags = _fill(_parse(src), {name: phrase.src for name, phrase in slots.items()})
    tgt_tokens, tgt_start, tgt_tags = _fill(_parse(tgt), {name: phrase.tgt for name, phrase in slots.items()})
    links: set[tuple[int, int]] = set()
    for name, phrase in slots.items():
        if name in src_start and name in tgt_start:
            i0, j0 = src_start[name], tgt_start[name]
            links.update((i0 + i, j0 + j) for i, j in phrase.links)
    for tag, positions in src_tags.items():
        links.update((i, j) for i in positions for j in tgt_tags.get(tag, ()))
    return Phrase(tuple(src_tokens), tuple(tgt_tokens), frozenset(links))


def join(*phrases: Phrase, order: Sequence[int] | None = None) -> Phrase:
    """Concatenates phrases.

    Args:
        *phrases: The phrases in source order.
        order: Indices of the phrases in target order; None = the same order.

    Returns:
        The concatenation with all links.

    Raises:
        ValueError: `order` is not a permutation of the phrases.

    >>> join(pair("red", "rouge"), pair("car", "voiture"), order=(1, 0)).tgt
    ('voiture', 'rouge')
    """
    positions = range(len(phrases)) if order is None else order
    if sorted(positions) != list(range(len(phrases))):
        raise ValueError(
            f"order: expected a permutation of {len(phrases)} phrases, got {order}: give each index from 0 to "
            f"{len(phrases) - 1} once"
        )
    src: list[str] = []
    src_start: list[int] = []
    for phrase in phrases:
        src_start.append(len(src))
        src.extend(phrase.src)
    tgt: list[str] = []
    links: set[tuple[int, int]] = set()
    for index in positions:
        phrase = phrases[index]
        links.update((src_start[index] + i, len(tgt) + j) for i, j in phrase.links)
        tgt.extend(phrase.tgt)
    return Phrase(tuple(src), tuple(tgt), frozenset(links))


def attach(pieces: Sequence[Piece]) -> list[Piece]:
    """Joins pieces at their `GLUE` marks (`+`) into written words.

    Args:
        pieces: Pieces of one side of a phrase; a `+` at the start of a piece joins it to the piece before, at the end
            to the piece after it.

    Returns:
        Written words without marks, each with the tokens of all its parts.

    >>> attach([Piece("l'+", (0,)), Piece("eau", (1,)), Piece("+.", (2,))])
    [Piece(text="l'eau.", tokens=(0, 1, 2))]
    """
    words: list[Piece] = []
    joins_next = False
    for piece in pieces:
        text = piece.text.strip(GLUE)
        if words and (joins_next or piece.text.startswith(GLUE)):
            words[-1] = Piece(words[-1].text + text, words[-1].tokens + piece.tokens)
        else:
            words.append(Piece(text, piece.tokens))
        joins_next = piece.text.endswith(GLUE)
    return words


def capitalize(pieces: Sequence[Piece]) -> list[Piece]:
    """Capitalizes the first letter of a sentence.

    Args:
        pieces: Written words of a sentence.

    Returns:
        The same words, with the first letter of the sentence in upper case.
    """
    if not pieces:
        return []
    first = pieces[0]
    return [Piece(first.text[:1].upper() + first.text[1:], first.tokens), *pieces[1:]]


def realize(phrase: Phrase, src_speller: Speller, tgt_speller: Speller) -> SentencePair:
    """Spells a phrase as a pair of sentences.

    Args:
        phrase: A whole sentence.
        src_speller: Function that spells the source tokens: it takes a piece per token and returns the written words.
        tgt_speller: The same for the target tokens.

    Returns:
        Both texts and the word links: two words are linked if any of their tokens are.

    >>> plain = lambda pieces: capitalize(attach(pieces))
    >>> realize(join(pair("water", "l' eau"), pair("+.", "+.")), plain, plain)
    SentencePair(src='Water.', tgt="L' eau.", links=((0, 0), (0, 1)))
    """
    src, src_word = _spell(phrase.src, src_speller)
    tgt, tgt_word = _spell(phrase.tgt, tgt_speller)
    links = sorted({(src_word[i], tgt_word[j]) for i, j in phrase.links})
    return SentencePair(src, tgt, tuple(links))


def _spell(tokens: tuple[str, ...], speller: Speller) -> tuple[str, dict[int, int]]:
    """The text of one side, and the index of the word that spells each token."""
    words = speller([Piece(token, (index,)) for index, token in enumerate(tokens)])
    return " ".join(word.text for word in words), {
        token: index for index, word in enumerate(words) for token in word.tokens
    }


@cache
def _parse(template: str) -> Template:
    """Splits a template into its parts; cached, because there are few templates and each is used often."""
    parts = []
    for part in template.split():
        text, _, tags = part.partition("/")
        slot = text.startswith("<") and text.endswith(">")
        parts.append((slot, text[1:-1] if slot else text, tags))
    return tuple(parts)


def _fill(
    template: Template, slots: dict[str, tuple[str, ...]]
) -> tuple[list[str], dict[str, int], dict[str, list[int]]]:
    """Tokens of one side, the start of each slot, and the positions of each tag."""
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
