r"""Where a text may be divided: after a sentence, after a clause, at a space.

Found by punctuation alone, so that every script that has some is served: Latin, Cyrillic and Greek, Arabic, the
languages of India, Chinese, Japanese and Korean, Armenian, Ethiopic, Burmese, Khmer, Tibetan. Thai and Lao put spaces
between sentences, which count as spaces. The rules are cautious: a full stop that may belong to an abbreviation, an
initial or an ordinal number does not end a sentence, since to miss an end costs less than to invent one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

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
_TITLE = re.compile(  # what a name or another word follows
    "(?:mrs?|ms|drs?|prof|st|rev|hon|gov|sen|rep|gen|col|sgt|capt|lt|jr|sr|vs|cf|approx|inc|ltd|corp|mm|mmes?|mlles?|mgr|"
    "env|hrn?|fr|bzw|evtl|ggf|inkl|exkl|ca|vgl|geb|gest|sog|sra|srta|uds?|sig|dott|им|ул|см|др|гг?|т.е|т.д|т.п|u.a)",
    re.IGNORECASE,
)
_COUNTED = re.compile(  # what a number follows
    "(?:nos?|nr|vol|figs?|eqs?|pp?|ch|sec|art|abs|bd|str|pág|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|стр)",
    re.IGNORECASE,
)
_GOES_ON = tuple("»›,;:)")
_LOOK_BACK = 12
"""Characters before a full stop in which its abbreviation must lie."""
_WORD_BEFORE = re.compile(r"[^\s(\[{«„“‘\"']*$")
_UNSPACED = re.compile(  # Thai, Lao; Burmese; Khmer; kana, Han and their punctuation, also in full width
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u312f\u3400-\u9fff\uf900-\ufaff\uff01-\uff9f\U00020000-\U0003ffff]"
)


class BoundaryKind(IntEnum):
    """How good a place is to divide a text at."""

    SPACE = 1
    CLAUSE = 2
    SENTENCE = 3


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place where a text may be divided.

    Attributes:
        position: Where what precedes ends; a space that follows belongs to neither side.
        kind: What ends there.
    """

    position: int
    kind: BoundaryKind


def find_boundaries(text: str) -> Iterator[Boundary]:
    """Finds all places within a text where it may be divided, in order; one pass, each place once.

    Args:
        text: Normalized: single spaces, none at the ends.

    Yields:
        The places. The end of the text is none of them.

    >>> [(one.position, one.kind.name) for one in breaks("Mr. Li left. Sad, no?")]
    [(3, 'SPACE'), (6, 'SPACE'), (12, 'SENTENCE'), (17, 'CLAUSE')]
    """
    last = -1
    for match in _END.finditer(text):
        at = match.start() if match.lastgroup == "space" else match.end()
        if last < at < len(text):
            strength = _strength(text, match)
            if strength:
                yield Boundary(at, strength)
                last = at


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Where each sentence stands.

    Args:
        text: Normalized: single spaces, none at the ends.

    Returns:
        One span a sentence, in order; the space between two belongs to neither. None for an empty text.

    >>> text = "他来了。我走了。 Dr. Li stayed! Why?"
    >>> [text[start:end] for start, end in sentence_spans(text)]
    ['他来了。', '我走了。', 'Dr. Li stayed!', 'Why?']
    """
    ends = [one.position for one in find_boundaries(text) if one.kind is BoundaryKind.SENTENCE]
    starts = [0, *(end + (text[end] == " ") for end in ends)]
    return tuple((start, end) for start, end in zip(starts, [*ends, len(text)], strict=True) if start < end)


def written_without_spaces(character: str) -> bool:
    """Whether a script sets no space between its words and sentences: Chinese, Japanese, Thai, Lao, Khmer, Burmese.

    Args:
        character: One character. Korean has spaces, and so does whatever else there is.

    Returns:
        True for letters and punctuation of such a script; False for an empty string.
    """
    return bool(_UNSPACED.match(character))


def separator(left: str, right: str) -> str:
    """What belongs between two texts that follow each other: a space where their script sets one.

    Args:
        left: A text without a space at its end.
        right: A text without a space at its start.

    Returns:
        A space or nothing; nothing also where either is empty.

    >>> seam("Il dort.", "Elle lit."), seam("他睡觉。", "她读书。"), seam("그는 잔다.", "그녀는 읽는다.")
    (' ', '', ' ')
    """
    if (
        not left
        or not right
        or written_without_spaces(left.rstrip(_QUOTES)[-1:])
        or written_without_spaces(right.lstrip(_QUOTES)[:1])
    ):
        return ""
    return " "


def _strength(text: str, match: re.Match[str]) -> BoundaryKind | None:
    kind, following = match.lastgroup, text[match.end() : match.end() + 1]
    if kind == "space":
        return BoundaryKind.SPACE
    if kind == "wide" and _wide_ends(match.group(), following):
        return BoundaryKind.SENTENCE
    if kind == "wide_clause" and not following.isdecimal():
        return BoundaryKind.CLAUSE
    if following != " ":
        return None
    if kind == "end":
        return BoundaryKind.SENTENCE if _ends(text, match) else BoundaryKind.SPACE
    return BoundaryKind.CLAUSE


def _wide_ends(sign: str, following: str) -> bool:
    """Whether a sign that needs no space behind it ends a sentence."""
    if sign[0] == "．" and following.isdecimal():
        return False  # ３．５
    return not (sign[-1] in "」』”" and following.isalpha())  # 「行く。」と言った: the sentence goes on


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether `.`, `!`, `?` or `…` before a space ends a sentence."""
    following = _first_letter(text, match.end() + 1)
    if following.islower() or following in _GOES_ON:
        return False
    if match.group() != ".":
        return True
    word = _WORD_BEFORE.search(text[max(0, match.start() - _LOOK_BACK) : match.start()])
    before = word.group() if word else ""
    if len(before) <= 2 and before.isdecimal():
        return False  # 3. Oktober; 1. Open the door
    last = before.rpartition(".")[2]
    initial = len(last) == 1 and last.lower() != last.upper()
    counted = _COUNTED.fullmatch(before) and following.isdecimal()
    return not (initial or counted or _TITLE.fullmatch(before))


def _first_letter(text: str, start: int) -> str:
    """The first character behind opening quotes and brackets."""
    for character in text[start : start + 4]:
        if character not in "\"'“‘«‹„([{¿¡ ":
            return character
    return ""
