"""Checks of content that both sides share: numbers, addresses, markup, and repetition."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from regard.data.cleaning.expressions import URL
from regard.values import Pair

_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d+(?:[.,'\u2019\xa0\u202f ]\d{3}(?!\d))+|\d+")
_NOT_DIGITS = re.compile(r"\D+")
_TAG = re.compile(r"</?[^\W\d_][^<>]{0,200}>|&(?:[a-z]{2,8}|#\d{1,7}|#x[\da-f]{1,6});", re.I)
_MIN_REPEATED_WORDS = 4
_MIN_LETTERS = 6
_REPEATED_LETTERS = re.compile(r"(\w)\1\1\1\1+")
_UNITS = 4
"""Longest unit, in words, of a repetition that is searched."""


def numbers(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the count of numbers that differ between source and target.

    A number counts only if the other side has another number in its place, since the other side may also write it as a
    word. Thousands separators are ignored. These count as equal: hours of 12-hour and 24-hour clocks (8 and 20), years
    of two and four digits (95 and 1995), and numbers whose ratio is a power of ten ("3 million" and "3,000,000").

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> numbers([Pair("1,500 of 20", "1 500 sur 20"), Pair("in 1995", "en 1996"), Pair("2 dogs", "deux chiens")])
    [0.0, 1.0, 0.0]
    """
    return [_numbers(pair.src, pair.tgt) for pair in pairs]


def urls(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the share of its web and mail addresses that only one of its sides contains.

    Addresses that differ only in a language code, such as `a.org/en/b` and `a.org/fr/b`, count as the same.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> urls([Pair("See www.a.org.", "Voir www.b.org."), Pair("See www.a.org.", "Voir www.a.org.")])
    [1.0, 0.0]
    """
    return [_urls(pair.src, pair.tgt) for pair in pairs]


def markup(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the difference between the numbers of tags on its source and its target side.

    Character references such as `&amp;` count as tags.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> markup([Pair("a <b>cat</b>", "un chat"), Pair("a <b>cat</b>", "un <b>chat</b>")])
    [2.0, 0.0]
    """
    return [_markup(pair.src, pair.tgt) for pair in pairs]


def repetition(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the difference between the lengths of the longest repetitions of source and target.

    The length of a repetition is the number of successive words that equal the word before them ("bon bon bon bon": 3),
    or the word two, three or four places before; or of successive letters that equal the letter before ("aaaaaa": 5).

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> repetition([Pair("very good", "bon bon bon bon bon"), Pair("ha ha ha ha", "ah ah ah ah")])
    [4.0, 0.0]
    """
    return [abs(_repeated(pair.src) - _repeated(pair.tgt)) for pair in pairs]


def _numbers(src: str, tgt: str) -> float:
    if not _DIGIT.search(src) or not _DIGIT.search(tgt):
        return 0.0
    left, right = _NUMBER.findall(src), _NUMBER.findall(tgt)
    if left == right:
        return 0.0
    src_counts, tgt_counts = _number_counts(left), _number_counts(right)
    src_only, tgt_only = src_counts - tgt_counts, tgt_counts - src_counts
    if not src_only or not tgt_only:
        return 0.0
    for number in list(src_only):
        match = next((other for other in tgt_only if _is_alike(number, other)), None)
        if match is not None:
            del src_only[number], tgt_only[match]
    return float(min(src_only.total(), tgt_only.total()))


def _number_counts(matches: list[str]) -> Counter[int]:
    return Counter(int(_NOT_DIGITS.sub("", match)[:30]) for match in matches)


def _is_alike(number: int, other: int) -> bool:
    """Whether two numbers may be the same hour, year, or number in other units, such as 1 million and 100 man."""
    if abs(number - other) == 12 and max(number, other) <= 24:
        return True
    small, large = sorted((number, other))
    if 1900 <= large < 2100 and large % 100 == small:
        return True
    return small > 0 and large % small == 0 and str(large // small) in _POWERS


_POWERS = frozenset("1" + "0" * zeros for zeros in range(1, 13))


def _urls(src: str, tgt: str) -> float:
    left, right = _addresses(src), _addresses(tgt)
    return len(left ^ right) / len(left | right) if left or right else 0.0


def _addresses(text: str) -> set[str]:
    if "://" not in text and "@" not in text and "www." not in text:
        return set()
    return {_without_language(match) for match in URL.findall(text)}


_LANGUAGE_PART = re.compile(r"(?<=[/.])[a-z]{2}(?:[-_][a-z]{2})?(?=[/.])|(?<=://)www\.|^www\.")


def _without_language(url: str) -> str:
    return (
        _LANGUAGE_PART.sub("", url.lower().rstrip(".,;:!?…/'\u2019\u201d»*`"))
        .removeprefix("http://")
        .removeprefix("https://")
    )


def _markup(src: str, tgt: str) -> float:
    counts = [len(_TAG.findall(text)) if "<" in text or "&" in text else 0 for text in (src, tgt)]
    return float(abs(counts[0] - counts[1]))


def _repeated(text: str) -> float:
    """Number of words that repeat the words before them; or of letters within a word, if more."""
    words = text.split()
    long_words = " ".join([word for word in words if len(word) >= _MIN_LETTERS])
    longest = max(
        (len(match[0]) - 1 for match in _REPEATED_LETTERS.finditer(long_words) if match[1].isalpha()), default=0
    )
    if len(words) < _MIN_REPEATED_WORDS or len(set(words)) > 0.75 * len(words):
        return float(longest)
    for unit in range(1, _UNITS + 1):
        run = 0
        for word, earlier in zip(words[unit:], words, strict=False):
            run = run + 1 if word == earlier else 0
            longest = max(longest, run)
    return float(longest)
