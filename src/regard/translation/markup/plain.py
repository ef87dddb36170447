"""Lines of plain text without placeholders: their sentences are replaced without word alignment, which is fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.text.normalize import normalize
from regard.text.sentences import sentence_spans
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.markup.placeholders import may_contain_placeholders
from regard.translation.markup.quantities import contains_quantity
from regard.translation.markup.sentence import TranslatedSentence


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line of plain text that normalization does not change and that has no placeholders.

    Attributes:
        sentences: The sentences of the line.
        gaps: White space before each sentence, and at the end of the line.
    """

    sentences: tuple[str, ...]
    gaps: tuple[str, ...]

    def render(self, translations: Sequence[TranslatedSentence | None]) -> str:
        """Writes the line with translated sentences.

        Args:
            translations: One per sentence; None keeps the sentence.

        Returns:
            The line.
        """
        texts = [
            sentence if translation is None else normalize(translation.text)
            for sentence, translation in zip(self.sentences, translations, strict=True)
        ]
        return "".join(part for pair in zip(self.gaps, [*texts, ""], strict=True) for part in pair)


def plain_line(text: str, options: MarkupOptions = DEFAULT_MARKUP) -> PlainLine | None:
    """Divides a line of plain text into sentences, if nothing in it has to be copied untranslated.

    Args:
        text: The line, with its line break.
        options: What is translated and what is not.

    Returns:
        The line; None if it may contain placeholders or numbers with units, such as `10 km`, or if normalization
        changes more than the white space at its ends.
    """
    stripped = text.strip()
    if may_contain_placeholders(text, options.keep) or normalize(text) != stripped or contains_quantity(text):
        return None
    spans = sentence_spans(stripped)
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(stripped)]
    gaps = [stripped[end:start] for end, start in zip(ends, starts, strict=True)]
    before = text[: len(text) - len(text.lstrip())]
    after = text[len(text.rstrip()) :]
    gaps[0], gaps[-1] = before + gaps[0], gaps[-1] + after
    return PlainLine(tuple(stripped[start:end] for start, end in spans), tuple(gaps))
