"""Names of encodings in files, options and configurations, and the codecs that they mean."""

from __future__ import annotations

import codecs

from regard.errors import ConfigError

_NOT_FOR_FILES = frozenset(
    {"utf_7", "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}
)
"""Codecs for text that are no encodings of files, decode to unpaired surrogates, or hide markup as UTF-7 does."""
_MAX_NAME = 60
"""Largest number of characters of a name of an encoding; damaged files have longer ones."""


def find_encoding(name: str) -> str | None:
    """Finds Python's codec for an encoding of text files.

    Args:
        name: Name of the encoding, in any spelling that Python knows.

    Returns:
        Python's name of the codec; None if Python has no such codec, or it is not for text files.

    >>> find_encoding("Latin1"), find_encoding("klingon"), find_encoding("hex")
    ('iso8859-1', None, None)
    """
    if len(name) > _MAX_NAME:
        return None
    try:
        codec = codecs.lookup(name).name
        "a".encode(codec)  # a codec for bytes, such as hex, refuses text
    except (LookupError, ValueError):
        return None
    return None if codec.replace("-", "_") in _NOT_FOR_FILES else codec


def check_encoding(name: str | None) -> None:
    """Checks the encoding that the user gave.

    Args:
        name: Name of the encoding; None = no encoding was given.

    Raises:
        ConfigError: Python has no encoding of this name.
    """
    if name is not None and find_encoding(name) is None:
        raise ConfigError(
            "encoding: expected the name of an encoding, such as utf-8, utf-16, cp1252 or shift_jis, got "
            f"{name!r}: correct it"
        )
