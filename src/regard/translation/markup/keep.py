"""Regular expressions of the user for text that is not translated; the time that their search may take is limited."""

from __future__ import annotations

import time
from collections.abc import Sequence

import regex

from regard.errors import ConfigError
from regard.values import Span

MAX_PATTERN = 1_000
"""Most characters of a pattern."""
MAX_PATTERNS = 100
"""Most patterns."""
_SECONDS, _SECONDS_PER_CHARACTER = 1.0, 1e-4
"""Time that all searches together may take: ordinary patterns need less than a hundredth of it."""


class KeepPatterns:
    r"""Regular expressions for text that is not translated, such as product names and article numbers.

    The patterns have the syntax of the package `regex`, which includes that of Python's `re`. A pattern that matches
    the empty string is allowed; its empty matches are ignored.

    Args:
        patterns: The regular expressions. Where several match, the leftmost match counts, and of those the first
            pattern.

    Raises:
        ConfigError: A pattern is not valid, or there are too many.

    >>> KeepPatterns([r"[A-Z]{2}-\d+"]).find("Order AB-12 today")
    [(6, 11)]
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        if len(patterns) > MAX_PATTERNS:
            raise ConfigError(f"keep: expected at most {MAX_PATTERNS} patterns, got {len(patterns)}: join some with |")
        self.patterns = tuple(patterns)
        self._compiled = [_compile(pattern) for pattern in self.patterns]
        self._seconds, self._characters = 0.0, 0

    def find(self, text: str) -> list[Span]:
        """Finds the parts of a text that match.

        Args:
            text: The text.

        Returns:
            The spans in order, without empty ones and without overlap.

        Raises:
            ConfigError: The search takes too long, because a pattern tries too many combinations.
        """
        self._characters += len(text)
        found: list[tuple[int, int, int]] = []
        for number, (pattern, compiled) in enumerate(zip(self.patterns, self._compiled, strict=True)):
            left = _SECONDS + _SECONDS_PER_CHARACTER * self._characters - self._seconds
            start = time.thread_time()
            try:
                matches = [match.span() for match in compiled.finditer(text, timeout=max(left, 0.01))]
            except TimeoutError:
                raise ConfigError(
                    f"keep: expected a pattern that is found quickly, got {pattern!r:.80}, which tries too many "
                    "combinations: avoid repetitions within repetitions, such as (a+)+"
                ) from None
            self._seconds += time.thread_time() - start
            found += [(begin, number, end) for begin, end in matches if begin < end]
        result: list[Span] = []
        for begin, _, end in sorted(found):
            if not result or begin >= result[-1][1]:
                result.append((begin, end))
        return result


def _compile(pattern: str) -> regex.Pattern[str]:
    if len(pattern) > MAX_PATTERN:
        raise ConfigError(
            f"keep: expected a pattern of at most {MAX_PATTERN} characters, got {len(pattern)}: give several patterns"
        )
    try:
        return regex.compile(pattern, regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigError(
            f"keep: expected a regular expression, got {pattern!r:.80} ({reason}): correct it, or escape its special "
            "characters with a backslash"
        ) from None
