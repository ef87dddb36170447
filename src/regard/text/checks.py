"""Checks of the sentences that callers pass in: one string or several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regard.errors import DataError


def text_list(sentences: str | Iterable[str], *, kind: str = "sentence", first: int = 1) -> list[str]:
    """Converts a sentence or several sentences to a list.

    >>> text_list("one"), text_list(("one", "two"))
    (['one'], ['one', 'two'])

    Args:
        sentences: One sentence, or any iterable of sentences.
        kind: What each item is, for the error message.
        first: Number of the first item, for the error message.

    Returns:
        All sentences.

    Raises:
        DataError: An item is not a string, such as the NaN of an empty table cell.
    """
    return [sentences] if isinstance(sentences, str) else list(checked_texts(sentences, kind=kind, first=first))


def checked_texts(sentences: Iterable[str], *, kind: str = "sentence", first: int = 1) -> Iterator[str]:
    """Yields sentences one by one and checks that each is a string.

    Args:
        sentences: The sentences.
        kind: As for `text_list`.
        first: As for `text_list`.

    Yields:
        Each sentence.

    Raises:
        DataError: As for `text_list`.
    """
    for number, text in enumerate(sentences, start=first):
        if not isinstance(text, str):
            raise DataError(f"{kind} {number}: expected text, got {text!r:.40} ({type(text).__name__})")
        yield text
