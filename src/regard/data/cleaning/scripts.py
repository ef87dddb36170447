"""Scripts of languages, as ranges of letters."""

from __future__ import annotations

import re
from functools import cache

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LATIN = (
    "A-Za-z\xaa\xba\xc0-\xd6\xd8-\xf6\xf8-\u02b8"
    "\u1e00-\u1eff\u2071\u207f\u2c60-\u2c7f\ua720-\ua7ff\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a"
)
_CYRILLIC = "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f"
_ARABIC = "\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufeff"
_DEVANAGARI = "\u0900-\u097f\ua8e0-\ua8ff"
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
SCRIPTS = {
    "Latn": _LATIN,
    "Cyrl": _CYRILLIC,
    "Grek": "\u0370-\u03ff\u1f00-\u1fff",
    "Armn": "\u0530-\u058f\ufb13-\ufb17",
    "Geor": "\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2f",
    "Hebr": "\u0590-\u05ff\ufb1d-\ufb4f",
    "Arab": _ARABIC,
    "Thaa": "\u0780-\u07bf",
    "Deva": _DEVANAGARI,
    "Beng": "\u0980-\u09ff",
    "Guru": "\u0a00-\u0a7f",
    "Gujr": "\u0a80-\u0aff",
    "Orya": "\u0b00-\u0b7f",
    "Taml": "\u0b80-\u0bff",
    "Telu": "\u0c00-\u0c7f",
    "Knda": "\u0c80-\u0cff",
    "Mlym": "\u0d00-\u0d7f",
    "Sinh": "\u0d80-\u0dff",
    "Thai": "\u0e00-\u0e7f",
    "Laoo": "\u0e80-\u0eff",
    "Tibt": "\u0f00-\u0fff",
    "Mymr": "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f",
    "Ethi": "\u1200-\u139f\u2d80-\u2ddf\uab00-\uab2f",
    "Khmr": "\u1780-\u17ff",
    "Kore": "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc" + _HAN,
    "Jpan": _KANA + _HAN,
    "Hans": _HAN + "\u3100-\u312f",
    "Hant": _HAN + "\u3100-\u312f",
}
"""Ranges of letters, for use within brackets, by the ISO 15924 code of the script."""
_OF_LANGUAGES = {
    "Cyrl": "ru uk be bg mk kk ky tg mn tt ba cv ce os",
    "Grek": "el grc",
    "Armn": "hy",
    "Geor": "ka",
    "Hebr": "he yi",
    "Arab": "ar fa ur ps sd ug ckb arz ary",
    "Thaa": "dv",
    "Deva": "hi mr ne sa bho mai",
    "Beng": "bn as",
    "Guru": "pa",
    "Gujr": "gu",
    "Orya": "or",
    "Taml": "ta",
    "Telu": "te",
    "Knda": "kn",
    "Mlym": "ml",
    "Sinh": "si",
    "Thai": "th",
    "Laoo": "lo",
    "Tibt": "bo dz",
    "Mymr": "my",
    "Ethi": "am ti",
    "Khmr": "km",
    "Kore": "ko",
    "Jpan": "ja",
    "Hans": "zh yue wuu",
}
_SCRIPT_OF = {language: script for script, languages in _OF_LANGUAGES.items() for language in languages.split()}
_SEVERAL = frozenset(("sr", "uz", "az", "ku", "tk", "bs", "ks", "kab", "crh"))
"""Languages that are written in more than one script: they are checked only if their code names the script."""


def script_of(code: str) -> str | None:
    """Finds the script of a language.

    Args:
        code: Canonical code of the language, such as `ko` or `sr-Latn`.

    Returns:
        ISO 15924 code of the script; None if the language is written in several.

    >>> script_of("ko"), script_of("fr"), script_of("sr-Latn"), script_of("sr")
    ('Kore', 'Latn', 'Latn', None)
    """
    language, *parts = code.split("-")
    named = next((part for part in parts if part in SCRIPTS), None)
    if named is not None or language in _SEVERAL:
        return named
    return _SCRIPT_OF.get(language, "Latn")


def foreign_letters(text: str, script: str | None, other: str = "") -> float:
    """Share of the letters of a text that are not in the script of its language.

    Args:
        text: The text.
        script: ISO 15924 code of the script of the language; None = unknown, and no letter counts as foreign.
        other: The other side of the pair; words that both sides contain do not count as foreign.

    Returns:
        A share of the letters of the text, from 0 to 1.
    """
    if script is None or (script == "Latn" and text.isascii()):
        return 0.0
    foreign = [word for word in _foreign(script).findall(text) if word not in other]
    if not foreign:
        return 0.0
    # Without those words that both sides contain, which say nothing about the language of this side.
    return sum(map(len, foreign)) / (sum(map(len, foreign)) + len(_own(script).findall(text)))


@cache
def _foreign(script: str) -> re.Pattern[str]:
    return re.compile(rf"[^\W\d_{SCRIPTS[script]}]+")


@cache
def _own(script: str) -> re.Pattern[str]:
    return re.compile(f"[{SCRIPTS[script]}]")
