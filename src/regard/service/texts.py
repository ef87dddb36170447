"""Checks of texts and numbers that clients send."""

from __future__ import annotations

import re

from regard.service.errors import ServiceError
from regard.service.settings import ServiceSettings

_DIGITS = re.compile(r"(-?)0*([0-9]+)")
_MAX_DIGITS = 18


def check_texts(value: object, settings: ServiceSettings, *, name: str = "q") -> tuple[str, ...]:
    """Checks the texts of a request against the limits.

    Args:
        value: A text, or a list of texts.
        settings: Settings of the service, with the limits on texts and characters.
        name: Name of the parameter, for messages.

    Returns:
        The texts; a single text gives a tuple of one.

    Raises:
        ServiceError: The parameter is missing or of another type, a text is not valid Unicode, or there are too many
            texts or characters.
    """
    if value is None or value in ("", []):
        raise ServiceError(f"Invalid request: missing {name} parameter", code="missing_parameter")
    texts = value if isinstance(value, list) else [value]
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) != len(texts):
        raise ServiceError(f"Invalid request: {name} parameter must be a text or a list of texts")
    if settings.batch_limit is not None and len(texts) > settings.batch_limit:
        raise _too_much(len(texts), settings.batch_limit)
    num_characters = sum(map(len, strings))
    if settings.char_limit is not None and num_characters > settings.char_limit:
        raise _too_much(num_characters, settings.char_limit)
    for text in strings:
        check_unicode(text, name=name)
    return tuple(strings)


def num_texts(value: object) -> int:
    """Counts the texts of a request for the rate limit, before the texts are checked.

    Args:
        value: Value of the request's parameter: a text, or a list of texts.

    Returns:
        Length of a list; 1 for anything else.
    """
    return len(value) if isinstance(value, list) else 1


def check_unicode(text: str, *, name: str) -> None:
    """Raises an error if a text contains a lone surrogate, which JSON can spell, or the character NUL.

    Args:
        text: Text from a request.
        name: Name of the parameter, for messages.

    Raises:
        ServiceError: The text contains such a character.
    """
    for character, kind in (
        (_surrogate(text), "a lone surrogate"),
        ("\0" if "\0" in text else "", "the character NUL"),
    ):
        if character:
            raise ServiceError(
                f"Invalid request: {name} parameter has {kind} at character {text.index(character) + 1}: remove it",
                code="not_text",
            )


def check_number(value: object, *, name: str, low: int, high: int) -> int:
    """Checks a parameter of a request that should be a whole number.

    Args:
        value: A number, or a string of digits as in a form; None and an empty string stand for `low`.
        name: Name of the parameter, for messages.
        low: Smallest value; smaller numbers are raised to it.
        high: Largest value.

    Returns:
        The number.

    Raises:
        ServiceError: The value is not a whole number, or is larger than `high`.
    """
    if value in (None, ""):
        return low
    number = _whole_number(value)
    if number is None:
        raise ServiceError(f"Invalid request: {name} parameter is not a number", code="not_a_number")
    if number > high:
        raise ServiceError(f"Invalid request: {name} parameter must be <= {high}", code="too_large")
    return max(low, number)


def _whole_number(value: object) -> int | None:
    """The value as a whole number; None if it is something else."""
    if isinstance(value, str):
        digits = _DIGITS.fullmatch(value.strip())
        # `int` refuses very long strings; a shortened number is still too large.
        return None if digits is None else int(f"{digits[1]}{digits[2][:_MAX_DIGITS]}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if isinstance(value, int) or value.is_integer() else None


def _surrogate(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return text[error.start]
    return ""


def _too_much(given: int, limit: int) -> ServiceError:
    return ServiceError(f"Invalid request: request ({given}) exceeds text limit ({limit})", code="text_too_long")
