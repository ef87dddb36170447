"""Language checks and indentation for XML documents with source and target texts, such as XLIFF and TMX."""

from __future__ import annotations

from collections.abc import Sequence

from regard.errors import ConfigError, DataError
from regard.text.languages import canonical
from regard.translation.markup.tokens import Token, TokenKind


def check_language(name: str, found: str | None, requested: str | None, attribute: str) -> None:
    """Checks that a language code of a document names the requested language.

    Args:
        name: Name of the file, for the message.
        found: Code in the document; None = the document has none, which is accepted.
        requested: Canonical code of the requested language; None = any.
        attribute: Name of the XML attribute that contains the code, for the message.

    Raises:
        DataError: The code names another language; script and region do not matter.
    """
    if not found or not requested or language_of(found) in (None, language_of(requested)):
        return
    raise DataError(
        f"{name}: expected {attribute} {requested}, found {found}: choose a model for the languages of the file, "
        "or give the languages of the file with --langs"
    )


def language_of(code: str) -> str | None:
    """The language of a code, without script and region: `zh` for `zh-Hant-TW`; None if the code is not valid."""
    try:
        return canonical(code).partition("-")[0]
    except ConfigError:
        return None


def indentation(tokens: Sequence[Token], position: int) -> str:
    """The white space before a tag, to be written before a new tag next to it as indentation.

    Args:
        tokens: Tokens of the document.
        position: Index of the tag among the tokens.

    Returns:
        The white space; empty if the token before the tag is not white space.
    """
    before = tokens[position - 1] if position > 0 else None
    if before is None or before.kind is not TokenKind.TEXT or before.raw.strip():
        return ""
    return before.raw
