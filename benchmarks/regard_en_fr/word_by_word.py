"""The baseline: a translation word by word, with the target word that each source word is linked to most often."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from regard.text.normalize import normalize

_CORE = re.compile(r"(\W*)(.*?)(\W*)")


class WordTable:
    """Translates word by word, in the order of the source; unknown words are copied.

    Args:
        pairs: Source text, target text and links of each sentence pair; links are 0-based, between words of the
            normalized texts as whitespace separates them.
    """

    def __init__(self, pairs: Iterable[tuple[str, str, str]]) -> None:
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for source, target, links in pairs:
            src, tgt = (_words(text) for text in (source, target))
            for link in links.split():
                i, j = link.split("-")
                counts[src[int(i)]][tgt[int(j)]] += 1
        self.best = {word: found.most_common(1)[0][0] for word, found in counts.items()}

    def translate(self, sentence: str) -> str:
        """Translates one sentence; punctuation around words and a capital at the start of a word are kept.

        Args:
            sentence: The source sentence.

        Returns:
            The translation.
        """
        return " ".join(self._word(token) for token in normalize(sentence).split())

    def _word(self, token: str) -> str:
        before, core, after = _split(token)
        word = self.best.get(core.lower())
        if word is None:
            return token
        return before + (word[:1].upper() + word[1:] if core[:1].isupper() else word) + after


def read_table(corpus: Path, links: Path) -> WordTable:
    """Reads the training text and its links, and makes the table.

    Args:
        corpus: TSV file with source and target.
        links: Links of each pair in Pharaoh's format, line by line.

    Returns:
        The table.
    """
    with corpus.open(encoding="utf-8") as texts, links.open(encoding="utf-8") as lines:
        rows = (text.rstrip("\n").split("\t") for text in texts)
        return WordTable((row[0], row[1], line.strip()) for row, line in zip(rows, lines, strict=True))


def _words(text: str) -> list[str]:
    return [_split(token)[1].lower() for token in normalize(text).split()]


def _split(token: str) -> tuple[str, str, str]:
    match = _CORE.fullmatch(token)
    if match is None:  # a token has no line end, which alone does not match
        raise AssertionError(f"expected a word without line ends, got {token!r}")
    before, core, after = match.groups()
    return (before, core, after) if core else ("", token, "")
