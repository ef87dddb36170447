"""What the text of one side of a corpus looks like: lengths, scripts and languages."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from regard.data.cleaning.checks_language import RIVALS
from regard.data.cleaning.histogram import Lengths
from regard.data.cleaning.language_model import is_available, load_language_model

MAX_IDENTIFIED = 5_000
"""Number of sampled sentences of a side whose language is identified."""
_MIN_LETTERS = 20
# Letters below which a sentence is too short to identify its language.
_SCRIPTS = {"Cjk": "Han", "Hiragana": "Kana", "Katakana": "Kana", "Fullwidth": "Latin", "Feminine": "Latin"}
# Names of scripts, by the first word of the Unicode names of their letters, where the two differ.


@dataclass
class SideText:
    """What the text of one side looks like.

    Attributes:
        language: Canonical code of its language; None = unknown.
        characters: Lengths of the sentences in characters.
        words: Lengths of the sentences in words, which spaces separate.
        letters: Number of letters, by name of the script, such as `Latin`; empty before `finish`.
        languages: Share of sampled sentences that look like each language, the most frequent first; empty if the
            language identifier py3langid is not installed, or no sentence is long enough.
        num_empty: Number of empty sentences.
        num_distinct: Number of different sentences, without empty ones, ignoring case, blanks and punctuation.
    """

    language: str | None = None
    characters: Lengths = field(default_factory=Lengths)
    words: Lengths = field(default_factory=Lengths)
    letters: Counter[str] = field(default_factory=Counter)
    languages: list[tuple[str, float]] = field(default_factory=list)
    num_empty: int = 0
    num_distinct: int = 0
    _characters: Counter[str] = field(default_factory=Counter)

    def add(self, texts: Sequence[str]) -> None:
        """Adds sentences of the side to all counts except `letters`, `languages` and `num_distinct`.

        Args:
            texts: The sentences, not normalized.
        """
        stripped = [text.strip() for text in texts]
        filled = [text for text in stripped if text]
        self.num_empty += len(texts) - len(filled)
        self.characters.add(map(len, filled))
        self.words.add(len(text.split()) for text in filled)
        self._characters.update("".join(filled))

    def finish(self) -> None:
        """Computes `letters` from all sentences; to be called once, after the last call of `add`."""
        for character, count in self._characters.items():
            if character.isalpha():
                self.letters[script_name(character)] += count

    def scripts(self) -> list[tuple[str, float]]:
        """Share of the letters in each script, the most frequent first."""
        total = max(sum(self.letters.values()), 1)
        return [(name, count / total) for name, count in self.letters.most_common()]


def script_name(letter: str) -> str:
    """Name of the script of a letter.

    >>> [script_name(letter) for letter in "aé漢かж한"]
    ['Latin', 'Latin', 'Han', 'Kana', 'Cyrillic', 'Hangul']
    """
    first = unicodedata.name(letter, "Other").split()[0].split("-")[0].title()
    return _SCRIPTS.get(first, first)


def identify_languages(texts: Sequence[str], expected: Sequence[str] = ()) -> list[tuple[str, float]]:
    """Identifies the languages of sentences, one by one.

    Args:
        texts: Sentences, of which at most `MAX_IDENTIFIED`, spread evenly, are used.
        expected: Codes of languages to consider besides some 30 frequent ones, such as English and Chinese.

    Returns:
        Codes of languages with the share of the sentences that look like them, the most frequent first; empty if
        py3langid is not installed, or no sentence is long enough.
    """
    long_enough = [text for text in texts if sum(map(str.isalpha, text)) >= _MIN_LETTERS or not text.isascii()]
    chosen = long_enough[:: max(1, -(-len(long_enough) // MAX_IDENTIFIED))]
    if not chosen or not is_available():
        return []
    model = load_language_model(tuple(dict.fromkeys([*RIVALS, *(code.split("-")[0] for code in expected)])))
    counts = Counter(model.codes[column] for column in model.scores(chosen).argmax(axis=1).tolist())
    return [(code, count / len(chosen)) for code, count in counts.most_common()]
