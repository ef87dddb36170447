"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """Finds the valid name that is most similar to a misspelled name.

    Args:
        name: The misspelled name.
        known: All valid names.

    Returns:
        The most similar name in `known`; None if no name is similar enough.

    >>> closest("batch_token", ["batch_tokens", "beam"])
    'batch_tokens'
    >>> closest("zebra", ["batch_tokens", "beam"]) is None
    True
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Makes the end of an error message about an unknown name: a suggestion, and the list of valid names.

    Args:
        name: The unknown name.
        known: All valid names.

    Returns:
        Text to append to the message; it starts with a colon.

    >>> did_you_mean("bahdanaw", ["bahdanau", "plain"])
    ": did you mean 'bahdanau'? Expected one of bahdanau, plain"
    >>> did_you_mean("x", ["bahdanau", "plain"])
    ': expected one of bahdanau, plain'
    """
    names = list(known)
    suggestion = closest(name, names)
    listed = ", ".join(names)
    return f": did you mean {suggestion!r}? Expected one of {listed}" if suggestion else f": expected one of {listed}"
