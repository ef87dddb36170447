"""Numbers with units, such as `10 km`: a model reads them, and they are written as in the source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from regard.values import Span

_UNIT = (
    r"(?:km/h|m/s|(?:[kcmµμn]m|[km]g|[mcd]l|[kMGTP]i?B|[kMG]?bit/s|[kMG]b/s|[kMG]B/s|[kMGT]?Hz|[kMG]W|[kMG]?Wh|mAh?|kV|kJ"
    r"|kcal|[kMh]Pa|ms|min|mph|rpm|dpi|px|pt|rem|dB)[²³]?|m[²³]|°[ ]?[CF])"
)
"""Symbols of units. Those that are also words, such as `in`, or letters that follow years (`1980s`), are not here."""
_NUMBER = r"(?<![\w.,:/])[+\-−]?\d{1,12}(?:[.,]\d{1,9}){0,3}"
_PATTERN = re.compile(rf"{_NUMBER}(?:[ \u00a0\u202f]?{_UNIT}|[ \u00a0\u202f][mgslLhVWN])(?![\w/²³'’])")


def find_quantities(text: str) -> Iterator[Span]:
    """Finds the numbers with a unit's symbol in a text; percentages and amounts of money are not among them.

    Args:
        text: The text, with entities such as `&amp;` decoded.

    Yields:
        The character range `[start, end)` of each number with its unit, in order.

    >>> text = "Walk 10 km at 5.5 km/h in the 1980s, 50% of it"
    >>> [text[start:end] for start, end in find_quantities(text)]
    ['10 km', '5.5 km/h']
    """
    for match in _PATTERN.finditer(text):
        yield match.span()


def contains_quantity(text: str) -> bool:
    """Whether a text contains a number with a unit's symbol."""
    return _PATTERN.search(text) is not None
