"""Options of all formats: what is translated besides the text, and what is not translated."""

from __future__ import annotations

from dataclasses import dataclass

from regard.markup.keep import KeepPatterns


@dataclass(frozen=True, slots=True)
class MarkupOptions:
    """What to translate in a text with markup.

    Attributes:
        keep: Patterns of text that is not translated, besides the placeholders that are known; None = no patterns.
        attributes: Whether to translate the attributes `alt`, `title`, `placeholder` and `aria-label` of HTML and XML.
    """

    keep: KeepPatterns | None = None
    attributes: bool = False


DEFAULT_MARKUP = MarkupOptions()
