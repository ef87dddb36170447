"""A sentence before its final punctuation mark is added."""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.engine.phrase import Phrase, rule


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without its final punctuation mark.

    Attributes:
        phrase: The words.
        mark: The final mark: `.`, `?` or `!`.
        combos: Word combinations in the sentence, such as `eat+apple`.
        constructions: Names of the constructions in the sentence.
    """

    phrase: Phrase
    mark: str
    combos: tuple[str, ...] = ()
    constructions: tuple[str, ...] = ()

    def with_final_mark(self) -> Phrase:
        """The phrase with its final mark; `?` and `!` are separate words in French."""
        french = f"+{self.mark}" if self.mark == "." else self.mark
        return rule(f"<s> +{self.mark}/p", f"<s> {french}/p", s=self.phrase)


def combine(src: str, tgt: str, construction: str, mark: str, /, **parts: Sentence) -> Sentence:
    """Combines sentences into one.

    Args:
        src: Template of the source side, as in `regard_phrasebook.engine.phrase.rule`.
        tgt: Template of the target side.
        construction: Name of the grammatical construction that combines them, such as `condition`.
        mark: Final mark of the result.
        **parts: Sentences that fill the slots; their final marks are dropped.

    Returns:
        The sentence, with the combinations and constructions of all parts.
    """
    phrase = rule(src, tgt, **{key: part.phrase for key, part in parts.items()})
    combos = tuple(combo for part in parts.values() for combo in part.combos)
    constructions = (construction, *(name for part in parts.values() for name in part.constructions))
    return Sentence(phrase, mark, combos, constructions)
