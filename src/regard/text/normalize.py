"""Unicode and whitespace normalization, the first step for every text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from regard.errors import DataError

# Control characters, every kind of space, line and paragraph separators, and the byte order mark, which stands in the
# middle of concatenated files.
_BLANK = "\x00-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"  # but the plain space
_BLANKS = re.compile(f"[{_BLANK}][{_BLANK} ]*| [{_BLANK} ]+")  # but single plain spaces
_ONE_BLANK = re.compile(f"[{_BLANK} ]")
_ZERO_WIDTH_SPACE = "\u200b"
# Thai, Lao, Tibetan, Burmese and Khmer mark word boundaries with it, invisibly to a reader. Elsewhere it only allows a
# line break, or an editor left it behind.
_MARKS_WORDS = "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f]"
_ZERO_WIDTH_SPACES = re.compile(f"((?<={_MARKS_WORDS})\u200b+(?={_MARKS_WORDS}))|\u200b+")
_MOST_MARKS = 100
"""Longest allowed run of combining marks: NFC sorts each run in time quadratic in its length."""
_SAMPLING_STEP = 40
"""Distance between the characters by which overlong runs of marks are found; less than half of such a run."""
_JOINER = "\u034f"
_SURROGATES = re.compile("[\ud800-\udfff]")


def normalize(text: str) -> str:
    r"""Applies NFC and replaces each run of control characters and whitespace with one plain space.

    No-break spaces become plain spaces too: `journée ?` is the same text however it was typeset. Zero width spaces
    stay between letters of Southeast Asian scripts, where they end words, and are removed elsewhere. The function is
    idempotent.

    Args:
        text: Any string.

    Returns:
        The normalized text, without leading or trailing spaces; spans and alignments refer to it.

    >>> normalize("Comment\u00a0 ça va\t?\n")
    'Comment ça va ?'
    """
    if _is_clean(text) and "  " not in text and text == text.strip():
        return text
    joined = " ".join(text.split())  # ten times as fast as the general way, and enough for nearly all texts
    return joined if _is_clean(joined) else _normalize(text)


def _is_clean(text: str) -> bool:
    """Whether a text needs no change other than of its plain spaces; False if that takes long to find out."""
    if not text.isprintable():  # not so are all blanks but the plain space, zero width spaces, and surrogates
        return False
    if text.isascii():
        return True
    # In composed text, a mark is a character of a nonzero combining class.
    return unicodedata.is_normalized("NFC", text) and not any(map(unicodedata.combining, text[::_SAMPLING_STEP]))


def _normalize(text: str) -> str:
    """Normalizes any text, in the order of the steps that define the result."""
    composed = unicodedata.normalize("NFC", _split_long_mark_runs(replace_surrogates(text)))
    if _ZERO_WIDTH_SPACE in composed:
        composed = _ZERO_WIDTH_SPACES.sub(lambda match: _ZERO_WIDTH_SPACE if match[1] else "", composed)
    return _BLANKS.sub(" ", composed).strip(" ")


def _split_long_mark_runs(text: str) -> str:
    """Splits overlong runs of combining marks with an invisible joiner (Stream-Safe Text Format, UAX #15, §13)."""
    # Any overlong run, even of characters that stand for two marks each, covers four characters in a row at one of
    # the sampled positions.
    if text.isascii() or not any(
        all(map(_num_marks, text[start : start + 4])) for start in range(0, len(text), _SAMPLING_STEP)
    ):
        return text
    parts, count = [], 0
    for character in text:
        marks = _num_marks(character)
        count = (
            count + marks if marks else len(unicodedata.normalize("NFD", character)) - 1
        )  # the marks of a base letter
        if count > _MOST_MARKS and marks:
            parts.append(_JOINER)
            count = marks
        parts.append(character)
    return "".join(parts)


def _num_marks(character: str) -> int:
    """Number of combining marks that a character decomposes into; 0 for a base letter with marks."""
    decomposed = unicodedata.normalize("NFD", character)
    return len(decomposed) if all(map(unicodedata.combining, decomposed)) else 0


def replace_surrogates(text: str) -> str:
    r"""Replaces unpaired surrogates, which cannot be encoded as UTF-8, with U+FFFD; the length stays the same.

    >>> replace_surrogates("a\ud800b")
    'a\ufffdb'
    """
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def replace_blanks(text: str) -> str:
    r"""Replaces every control character and whitespace character with a plain space; the length stays the same.

    >>> replace_blanks("a\r\nb")
    'a  b'
    """
    return _ONE_BLANK.sub(" ", text)


def text_list(sentences: str | Iterable[str], *, kind: str = "sentence", first: int = 1) -> list[str]:
    """Converts one sentence, or any number of sentences, to a list of strings.

    >>> text_list("one"), text_list(("one", "two"))
    (['one'], ['one', 'two'])

    Args:
        sentences: One sentence, or any iterable of sentences.
        kind: Name of an item in the error message, such as `sentence` in "sentence 3: expected text".
        first: Number of the first item in the error message.

    Returns:
        The sentences; a single sentence gives a list of one.

    Raises:
        DataError: An item is not a string, such as the NaN that pandas reads from an empty table cell.
    """
    return [sentences] if isinstance(sentences, str) else list(checked_texts(sentences, kind=kind, first=first))


def checked_texts(sentences: Iterable[str], *, kind: str = "sentence", first: int = 1) -> Iterator[str]:
    """Yields sentences one by one and checks that each is a string.

    Args:
        sentences: The sentences.
        kind: Name of an item in the error message, such as `sentence` in "sentence 3: expected text".
        first: Number of the first item in the error message.

    Yields:
        Each sentence, unchanged.

    Raises:
        DataError: An item is not a string, such as the NaN that pandas reads from an empty table cell.
    """
    for number, text in enumerate(sentences, start=first):
        if not isinstance(text, str):
            raise DataError(f"{kind} {number}: expected text, got {text!r:.40} ({type(text).__name__})")
        yield text
