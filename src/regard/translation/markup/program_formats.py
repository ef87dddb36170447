"""What a program replaces in a message that is marked with its format, such as `c-format`: all of it must stay."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_BRACE_FORMATS = ("python-brace-format", "perl-brace-format", "csharp-format", "java-format", "javascript-format")
"""Formats whose parts have braces; a percent sign has no meaning there. Those of all others have percent signs."""
_CONVERSION = r"(?:\(\w+\)|\d+\$)?[-+{}#0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?[hlLqjzt]*[A-Za-z]"
_BRACES = r"\{[^{}\s]*\}"
_PERCENT_PATTERN = f"%%|%{_CONVERSION.format('')}"
"""Without the flag for a space before a number, which would be found in `50% of`."""
_PERCENT = re.compile(f"%%|%{_CONVERSION.format(' ')}|%")
_PARTS = re.compile(f"%%|%{_CONVERSION.format(' ')}|{_BRACES}")


def formats(flags: Sequence[str]) -> list[str]:
    """The formats among the flags of an entry, such as `c-format`; those that begin with `no-` are left out."""
    return [flag for flag in flags if flag.endswith("-format") and not flag.startswith("no-")]


def keep_pattern(flags: Sequence[str]) -> str | None:
    """A pattern of what a program replaces, also next to letters, as in `%dm`.

    Args:
        flags: Flags of the entry.

    Returns:
        A regular expression; None if the entry has no format.
    """
    names = formats(flags)
    if not names:
        return None
    return _PERCENT_PATTERN if _has_percent(names) else _BRACES


def has_same_format(source: str, translation: str, flags: Sequence[str]) -> bool:
    """Whether a program can format a translation like the source; true for an entry without a format.

    Args:
        source: The source string.
        translation: Its translation.
        flags: Flags of the entry.

    Returns:
        True if both have the same parts that the program replaces, in any order.
    """
    return not formats(flags) or sorted(_PARTS.findall(source)) == sorted(_PARTS.findall(translation))


def double_percent_signs(source: str, translation: str, flags: Sequence[str]) -> str:
    """Doubles the percent signs that only the translation has: a program would read them as its own.

    Args:
        source: The source string.
        translation: Its translation.
        flags: Flags of the entry.

    Returns:
        The translation; as it is if the format has no percent signs, or if the source has single ones as well.

    >>> double_percent_signs("half of %s", "50 % de %s", ["c-format"])
    '50 %% de %s'
    """
    expected = Counter(_PERCENT.findall(source))
    has_single = any(part[1:2] in ("", " ") for part in expected)
    if "%" not in translation or has_single or not _has_percent(formats(flags)):
        return translation

    def doubled(match: re.Match[str]) -> str:
        part = match[0]
        if expected[part]:
            expected[part] -= 1
            return part
        return part if part == "%%" else f"%{part}"

    return _PERCENT.sub(doubled, translation)


def _has_percent(names: Sequence[str]) -> bool:
    return any(name not in _BRACE_FORMATS for name in names)
