"""What XML documents with two languages have in common."""

from __future__ import annotations

from collections.abc import Sequence

from regard.errors import ConfigError, DataError
from regard.text.languages import canonical
from regard.translation.markup.tokens import Token, TokenKind


def check_language(name: str, found: str | None, requested: str | None, attribute: str) -> None:
    """Compares a language of a document with the requested one.

    Args:
        name: Name of the file, for the message.
        found: Code in the document; None = it names none.
        requested: Canonical code of the requested language; None = any.
        attribute: The attribute with the code, for the message.

    Raises:
        DataError: They are different languages.
    """
    if not found or not requested or language_of(found) in (None, language_of(requested)):
        return
    raise DataError(
        f"{name}: expected {attribute} {requested}, found {found}: choose a model for the languages of the file, "
        "or name them with --langs"
    )


def language_of(code: str) -> str | None:
    """The language of a code, without script and region; None if it is no code of a language."""
    try:
        return canonical(code).partition("-")[0]
    except ConfigError:
        return None


def indentation(tokens: Sequence[Token], position: int) -> str:
    """The white space before a tag, which is written before a tag that is added beside it.

    Args:
        tokens: The document.
        position: Position of the tag.

    Returns:
        The white space; empty if there is text before the tag.
    """
    before = tokens[position - 1] if position > 0 else None
    if before is None or before.kind is not TokenKind.TEXT or before.raw.strip():
        return ""
    return before.raw
