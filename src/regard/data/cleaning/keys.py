"""Keys of texts: texts with equal keys count as the same."""

from __future__ import annotations

import re

from regard.text.normalize import normalize

_NOT_WORDS = re.compile(r"[\W_]+")


def text_key(text: str) -> str:
    """Key of a text: texts that differ only in case, blanks and punctuation have the same key.

    Args:
        text: A text, normalized or not.

    Returns:
        The words of the text in lower case with single spaces; for a text without words, the normalized text.

    >>> text_key("Ta  journée ?"), text_key("...")
    ('ta journée', '...')
    """
    if text.isascii():
        return _NOT_WORDS.sub(" ", text.lower()).strip() or text.strip()
    text = normalize(text)
    return _NOT_WORDS.sub(" ", text.casefold()).strip() or text
