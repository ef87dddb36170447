"""Format directives, such as `%s`, of PO messages with a format flag, such as `c-format`: translations keep them."""

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
    """The format flags among the flags of a PO entry, such as `c-format`; negated ones (`no-c-format`) are left out."""
    return [flag for flag in flags if flag.endswith("-format") and not flag.startswith("no-")]


def keep_pattern(flags: Sequence[str]) -> str | None:
    """A pattern for the format directives of a PO entry, such as `%d`, also next to letters, as in `%dm`.

    Args:
        flags: Flags of the entry, such as `c-format`.

    Returns:
        A regular expression; None if no flag names a format.
    """
    names = formats(flags)
    if not names:
        return None
    return _PERCENT_PATTERN if _has_percent(names) else _BRACES


def has_same_format(source: str, translation: str, flags: Sequence[str]) -> bool:
    """Whether a translation of a PO entry has the same format directives, such as `%s`, as its source.

    Args:
        source: The source string.
        translation: Its translation.
        flags: Flags of the entry, such as `c-format`.

    Returns:
        True if both have the same format directives, in any order, or if no flag names a format.
    """
    return not formats(flags) or sorted(_PARTS.findall(source)) == sorted(_PARTS.findall(translation))


def double_percent_signs(source: str, translation: str, flags: Sequence[str]) -> str:
    """Doubles percent signs that only the translation has, so that programs do not read them as format directives.

    Args:
        source: The source string of a PO entry.
        translation: Its translation.
        flags: Flags of the entry, such as `c-format`.

    Returns:
        The translation; unchanged if no flag names a format with percent signs, or if the source has a percent sign
        that begins no directive, such as in `50% of`.

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
