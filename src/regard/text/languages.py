"""Language codes: canonical spelling, aliases of other services, and English names.

Codes are those of BCP 47 (RFC 5646): a language of two or three letters, then a script of four letters and a region of
two letters or three digits where they matter, such as `en`, `pt-BR` and `zh-Hant`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from regard.errors import ConfigError

_CODE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?", re.IGNORECASE)
_ALIASES = {
    "zh-cn": "zh-Hans",
    "zh-sg": "zh-Hans",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "pb": "pt-BR",
    "zt": "zh-Hant",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "sh": "sr",
    "no": "nb",
    "fil": "tl",
}
"""Old codes and those of other services, in lower case, with the code that is used here."""
_SAME_AS_PLAIN = {"zh": "zh-Hans"}
"""Plain codes that stand for one of several scripts."""


def canonical(code: str) -> str:
    """The canonical spelling of a language code.

    Args:
        code: A code in any case, with `-` or `_`, such as `PT_br` or `zh-hans`; aliases such as `pb` are replaced.

    Returns:
        The code with its parts in the usual case: `pt-BR`, `zh-Hans`.

    Raises:
        ConfigError: `code` is not a language code.

    >>> canonical("PT_br"), canonical("zt"), canonical("eng"), canonical("zh-CN")
    ('pt-BR', 'zh-Hant', 'en', 'zh-Hans')
    """
    match = _CODE.fullmatch(code.strip().replace("_", "-"))
    if match is None:
        raise ConfigError(f"expected a language code such as en, pt-BR or zh-Hant, got {code!r}")
    language, script, region = (part or "" for part in match.groups())
    language = _three_letters().get(language.lower(), language.lower())
    spelled = "-".join(part for part in (language, script.title(), region.upper()) if part)
    return _ALIASES.get(spelled.lower(), spelled)


def closest(code: str, available: Iterable[str]) -> str | None:
    """Finds the available language that a requested language code means.

    Args:
        code: Code in any spelling that `canonical` accepts.
        available: Canonical codes of the languages that can be translated.

    Returns:
        The first of these that is available: the same code (`zh` counts as `zh-Hans`); the code without its region; the
        only code of the same language and, if both have one, the same script. None if there is no such code, or if
        several codes of the language are possible.

    Raises:
        ConfigError: `code` is not a language code.

    >>> closest("fr-CA", ["fr", "en"]), closest("zh", ["zh-Hans", "zh-Hant"]), closest("pt", ["pt-BR"])
    ('fr', 'zh-Hans', 'pt-BR')
    >>> closest("de", ["nl"]) is None
    True
    """
    requested, codes = canonical(code), list(dict.fromkeys(available))
    for candidate in (requested, _SAME_AS_PLAIN.get(requested, requested), _without_region(requested)):
        if candidate in codes:
            return candidate
    alike = [other for other in codes if _is_alike(requested, _SAME_AS_PLAIN.get(other, other))]
    return alike[0] if len(alike) == 1 else None


def parse_direction(text: str) -> tuple[str, str]:
    """Parses a translation direction.

    Args:
        text: Source and target code joined by `-` or `_`, such as `en-fr`, `en_fr` or `en-pt-BR`.

    Returns:
        The canonical codes of source and target.

    Raises:
        ConfigError: The text is not two language codes.

    >>> parse_direction("en-pt-BR"), parse_direction("zh-Hant-ko"), parse_direction("en_fr")
    (('en', 'pt-BR'), ('zh-Hant', 'ko'), ('en', 'fr'))
    """
    parts = text.strip().replace("_", "-").split("-")
    readings = []
    for cut in range(1, len(parts)):
        left, right = "-".join(parts[:cut]), "-".join(parts[cut:])
        if _CODE.fullmatch(left) and _CODE.fullmatch(right):
            readings.append((left, right))
    if not readings:
        raise ConfigError(f"expected a direction such as en-fr or en-pt-BR (source-target), got {text!r}")
    # Of en-PT-br and en-pt-BR, each has one reading in which the region is written in capitals.
    best = max(readings, key=lambda codes: sum(_is_region(part) for code in codes for part in code.split("-")[1:]))
    return canonical(best[0]), canonical(best[1])


def english_name(code: str) -> str:
    """The English name of a language.

    Args:
        code: A canonical code.

    Returns:
        The name, such as `French` or `Portuguese (BR)`; the code itself if regard knows no name for the language.

    >>> english_name("fr"), english_name("pt-BR"), english_name("zh-Hans")
    ('French', 'Portuguese (BR)', 'Chinese (Simplified)')
    """
    names = _names()
    if code in names:
        return names[code]
    language, _, rest = code.partition("-")
    return f"{names[language]} ({rest})" if language in names else code


def _without_region(code: str) -> str:
    return "-".join(part for part in code.split("-") if not _is_region(part))


def _is_region(part: str) -> bool:
    return part.isdigit() or (len(part) == 2 and part.isupper())


def _is_alike(requested: str, other: str) -> bool:
    def script(code: str) -> str:
        return next((part for part in code.split("-")[1:] if len(part) == 4), "")

    same_language = requested.split("-")[0] == other.split("-")[0]
    return same_language and (not script(requested) or not script(other) or script(requested) == script(other))


@cache
def _rows() -> tuple[tuple[str, str, str], ...]:
    """Code, three-letter codes and English name of each language in the table."""
    lines = (files(__package__) / "languages.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return tuple((code, three, name) for code, three, name in rows)


@cache
def _names() -> dict[str, str]:
    return {code: name for code, _, name in _rows()}


@cache
def _three_letters() -> dict[str, str]:
    return {three: code for code, codes, _ in _rows() for three in codes.split()}
