"""Keys under which texts count as the same."""

from __future__ import annotations

import re

from regard.text.normalize import normalize

_NOT_WORDS = re.compile(r"[\W_]+")


def text_key(text: str) -> str:
    """Key of a text, which texts share that differ only in case, blanks and punctuation.

    Args:
        text: A text, as read or normalized.

    Returns:
        The words of the text in lower case with single spaces; for a text without words, the normalized text.

    >>> text_key("Ta  journée ?"), text_key("...")
    ('ta journée', '...')
    """
    if text.isascii():
        return _NOT_WORDS.sub(" ", text.lower()).strip() or text.strip()
    text = normalize(text)
    return _NOT_WORDS.sub(" ", text.casefold()).strip() or text
