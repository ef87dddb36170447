"""Options of all formats: what is translated besides the text, and what is not translated."""

from __future__ import annotations

from dataclasses import dataclass

from regard.translation.markup.keep import KeepPatterns
from regard.translation.markup.stand_ins import NO_STAND_INS, StandIns


@dataclass(frozen=True, slots=True)
class MarkupOptions:
    """What to translate in a text with markup.

    Attributes:
        keep: Patterns of text that is not translated, in addition to placeholders such as `{name}`; None = no patterns.
        attributes: Whether to translate the attributes `alt`, `title`, `placeholder` and `aria-label` of HTML and XML.
        stand_ins: Names and numbers that the model reads in place of placeholders; if there are none, placeholders are
            left out of what the model reads.
    """

    keep: KeepPatterns | None = None
    attributes: bool = False
    stand_ins: StandIns = NO_STAND_INS


DEFAULT_MARKUP = MarkupOptions()
