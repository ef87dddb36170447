"""One form for every text before anything else is done to it."""

from __future__ import annotations

import re
import unicodedata

# Controls, every kind of space, line and paragraph separators, and the byte order mark in the middle of joined files.
_BLANK = "\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_BLANKS = re.compile(f"[{_BLANK}]+")
_ONE_BLANK = re.compile(f"[{_BLANK}]")
_ZERO_WIDTH_SPACE = "\u200b"
# Thai, Lao, Tibetan, Burmese and Khmer mark the ends of words with it; to a reader it is no space. Elsewhere it only
# lets a line break, or was left behind by an editor.
_MARKS_WORDS = "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f]"
_ZERO_WIDTH_SPACES = re.compile(f"((?<={_MARKS_WORDS})\u200b+(?={_MARKS_WORDS}))|\u200b+")
_MOST_MARKS = 100
"""Combining marks in a row, at most: composition sorts them, in time that grows with the square of their number."""
_JOINER = "\u034f"
_SURROGATES = re.compile("[\ud800-\udfff]")


def normalize(text: str) -> str:
    r"""Composes characters (NFC), turns controls and odd spaces into plain spaces, and joins runs of these to one.

    No-break spaces become plain ones, too: `journée ?` is the same text however it was typeset. Zero width spaces
    stay between letters of Southeast Asian scripts, where they end words, and are left out elsewhere. Normalizing twice
    changes nothing more.

    Args:
        text: Any string.

    Returns:
        The text that all spans and alignments refer to, without spaces at its ends.

    >>> normalize("Comment\u00a0 ça va\t?\n")
    'Comment ça va ?'
    """
    composed = unicodedata.normalize("NFC", _broken_up(replace_surrogates(text)))
    if _ZERO_WIDTH_SPACE in composed:
        composed = _ZERO_WIDTH_SPACES.sub(lambda found: _ZERO_WIDTH_SPACE if found[1] else "", composed)
    return _BLANKS.sub(" ", composed).strip(" ")


def _broken_up(text: str) -> str:
    """Divides runs of combining marks longer than any writing needs by an invisible joiner (UAX #15, §13)."""
    # Whatever stands for more marks than that, two by one sign perhaps, has four signs in a row at such a place.
    if text.isascii() or not any(all(map(_marks, text[place : place + 4])) for place in range(0, len(text), 40)):
        return text
    parts, count = [], 0
    for character in text:
        marks = _marks(character)
        count = count + marks if marks else len(unicodedata.normalize("NFD", character)) - 1  # a letter's own
        if count > _MOST_MARKS and marks:
            parts.append(_JOINER)
            count = marks
        parts.append(character)
    return "".join(parts)


def _marks(character: str) -> int:
    """How many combining marks a sign stands for; none where it is a letter with marks."""
    apart = unicodedata.normalize("NFD", character)
    return len(apart) if all(map(unicodedata.combining, apart)) else 0


def replace_surrogates(text: str) -> str:
    r"""Puts U+FFFD where half a UTF-16 pair stands alone, which no file can hold; the length stays.

    >>> without_surrogates("a\ud800b")
    'a\ufffdb'
    """
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def replace_blanks(text: str) -> str:
    r"""Puts a plain space for every control and odd space, one for one: the length stays.

    >>> plain_blanks("a\r\nb")
    'a  b'
    """
    return _ONE_BLANK.sub(" ", text)
