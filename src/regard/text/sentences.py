r"""Finds sentence, clause and word boundaries, where a text may be split.

The rules use punctuation alone, and so cover every script that has some: Latin, Cyrillic and Greek, Arabic, the
scripts of India, Chinese, Japanese and Korean, Armenian, Ethiopic, Burmese, Khmer, Tibetan. Thai and Lao separate
sentences with spaces, which count as word boundaries. The rules are cautious: a full stop that may belong to an
abbreviation, an initial or an ordinal number does not end a sentence, because a missed boundary costs less than a wrong
one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from regard.text.spaceless import UNSPACED_SENTENCES
from regard.values import Span

_CLOSING = "\"'”’»›)\\]}」』）】〉》〕〗］｝"
_QUOTES = "\"'“”‘’"
_WIDE = "。｡．！？‼⁇⁈⁉।॥۔؟։።፧፨။។៕།༎"
_WIDE_CLAUSE = "，、､；：،؛፣፤፥፡၊៖"
_END = re.compile(
    rf"(?P<wide>[{_WIDE}][{_WIDE}.!?…]*(?: ?[»›]|[{_CLOSING}])*)"
    rf"|(?P<end>[.!?…]+[{_WIDE}.!?…]*(?: ?[»›]|[{_CLOSING}])*)"
    rf"|(?P<wide_clause>[{_WIDE_CLAUSE}]+[{_CLOSING}]*)"
    rf"|(?P<clause>[,;:·]+[{_CLOSING}]*|(?<= )[-–—]+)"
    r"|(?P<space> )"
)
_ABBREVIATION = re.compile(  # followed by a name or another word
    "(?:mrs?|ms|drs?|prof|st|rev|hon|gov|sen|rep|gen|col|sgt|capt|lt|jr|sr|vs|cf|approx|inc|ltd|corp|mm|mmes?|mlles?|mgr|"
    "env|hrn?|fr|bzw|evtl|ggf|inkl|exkl|ca|vgl|geb|gest|sog|sra|srta|uds?|sig|dott|им|ул|см|др|гг?|т.е|т.д|т.п|u.a)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(  # abbreviations followed by a number
    "(?:nos?|nr|vol|figs?|eqs?|pp?|ch|sec|art|abs|bd|str|pág|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|стр)",
    re.IGNORECASE,
)
_CONTINUATIONS = tuple("»›,;:)")
_MAX_ABBREVIATION = 12
"""Longest abbreviation before a full stop, in characters."""
_WORD_BEFORE = re.compile(r"[^\s(\[{«„“‘\"']*$")
_UNSPACED = re.compile(f"[{UNSPACED_SENTENCES}]")


class BoundaryKind(IntEnum):
    """Kind of a position where a text may be split: after a word, a clause or a sentence.

    A larger value means a better position.
    """

    SPACE = 1
    CLAUSE = 2
    SENTENCE = 3


@dataclass(frozen=True, slots=True)
class Boundary:
    """A position where a text may be split.

    Attributes:
        position: Number of characters before the boundary; a space at this position belongs to neither part.
        kind: Whether a word, a clause or a sentence ends at the boundary.
    """

    position: int
    kind: BoundaryKind


def find_boundaries(text: str) -> Iterator[Boundary]:
    """Finds the ends of words, clauses and sentences within a text, where it may be split.

    Args:
        text: Normalized text: single spaces, none at the ends.

    Yields:
        The boundaries in text order, at most one per position; the end of the text is not included.

    >>> [(boundary.position, boundary.kind.name) for boundary in find_boundaries("Mr. Li left. Sad, no?")]
    [(3, 'SPACE'), (6, 'SPACE'), (12, 'SENTENCE'), (17, 'CLAUSE')]
    """
    last = -1
    for match in _END.finditer(text):
        position = match.start() if match.lastgroup == "space" else match.end()
        if last < position < len(text):
            kind = _boundary_kind(text, match)
            if kind:
                yield Boundary(position, kind)
                last = position


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Splits a text into sentences, by punctuation alone.

    Args:
        text: Normalized text: single spaces, none at the ends.

    Returns:
        Per sentence, in order, the range `[start, end)` of its characters. The space between two sentences belongs to
        neither. An empty text has no sentences.

    >>> text = "他来了。我走了。 Dr. Li stayed! Why?"
    >>> [text[start:end] for start, end in sentence_spans(text)]
    ['他来了。', '我走了。', 'Dr. Li stayed!', 'Why?']
    """
    ends = [boundary.position for boundary in find_boundaries(text) if boundary.kind is BoundaryKind.SENTENCE]
    starts = [0, *(end + (text[end] == " ") for end in ends)]
    return tuple((start, end) for start, end in zip(starts, [*ends, len(text)], strict=True) if start < end)


