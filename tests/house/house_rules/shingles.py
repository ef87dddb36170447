"""Finds runs of words that a text has copied from another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

RUN = 12
"""Length of a run of words that two authors do not write by chance."""

_WORD = re.compile(r"\w\w+")


def runs_of_words(text: str, length: int = RUN) -> Iterator[tuple[str, ...]]:
    """Every run of `length` words, in lower case; punctuation, line breaks and single letters are ignored."""
    words = _WORD.findall(text.lower())
    for start in range(len(words) - length + 1):
        yield tuple(words[start : start + length])


def copied(texts: Iterable[tuple[Path, str]], sources: Iterable[str]) -> list[str]:
    """Finds the first run of words that each text shares with any source.

    Args:
        texts: Texts to check, with their paths.
        sources: Texts that must not be copied.

    Returns:
        One message per text that copies something.
    """
    known = {run for source in sources for run in runs_of_words(source)}
    messages = []
    for path, text in texts:
        run = next((run for run in runs_of_words(text) if run in known), None)
        if run:
            messages.append(f"{path}: {' '.join(run)}")
    return messages
