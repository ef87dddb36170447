"""Whether a text repeats a run of words from another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

RUN = 12
"""Words in a row that two people do not write by chance."""

_WORD = re.compile(r"\w\w+")


def runs_of_words(text: str, length: int = RUN) -> Iterator[tuple[str, ...]]:
    """Every run of `length` words, lower-cased; punctuation, line breaks and single letters do not count."""
    words = _WORD.findall(text.lower())
    for start in range(len(words) - length + 1):
        yield tuple(words[start : start + length])


def copied(texts: Iterable[tuple[Path, str]], sources: Iterable[str]) -> list[str]:
    """The first run of words that each text shares with any source.

    Args:
        texts: Texts to look into, with their paths.
        sources: Texts that must not be repeated.

    Returns:
        One message a text that repeats something.
    """
    known = {run for source in sources for run in runs_of_words(source)}
    found = []
    for path, text in texts:
        run = next((run for run in runs_of_words(text) if run in known), None)
        if run:
            found.append(f"{path}: {' '.join(run)}")
    return found
