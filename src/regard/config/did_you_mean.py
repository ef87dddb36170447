"""Suggestions for misspelled names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most similar to a misspelled one.

    Args:
        name: The misspelled name.
        known: All valid names.

    Returns:
        One of `known`, or None if none is similar.

    >>> closest("batch_token", ["batch_tokens", "beam"])
    'batch_tokens'
    >>> closest("zebra", ["batch_tokens", "beam"]) is None
    True
    """
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Ends the message about an unknown name: suggests a similar one and lists all.

    Args:
        name: The misspelled name.
        known: All valid names.

    Returns:
        The end of the sentence, starting with a colon.

    >>> did_you_mean("bahdanaw", ["bahdanau", "plain"])
    ": did you mean 'bahdanau'? There are bahdanau, plain"
    >>> did_you_mean("x", ["bahdanau", "plain"])
    ': there are bahdanau, plain'
    """
    names = list(known)
    suggestion = closest(name, names)
    listed = ", ".join(names)
    return f": did you mean {suggestion!r}? There are {listed}" if suggestion else f": there are {listed}"
