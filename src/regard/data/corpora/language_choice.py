"""Choice of the languages of a corpus among those that a file contains."""

from __future__ import annotations

from collections.abc import Iterable

from regard.errors import ConfigError, DataError
from regard.text.languages import canonical, closest


def choose_language(code: str, found: Iterable[str], *, where: str) -> str | None:
    """Chooses, among the languages of a file, the one that a requested code means.

    Args:
        code: Canonical code of the requested language, such as `en` or `zh-Hant`.
        found: The languages of the file or of one of its units, as they are spelled there, such as `EN_us`.
        where: File and line, for the message.

    Returns:
        One of `found`, exactly as spelled; None if none of them is the requested language.

    Raises:
        DataError: Several languages of `found` match the code equally well, such as `en-GB` and `en-US` match `en`.

    >>> choose_language("en", ["EN_us", "fr-FR"], where="memory.tmx")
    'EN_us'
    >>> choose_language("de", ["en", "fr"], where="memory.tmx") is None
    True
    >>> choose_language("pt-BR", ["en", "pt-PT"], where="memory.tmx") is None
    True
    """
    spellings: dict[str, str] = {}
    for spelling in found:
        known = language_code(spelling)
        if known is not None and not _has_other_region(code, known):
            spellings.setdefault(known, spelling)
    chosen = closest(code, spellings)
    if chosen is not None:
        return spellings[chosen]
    language = code.split("-")[0]
    alike = [spelling for known, spelling in spellings.items() if known.split("-")[0] == language]
    if len(alike) > 1:
        raise DataError(
            f"{where}: expected one language that matches {code}, found {', '.join(sorted(alike))}: name one of them "
            "exactly, such as --langs "
            + "-".join((language_code(min(alike)) or code, "fr" if language != "fr" else "en"))
        )
    return None


def language_code(spelling: str) -> str | None:
    """Finds the canonical code of a language from the code in a file.

    Args:
        spelling: Code as the file spells it, with any subtags, such as `EN_us` or `ca-ES-valencia`.

    Returns:
        The canonical code without subtags that name a variant, such as `ca-ES`; None if there is none, as for `x-none`.

    >>> language_code("EN_us"), language_code("ca-ES-valencia"), language_code("x-none")
    ('en-US', 'ca-ES', None)
    """
    parts = spelling.strip().replace("_", "-").split("-")
    for end in range(min(len(parts), 3), 0, -1):
        try:
            return canonical("-".join(parts[:end]))
        except ConfigError:
            continue
    return None


def _has_other_region(code: str, other: str) -> bool:
    """Whether both codes name a region, and not the same."""
    regions = [next((part for part in each.split("-")[1:] if len(part) != 4), "") for each in (code, other)]
    return all(regions) and regions[0] != regions[1]
