"""Which installed fonts can draw a text, for matplotlib, whose own font lacks Korean, Japanese and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.inspection.labels import replace_controls

_OWN = "DejaVu Sans"  # comes with matplotlib
_PREFERRED = ("Noto Sans CJK", "Noto Sans", "NanumGothic", "Apple SD Gothic", "Malgun", "Hiragino", "Yu Gothic", "IPA")
_AVOIDED = ("Emoji", "LastResort", "Last Resort")  # pictures in place of letters
_MOST_READ = 100


@dataclass(frozen=True)
class FontChoice:
    """How labels are drawn.

    Attributes:
        labels: With `�` for each character that no font has or that is a command.
        families: Of fonts, matplotlib's own first.
        missing: The characters that no installed font has.
    """

    labels: list[str]
    families: list[str]
    missing: str


def choose_fonts(labels: Sequence[str]) -> FontChoice:
    """Families that together have the characters of some labels.

    Args:
        labels: What will be drawn.

    Returns:
        The families, and what to draw by them.
    """
    from matplotlib import font_manager

    labels = [replace_controls(label) for label in labels]
    missing = {ord(one) for label in labels for one in label} - _characters(font_manager.findfont(_OWN))
    families = [_OWN]
    upright = [one for one in font_manager.fontManager.ttflist if one.style == "normal" and _is_for_text(one.name)]
    for entry in sorted(upright, key=lambda one: (_preference(one.name), one.name, abs(int(one.weight) - 400)))[
        :_MOST_READ
    ]:
        if not missing:
            break
        found = set() if entry.name in families else missing & _characters(entry.fname)
        if found:
            families.append(entry.name)
            missing -= found
    drawn = ["".join("\ufffd" if ord(one) in missing else one for one in label) for label in labels]
    return FontChoice(drawn, families, "".join(map(chr, sorted(missing))))


def _characters(path: str | Path) -> set[int]:
    """The code points that a font file has glyphs for; none where the file cannot be read."""
    from matplotlib import font_manager

    try:
        return set(font_manager.get_font(str(path)).get_charmap())
    except (OSError, RuntimeError):
        return set()


def _is_for_text(family: str) -> bool:
    return not family.startswith(".") and not any(one in family for one in _AVOIDED)


def _preference(family: str) -> int:
    return next((place for place, name in enumerate(_PREFERRED) if family.startswith(name)), len(_PREFERRED))
