"""Checks of the sentences that callers pass in: one string or several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regard.errors import DataError


def text_list(given: str | Iterable[str], *, what: str = "sentence", first: int = 1) -> list[str]:
    """Converts a sentence or several sentences to a list.

    >>> text_list("one"), text_list(("one", "two"))
    (['one'], ['one', 'two'])

    Args:
        given: One sentence, or any iterable of sentences.
        what: What each item is, for the error message.
        first: Number of the first item, for the error message.

    Returns:
        All sentences.

    Raises:
        DataError: An item is not a string, such as the NaN of an empty table cell.
    """
    return [given] if isinstance(given, str) else list(checked_texts(given, what=what, first=first))


def checked_texts(given: Iterable[str], *, what: str = "sentence", first: int = 1) -> Iterator[str]:
    """Yields sentences one by one and checks that each is a string.

    Args:
        given: The sentences.
        what: As for `texts`.
        first: As for `texts`.

    Yields:
        Each sentence.

    Raises:
        DataError: As for `texts`.
    """
    for number, text in enumerate(given, start=first):
        if not isinstance(text, str):
            raise DataError(f"{what} {number}: expected text, got {text!r:.40} ({type(text).__name__})")
        yield text
