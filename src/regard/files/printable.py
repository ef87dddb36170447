"""Text of models, files and names as it may be shown to people: what commands a terminal is spelled out."""

from __future__ import annotations

import re

# C0 but for tab and line feed, DEL, C1; breaks of lines that terminals do not show; overrides and isolates of the
# direction of writing; halves of UTF-16 pairs, which no stream of UTF-8 takes.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WITH_LAYOUT = re.compile("[\t\n]|" + _COMMANDS.pattern)


def printable(text: str) -> str:
    r"""A text in which every character that a terminal would obey, or a stream could not take, is spelled out.

    Tabs and line feeds stay: they are layout. Everything that is printed for people goes through here; what is meant
    for programs, such as translations, does not.

    Args:
        text: Any text.

    Returns:
        Text that is only read.

    >>> printable("\x1b[2Jno\nmore")
    '\\x1b[2Jno\nmore'
    """
    return _COMMANDS.sub(_spelled, text)


def on_one_line(text: str) -> str:
    r"""As `printable`, for a value in a row or cell of its own: tabs and line feeds are spelled out as well.

    Args:
        text: Any text.

    Returns:
        Text on one line.

    >>> on_one_line("one\ntwo")
    'one\\ntwo'
    """
    return _WITH_LAYOUT.sub(_spelled, text)


def printable_json(text: str) -> str:
    r"""JSON that says the same: characters that a terminal would obey are written as JSON's own escapes.

    >>> printable_json('"\x9b2J"')
    '"\\u009b2J"'
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    named = {9: "\\t", 10: "\\n", 13: "\\r"}
    return named.get(code) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
