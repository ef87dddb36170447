"""Language detection, restricted to the languages that can be translated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Protocol

from regard.errors import ConfigError
from regard.text.languages import canonical

MAX_CHARACTERS = 5_000
"""Characters that are read of a long text; more rarely change the result."""
MAX_RANKED = 3
"""Most languages that are returned for a text."""


@dataclass(frozen=True, slots=True)
class DetectedLanguage:
    """A language that a text may be in.

    Attributes:
        language: Canonical code of the language.
        confidence: Probability in percent, a whole number from 0 to 100.
    """

    language: str
    confidence: int


class _Identifier(Protocol):
    """What is used of `py3langid.langid.LanguageIdentifier`."""

    def rank(self, text: str) -> list[tuple[str, float]]:
        """All languages with their probabilities, best first."""


class LanguageDetector:
    """Ranks a given list of languages by how likely a text is in each of them.

    The package py3langid gives a probability to each language that it knows. The probabilities of the given languages
    and of the most likely language besides them are scaled to a sum of 100. Only the given languages are returned, with
    the scaled probabilities as confidences. So a German text gets low confidences if only English and French are given.

    Args:
        languages: Canonical codes of the languages to choose from.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        self._codes = tuple(dict.fromkeys(languages))

    @staticmethod
    def is_installed() -> bool:
        """Whether the package py3langid is installed."""
        return find_spec("py3langid") is not None

    def rank(self, text: str) -> list[DetectedLanguage]:
        """Ranks the languages given to the constructor by how likely a text is in them.

        Args:
            text: Any text; only its first 5,000 characters are read.

        Returns:
            Up to three languages with a confidence of at least 1 %, the most likely first. If no language reaches 1 %,
            the most likely one alone. If the text has no letters, the first of the given languages, with confidence 0.
            Empty if no languages were given.

        Raises:
            ConfigError: The package py3langid is not installed.
        """
        text = text[:MAX_CHARACTERS]
        if not any(character.isalpha() for character in text):
            return [DetectedLanguage(code, 0) for code in self._codes[:1]]
        probabilities = dict(_identifier().rank(text))
        weights = {code: probabilities.get(canonical(code).split("-")[0], 0.0) for code in self._codes}
        known = {canonical(code).split("-")[0] for code in self._codes}
        other = max(
            (probability for language, probability in probabilities.items() if language not in known), default=0.0
        )
        total = sum(weights.values()) + other or 1.0
        ranked = sorted(
            (DetectedLanguage(code, round(100 * weight / total)) for code, weight in weights.items()),
            key=lambda language: -language.confidence,
        )
        return [language for language in ranked if language.confidence > 0][:MAX_RANKED] or ranked[:1]


@cache
def _identifier() -> _Identifier:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise ConfigError(
            "detecting the language of a text needs the package py3langid: install it with pip install "
            "'regard[serve]', or give the source language"
        ) from None
    identifier: _Identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return identifier
