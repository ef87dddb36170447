"""Words as labels of a picture: whatever they hold, they are only read."""

from __future__ import annotations

import unicodedata

_COMMANDS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control and format characters, lone surrogates, breaks of lines
_JOINERS = "\u200c\u200d"  # format characters that many scripts are spelled with


def replace_controls(text: str) -> str:
    r"""A text without what would move a cursor, turn the writing or spoil a file: each becomes `�`.

    >>> replace_controls("\x1b[31mred")
    '�[31mred'
    """
    return "".join("\ufffd" if unicodedata.category(one) in _COMMANDS and one not in _JOINERS else one for one in text)
