"""Names and numbers that a model reads in the place of placeholders, because it copies them into its translation."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from regard.translation.markup.placeholders import is_percentage, is_positional
from regard.values import Span

CANDIDATE_NAMES = ("Tom", "Mary", "Paris", "John", "Boston", "London", "Anna", "Peter")
"""Names that most models for languages in Latin script copy."""
CANDIDATE_NUMBERS = ("7", "12", "25", "40", "18", "63")
"""Numbers that most models copy."""
_NUMBER = (
    r"(?:\#|%(?:\d{1,2}\$|\(\w*\))?[-+#0]*\d*(?:\.\d+)?[lhqzjt]*[diuxXfFeEgG]|[%$]?\{{1,2}\W*(?:\w*_)?(?:n|num|number|count|"
    r"total|size|length|max|min|amount|days?|hours?|minutes?|seconds?|limit_value|limit)\b[^{}]*\}{1,2})"
)
_COUNT = re.compile(rf"{_NUMBER}(?:[/:.\-–×]{_NUMBER})*\Z")
"""Placeholders for numbers."""
BRACKETS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "«": "»", "“": "”", "‘": "’", "„": "“", "（": "）",
             "<": ">"}  # fmt: skip
"""Opening brackets and quotation marks, with those that close them."""


@dataclass(frozen=True, slots=True)
class StandIns:
    """Names and numbers that a model reads in place of placeholders, because it copies them reliably.

    After the translation, the placeholders take their place again.

    Attributes:
        names: Names, which stand for placeholders of any kind; if empty, no placeholder is replaced.
        numbers: Numbers, which stand for placeholders of numbers, such as `%d` and `{count}`; if empty, names do.
    """

    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def choose(self, text: str, placeholders: Sequence[Span]) -> dict[int, str]:
        """Chooses the name or number that the model reads in place of each placeholder of a text.

        Args:
            text: A text between tags.
            placeholders: Character range of each of its placeholders, in order.

        Returns:
            The name or number for each placeholder that can be replaced, by the index of the placeholder. Not replaced
            are percentages (`50%%`); placeholders that touch a letter, a digit or another placeholder; placeholders
            without number or name if the text has different ones (`%s` and `%d`), because the program fills them in by
            their order; all placeholders of a text without other letters; and those for which no unused name or number
            is left.
        """
        if not self.names or not placeholders or not _has_text(text, placeholders):
            return {}
        chosen: dict[int, str] = {}
        by_placeholder: dict[str, str] = {}
        positional = {text[start:end] for start, end in placeholders if is_positional(text[start:end])}
        for number, (start, end) in enumerate(placeholders):
            placeholder = text[start:end]
            is_apart = not text[max(0, start - 1) : start].isalnum() and not text[end : end + 1].isalnum()
            touches = any(end == other[0] or start == other[1] for other in placeholders)
            is_one_of_several = len(positional) > 1 and placeholder in positional
            if is_percentage(placeholder) or not is_apart or touches or is_one_of_several:
                continue
            stand_in = by_placeholder.get(placeholder) or self._free(placeholder, text, set(by_placeholder.values()))
            if stand_in is not None:
                chosen[number] = by_placeholder[placeholder] = stand_in
        return chosen

    def _free(self, placeholder: str, text: str, taken: set[str]) -> str | None:
        """A name or number that does not occur in the text and that no other placeholder has."""
        texts = self.numbers if self.numbers and _COUNT.match(placeholder) else self.names
        first = zlib.crc32(placeholder.encode("utf-8", "surrogatepass"))
        candidates = (texts[(first + step) % len(texts)] for step in range(len(texts)))
        return next((candidate for candidate in candidates if candidate not in taken and candidate not in text), None)


NO_STAND_INS = StandIns()
"""Placeholders are left out of what the model reads."""


def _has_text(text: str, placeholders: Sequence[Span]) -> bool:
    edges = [0, *(edge for span in placeholders for edge in span), len(text)]
    between = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return any(character.isalpha() for part in between for character in part)


def with_brackets(text: str, span: Span) -> Span:
    """Extends the range of a placeholder by the brackets and quotation marks directly around it.

    Args:
        text: A text between tags.
        span: Character range of the placeholder.

    Returns:
        The range with the brackets and quotation marks.
    """
    start, end = span
    while start and end < len(text) and BRACKETS.get(text[start - 1]) == text[end]:
        start, end = start - 1, end + 1
    return start, end
