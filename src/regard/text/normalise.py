"""One form for every text before anything else is done to it."""

from __future__ import annotations

import unicodedata


def normalise(text: str) -> str:
    """Composes characters (NFC), turns controls and odd spaces into plain spaces, and single spaces they become.

    Args:
        text: Any string.

    Returns:
        The text that all spans and alignments refer to.

    >>> normalise("Comment\\u00a0 ça va\\t?\\n")
    'Comment ça va ?'
    """
    composed = unicodedata.normalize("NFC", text)
    if composed.isascii() and composed.isprintable():
        return " ".join(composed.split(" ")) if "  " not in composed else " ".join(composed.split())
    return " ".join("".join(_plain(character) for character in composed).split())


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace() or category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    if character == "\u2581":  # SentencePiece's sign for a space: it would come back as one
        return "_"
    # Surrogates cannot be written as UTF-8; they come from broken input alone.
    return "\ufffd" if category == "Cs" else character
