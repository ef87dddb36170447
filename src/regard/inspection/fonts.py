"""Chooses installed fonts for matplotlib, whose bundled font lacks Korean, Japanese and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.inspection.labels import replace_controls

_BUNDLED = "DejaVu Sans"  # bundled with matplotlib
_PREFERRED = ("Noto Sans CJK", "Noto Sans", "NanumGothic", "Apple SD Gothic", "Malgun", "Hiragino", "Yu Gothic", "IPA")
_AVOIDED = ("Emoji", "LastResort", "Last Resort")  # pictures instead of letters
_MAX_FONTS_READ = 100


@dataclass(frozen=True)
class FontChoice:
    """Labels of a picture, and the font families that matplotlib should draw them with.

    Attributes:
        labels: The labels; control characters and characters that no installed font has are replaced by `�`.
        families: Font families in order of preference; the first is the font bundled with matplotlib.
        missing: Characters of the labels that no installed font has.
    """

    labels: list[str]
    families: list[str]
    missing: str


def choose_fonts(labels: Sequence[str]) -> FontChoice:
    """Chooses installed font families that together have all characters of the labels, as far as possible.

    Args:
        labels: The labels to draw.

    Returns:
        The font families, the labels to draw with these fonts, and the characters that no installed font has.
    """
    from matplotlib import font_manager

    labels = [replace_controls(label) for label in labels]
    missing = {ord(character) for label in labels for character in label} - _characters(font_manager.findfont(_BUNDLED))
    families = [_BUNDLED]
    upright = [font for font in font_manager.fontManager.ttflist if font.style == "normal" and _is_for_text(font.name)]
    for font in sorted(upright, key=lambda font: (_preference(font.name), font.name, abs(int(font.weight) - 400)))[
        :_MAX_FONTS_READ
    ]:
        if not missing:
            break
        provided = set() if font.name in families else missing & _characters(font.fname)
        if provided:
            families.append(font.name)
            missing -= provided
    drawn = ["".join("\ufffd" if ord(character) in missing else character for character in label) for label in labels]
    return FontChoice(drawn, families, "".join(map(chr, sorted(missing))))


def _characters(path: str | Path) -> set[int]:
    """The code points with glyphs in a font file; empty if the file cannot be read."""
    from matplotlib import font_manager

    try:
        return set(font_manager.get_font(str(path)).get_charmap())
    except (OSError, RuntimeError):
        return set()


def _is_for_text(family: str) -> bool:
    return not family.startswith(".") and not any(name in family for name in _AVOIDED)


def _preference(family: str) -> int:
    return next((rank for rank, name in enumerate(_PREFERRED) if family.startswith(name)), len(_PREFERRED))
