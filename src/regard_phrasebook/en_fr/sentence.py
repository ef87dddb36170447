"""A sentence before it has its final mark."""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.engine.phrase import Phrase, rule


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without its final mark.

    Attributes:
        phrase: Its words.
        mark: `.`, `?` or `!`.
        combos: Combinations of words in it.
        constructions: What it shows.
    """

    phrase: Phrase
    mark: str
    combos: tuple[str, ...] = ()
    constructions: tuple[str, ...] = ()

    def ended(self) -> Phrase:
        """The phrase with its final mark; `?` and `!` are words of their own in French."""
        french = f"+{self.mark}" if self.mark == "." else self.mark
        return rule(f"<s> +{self.mark}/p", f"<s> {french}/p", s=self.phrase)


def combine(src: str, tgt: str, shows: str, mark: str, /, **parts: Sentence) -> Sentence:
    """Builds a sentence from others.

    Args:
        src: Template of the source side, as in `regard_phrasebook.engine.phrase.rule`.
        tgt: Template of the target side.
        shows: Name of the construction.
        mark: Its final mark.
        **parts: The sentences that fill the templates; their own marks are dropped.

    Returns:
        The sentence, with the combinations and constructions of all parts.
    """
    phrase = rule(src, tgt, **{key: one.phrase for key, one in parts.items()})
    combos = tuple(combo for one in parts.values() for combo in one.combos)
    shown = (shows, *(shown for one in parts.values() for shown in one.constructions))
    return Sentence(phrase, mark, combos, shown)
