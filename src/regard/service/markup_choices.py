"""Options of a request for text that stays untranslated, and for what the model reads in place of placeholders."""

from __future__ import annotations

from collections.abc import Sequence

from regard.errors import ConfigError
from regard.service.errors import ServiceError
from regard.translation.markup.keep import KeepPatterns
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.stand_ins import CANDIDATE_NAMES, CANDIDATE_NUMBERS, StandIns

CANDIDATES = StandIns(CANDIDATE_NAMES, CANDIDATE_NUMBERS)
"""Stand-ins of a request before it is known which of them the model copies."""


def requested_markup(patterns: Sequence[str], *, attributes: bool, stand_ins: bool) -> MarkupOptions:
    """Makes the markup options of a request: which text stays untranslated, and which is translated as well.

    Args:
        patterns: Regular expressions; text that matches one of them is not translated.
        attributes: Whether to translate HTML attributes such as `alt`.
        stand_ins: Whether the model reads a name or number in place of each placeholder, such as `{name}`. If not, it
            reads the text without the placeholders.

    Returns:
        The options. With `stand_ins`, they contain `CANDIDATES` until it is known which of these names and numbers the
        model copies into its translations.

    Raises:
        ServiceError: A pattern is not a regular expression, or there are too many.
    """
    try:
        keep = KeepPatterns(patterns) if patterns else None
    except ConfigError as error:
        raise ServiceError(f"Invalid request: {error}", code="invalid_pattern", status=409) from None
    return MarkupOptions(keep, attributes, *([CANDIDATES] if stand_ins else []))