def written_without_spaces(character: str) -> bool:
    """Whether a character belongs to a script without spaces between words.

    These scripts are Chinese, Japanese, Thai, Lao, Khmer and Burmese. Korean and all other scripts have spaces.

    Args:
        character: One character, or an empty string.

    Returns:
        True for letters and punctuation of these scripts; False for other characters and an empty string.
    """
    return bool(_UNSPACED.match(character))


def separator(left: str, right: str) -> str:
    """Text to insert between two consecutive sentences: a space, unless their script is written without spaces.

    Args:
        left: The first sentence, without trailing space.
        right: The second sentence, without leading space.

    Returns:
        A space; an empty string if a sentence is empty, or if the last character of `left` or the first of `right`,
        apart from quotation marks, belongs to a script without spaces between words.

    >>> separator("Il dort.", "Elle lit."), separator("他睡觉。", "她读书。"), separator("그는 잔다.", "그녀는 읽는다.")
    (' ', '', ' ')
    """
    if not left or not right:
        return ""
    last, first = left.rstrip(_QUOTES)[-1:], right.lstrip(_QUOTES)[:1]
    return "" if written_without_spaces(last) or written_without_spaces(first) else " "


def _boundary_kind(text: str, match: re.Match[str]) -> BoundaryKind | None:
    group, following = match.lastgroup, text[match.end() : match.end() + 1]
    if group == "space":
        return BoundaryKind.SPACE
    if group == "wide" and _wide_mark_ends_sentence(match.group(), following):
        return BoundaryKind.SENTENCE
    if group == "wide_clause" and not following.isdecimal():
        return BoundaryKind.CLAUSE
    if following != " ":
        return None
    if group == "end":
        return BoundaryKind.SENTENCE if _ends_sentence(text, match) else BoundaryKind.SPACE
    return BoundaryKind.CLAUSE


def _wide_mark_ends_sentence(mark: str, following: str) -> bool:
    """Whether a punctuation mark that needs no space after it ends a sentence."""
    if mark[0] == "．" and following.isdecimal():
        return False  # ３．５
    return not (mark[-1] in "」』”" and following.isalpha())  # 「行く。」と言った: the sentence continues


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether `.`, `!`, `?` or `…` before a space ends a sentence."""
    following = _first_letter(text, match.end() + 1)
    if following.islower() or following in _CONTINUATIONS:
        return False
    if match.group() != ".":
        return True
    word = _WORD_BEFORE.search(text[max(0, match.start() - _MAX_ABBREVIATION) : match.start()])
    before = word.group() if word else ""
    if len(before) <= 2 and before.isdecimal():
        return False  # 3. Oktober; 1. Open the door
    last = before.rpartition(".")[2]
    initial = len(last) == 1 and last.lower() != last.upper()
    numbered = _NUMBERED.fullmatch(before) and following.isdecimal()
    return not (initial or numbered or _ABBREVIATION.fullmatch(before))


def _first_letter(text: str, start: int) -> str:
    """The first character after opening quotes and brackets."""
    for character in text[start : start + 4]:
        if character not in "\"'“‘«‹„([{¿¡ ":
            return character
    return ""
