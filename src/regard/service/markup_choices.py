"""What a request says of the text that is not translated, and names that stand for placeholders."""

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
    """What a request says of the text that is not translated.

    Args:
        patterns: Regular expressions for text that is not translated.
        attributes: Whether to translate attributes such as `alt`.
        stand_ins: Whether the model reads names and numbers in the place of placeholders.

    Returns:
        The options; their stand-ins are `CANDIDATES` until those of the model are known.

    Raises:
        ServiceError: A pattern is not a regular expression, or there are too many.
    """
    try:
        keep = KeepPatterns(patterns) if patterns else None
    except ConfigError as error:
        raise ServiceError(f"Invalid request: {error}", code="invalid_pattern", status=409) from None
    return MarkupOptions(keep, attributes, *([CANDIDATES] if stand_ins else []))
