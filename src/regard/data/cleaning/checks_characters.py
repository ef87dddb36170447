"""Checks of characters: mojibake, and characters that a text should not contain."""

from __future__ import annotations

import re
from collections.abc import Sequence

from regard.values import Pair


def _decoded_as(encoding: str) -> dict[int, str]:
    """Characters that the bytes from 0x80 on become if they are decoded as a single-byte encoding."""
    # What an encoding leaves open stays a control character, as browsers do it.
    return {byte: bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in range(0x80, 0x100)}


def _sequences(encoding: str) -> tuple[str, str]:
    """Patterns of a two-byte, and of a three- or four-byte UTF-8 character that was decoded wrongly."""
    characters = _decoded_as(encoding)
    following = "".join(re.escape(characters[byte]) for byte in range(0x80, 0xC0))
    if encoding == "cp1252":
        following += "\x80-\xbf"
    leads = {
        count: "".join(re.escape(characters[byte]) for byte in range(first, last))
        for count, first, last in ((1, 0xC2, 0xE0), (2, 0xE0, 0xF0), (3, 0xF0, 0xF5))
    }
    return f"[{leads[1]}][{following}]", f"[{leads[2]}][{following}]{{2}}|[{leads[3]}][{following}]{{3}}"


_TWO, _MORE = _sequences("cp1252")
_, _MAC = _sequences("mac-roman")
# Some characters also follow a letter in good text, as in `É»` at the end of a French quotation, so that only the leads
# of the most frequent sequences (é, à, no-break space: "Ã" and "Â") are sure in front of them.
_CLOSING = "\xa0\xa9\xae\xb0\xb2\xb3\xb7\xb9\xbb\u2018\u2019\u201d\u2026\u203a\u2122\u2013\u2014"
_SURE = re.compile(
    # "à" was "Ã" and a no-break space, which may have become a plain space.
    r"(?:(?<![A-Z\xc0-\xde])\xc3(?=[\xa0 ]|$)"
    r"|[\xc2\xc3][\x80-\x9f\xa1-\xbf\u20ac\u0152-\u0192\u02c6-\u2122]"
    rf"|(?=[\xc4-\xdf][^{_CLOSING}]){_TWO}|{_MORE})"
)
_SURE_MAC = re.compile(rf"(?:\u221a[\xa9\xae\u2020\xa2\u2122\xb4\xa8\u2260\u00c6\xa7\xb0]|\xac[\xb4\xaa]|{_MAC})")
_LIKELY = re.compile(_TWO)
# Any match begins with one of these in front of another character that is not ASCII, or contains "Ã".
_CANDIDATE = re.compile(r"[\xac\xc2-\xf4\u201a\u221a-\u2248][^\x00-\x7f]")
_BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd\ufffe\uffff\ue000-\uf8ff\ud800-\udfff]")


def mojibake(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the number of characters that look like UTF-8 decoded as another encoding.

    A pair whose evidence may be chance, such as one uppercase letter before a closing quotation mark, scores 0.5.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> mojibake([Pair("your day", "ta journÃ©e"), Pair("your day", "ta journée")])
    [1.0, 0.0]
    """
    return [max(_mojibake(pair.src), _mojibake(pair.tgt)) for pair in pairs]


def broken_characters(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with its number of replacement, control, private-use and invalid characters.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> broken_characters([Pair("your day", "ta journ\ufffde"), Pair("your day", "ta journée")])
    [1.0, 0.0]
    """
    return [float(_num_broken(pair.src) + _num_broken(pair.tgt)) for pair in pairs]


def _mojibake(text: str) -> float:
    if text.isascii() or not (_CANDIDATE.search(text) or "\xc3" in text):
        return 0.0
    count = len(_SURE.findall(text)) + len(_SURE_MAC.findall(text))
    if count:
        return float(count)
    count = len(_LIKELY.findall(text))
    return float(count) if count > 1 else count / 2


def _num_broken(text: str) -> int:
    return len(_BROKEN.findall(text)) if not text.isprintable() or "\ufffd" in text else 0
