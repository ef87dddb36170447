"""Makes words safe to show as labels of rows and columns."""

from __future__ import annotations

import unicodedata

_CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control and format characters, lone surrogates, line breaks
_JOINERS = "\u200c\u200d"  # format characters that are part of the spelling in many scripts


def replace_controls(text: str) -> str:
    r"""Replaces control characters of a label, which could move a cursor, reverse text or break a file, with `�`.

    >>> replace_controls("\x1b[31mred")
    '�[31mred'
    """
    return "".join("\ufffd" if _is_control(character) else character for character in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in _CONTROLS and character not in _JOINERS
