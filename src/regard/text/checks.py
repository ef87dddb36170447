"""Text as callers hand it over: one sentence or several, and nothing that is no text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regard.errors import DataError


def text_list(given: str | Iterable[str], *, what: str = "sentence", first: int = 1) -> list[str]:
    """Takes one sentence or several.

    >>> texts("one"), texts(("one", "two"))
    (['one'], ['one', 'two'])

    Args:
        given: A sentence, or sentences.
        what: What they are, for the message.
        first: Number of the first one, by which the message names them.

    Returns:
        Them all.

    Raises:
        DataError: One is no text, such as the NaN that stands in an empty cell of a table.
    """
    return [given] if isinstance(given, str) else list(checked_texts(given, what=what, first=first))


def checked_texts(given: Iterable[str], *, what: str = "sentence", first: int = 1) -> Iterator[str]:
    """Passes sentences on as they come.

    Args:
        given: Sentences.
        what: As for `texts`.
        first: As for `texts`.

    Yields:
        Each of them.

    Raises:
        DataError: As for `texts`.
    """
    for number, one in enumerate(given, start=first):
        if not isinstance(one, str):
            shown = f"{one!r:.40}"
            raise DataError(f"{what} {number}: expected text, got {shown} ({type(one).__name__})")
        yield one
