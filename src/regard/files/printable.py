"""Escapes control characters in text from models, files and names before it is printed."""

from __future__ import annotations

import re

# C0 except tab and line feed, DEL, C1; Unicode line separators; overrides and isolates of the writing direction;
# surrogates, which cannot be encoded as UTF-8.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WITH_LAYOUT = re.compile("[\t\n]|" + _CONTROLS.pattern)


def printable(text: str) -> str:
    r"""Escapes control characters, except tabs and line feeds, so that text is safe to print on a terminal.

    All text for people is printed through this function; output for programs, such as translations, is not.

    Args:
        text: Text to print, from any source.

    Returns:
        The text, in which control characters, line separators, direction overrides and surrogates are escaped.

    >>> printable("\x1b[2Jno\nmore")
    '\\x1b[2Jno\nmore'
    """
    return _CONTROLS.sub(_escaped, text)


def on_one_line(text: str) -> str:
    r"""Escapes control characters, including tabs and line feeds, so that text is safe to print on one line.

    Args:
        text: Text to print, from any source.

    Returns:
        The text on one line, in which control characters are escaped.

    >>> on_one_line("one\ntwo")
    'one\\ntwo'
    """
    return _WITH_LAYOUT.sub(_escaped, text)


def printable_json(text: str) -> str:
    r"""Replaces control characters in JSON text with JSON escapes such as `\u009b`; the parsed value stays the same.

    >>> printable_json('"\x9b2J"')
    '"\\u009b2J"'
    """
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def counted(number: int, noun: str) -> str:
    """Formats a number with a noun, in the singular for 1 and otherwise in the plural.

    Args:
        number: How many.
        noun: The noun in the singular, whose plural ends in `s`, such as `pair`.

    Returns:
        Number and noun, such as `1 pair` or `2,000 pairs`.

    >>> counted(1, "pair"), counted(2000, "pair")
    ('1 pair', '2,000 pairs')
    """
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Chooses the singular or plural of a noun by a count, without the number itself.

    Args:
        number: How many.
        noun: The noun in the singular, whose plural ends in `s`.

    Returns:
        The noun in the singular for 1, otherwise in the plural.

    >>> plural(1, "pair"), plural(0, "pair")
    ('pair', 'pairs')
    """
    return noun if number == 1 else f"{noun}s"


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    named = {9: "\\t", 10: "\\n", 13: "\\r"}
    return named.get(code) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
