"""What somebody who misspelled a name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like a misspelled one, None when none is alike.

    Args:
        name: What was written.
        known: What could have been written.

    Returns:
        One of `known`.

    >>> nearest("batch_token", ["batch_tokens", "beam"])
    'batch_tokens'
    >>> nearest("zebra", ["batch_tokens", "beam"]) is None
    True
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that says a name is unknown: the nearest one, or all there are.

    Args:
        name: What was written.
        known: What could have been written.

    Returns:
        A clause that begins with its punctuation.

    >>> did_you_mean("bahdanaw", ["bahdanau", "plain"])
    ": did you mean 'bahdanau'? There are bahdanau, plain"
    >>> did_you_mean("x", ["bahdanau", "plain"])
    ': there are bahdanau, plain'
    """
    names = list(known)
    close = closest(name, names)
    listed = ", ".join(names)
    return f": did you mean {close!r}? There are {listed}" if close else f": there are {listed}"
