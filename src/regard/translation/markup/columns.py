"""Which column of a table, or field of JSON, has the text, and which one takes the translations."""

from __future__ import annotations

from collections.abc import Sequence

from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.side_by_side import language_of

TEXT_NAMES = ("text", "source", "src", "sentence")
"""Usual names of a column with the text."""
RESULT_NAMES = ("translation", "target", "tgt")
"""Usual names of a column with translations; the first one is added if there is none."""


def text_column(names: Sequence[str], options: FileOptions) -> str | None:
    """Finds the column with the text.

    Args:
        names: Names of the columns.
        options: Options with the name of the column, if the user set it, and the source language.

    Returns:
        The column that the user set; if none was set, the column named after the source language, or else with a usual
        name such as `text`. None if `names` does not contain it.
    """
    if options.column is not None:
        return options.column if options.column in names else None
    return _named_after(names, options.source) or _first(names, TEXT_NAMES)


def result_column(names: Sequence[str], text: str, options: FileOptions) -> str:
    """Chooses the column for the translations.

    Args:
        names: Names of the columns.
        text: Name of the column with the text.
        options: Options with the name of the column, if the user set it, and both languages.

    Returns:
        The column that the user set; if none was set, the column named after the target language, or else with a usual
        name such as `translation`. The caller must add the column if it is not among `names`.
    """
    if options.result_column is not None:
        return options.result_column
    by_language = options.target is not None and _named_after([text], options.source) is not None
    existing = _named_after(names, options.target) or (None if by_language else _first(names, RESULT_NAMES))
    if existing is not None and existing != text:
        return existing
    return options.target if by_language and options.target is not None else RESULT_NAMES[0]


def _named_after(names: Sequence[str], language: str | None) -> str | None:
    if language is None:
        return None
    exact = next((name for name in names if name == language), None)
    return exact or next((name for name in names if language_of(name) == language_of(language)), None)


def _first(names: Sequence[str], usual: Sequence[str]) -> str | None:
    return next((name for known in usual for name in names if name.strip().lower() == known), None)
