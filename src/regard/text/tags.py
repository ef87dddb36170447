"""Tags: words put before a source sentence that tell a model where the sentence pair comes from, such as `<web>`."""

from __future__ import annotations

import re

from regard.errors import ConfigError
from regard.text.languages import canonical
from regard.text.normalize import normalize

MAX_TAG_LENGTH = 32
"""Largest number of characters of a tag."""
_RESERVED = re.compile(r"</?s>|<unk>|<pad>|<0x[0-9A-Fa-f]{2}>")
# Spellings that SentencePiece gives to special tokens and bytes.
_LANGUAGE = re.compile(r">>([A-Za-z][A-Za-z0-9_-]*)<<")
_FORBIDDEN = ',"\u2581'
# SentencePiece separates its symbols with commas and quotes, and writes the last for a space.


def check_tag(tag: str) -> str:
    """Checks that a word can be a tag, to put before the source sentences of a corpus.

    Args:
        tag: The word, such as `<web>` or `>>fr<<`. It must begin and end with a character that is neither a letter nor
            a digit, so that no ordinary word is mistaken for a tag.

    Returns:
        The tag.

    Raises:
        ConfigError: The word cannot be a tag.

    >>> check_tag(">>fr<<")
    '>>fr<<'
    """
    inner = tag[1:-1]
    fits = 3 <= len(tag) <= MAX_TAG_LENGTH and normalize(tag) == tag and " " not in tag
    bracketed = fits and not tag[0].isalnum() and not tag[-1].isalnum() and any(map(str.isalnum, inner))
    if not bracketed or any(sign in tag for sign in _FORBIDDEN):
        raise ConfigError(
            f"expected a tag such as <web>, [news] or >>fr<<, to put before source sentences: 3 to {MAX_TAG_LENGTH} "
            "characters without spaces, commas and quotes, of which the first and the last are not letters or digits, "
            f"got {tag!r}"
        )
    if _RESERVED.fullmatch(tag):
        raise ConfigError(
            f"expected a tag that is not a special token, got {tag!r}: choose another word to put before source "
            "sentences, such as <web>"
        )
    return tag


def add_tag(tag: str | None, text: str) -> str:
    """Puts a tag before a sentence, as a word of its own.

    >>> add_tag("<web>", "Hello!"), add_tag(None, "Hello!")
    ('<web> Hello!', 'Hello!')

    Args:
        tag: The tag; None = no tag.
        text: Normalized sentence.

    Returns:
        The sentence with its tag.
    """
    return text if tag is None else f"{tag} {text}"


def language_tag(code: str) -> str:
    """Makes the tag that names the target language, to put before a source sentence.

    >>> language_tag("fr"), language_tag("pt-BR")
    ('>>fr<<', '>>pt-BR<<')

    Args:
        code: Canonical code of the language.

    Returns:
        The tag.
    """
    return f">>{code}<<"


def tagged_language(tag: str) -> str | None:
    """Returns the target language that a tag names.

    >>> tagged_language(">>fr<<"), tagged_language(">>fra<<"), tagged_language(">>cmn_Hans<<"), tagged_language("<web>")
    ('fr', 'fr', 'zh-Hans', None)

    Args:
        tag: A tag, perhaps with the three-letter code of a language, as OPUS-MT writes it.

    Returns:
        Canonical code of the language; None if the tag does not name one.
    """
    match = _LANGUAGE.fullmatch(tag)
    if match is None:
        return None
    try:
        return canonical(match[1])
    except ConfigError:
        return None


def split_tags(tags: str | None) -> list[str]:
    """Splits the tags before a source sentence, which name the target language, the corpus, both or nothing.

    >>> split_tags(">>fr<< <bt>"), split_tags(None)
    (['>>fr<<', '<bt>'], [])

    Args:
        tags: Tags with spaces between them; None = no tags.

    Returns:
        One string per tag.
    """
    return [] if tags is None else tags.split(" ")


def marks_origin(tags: str | None) -> bool:
    """Whether the tags before a source sentence name a corpus, and not only the target language.

    Args:
        tags: Tags with spaces between them; None = no tags.

    Returns:
        True if one of them does not name a language.
    """
    return any(tagged_language(tag) is None for tag in split_tags(tags))
