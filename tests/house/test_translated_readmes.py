"""The README in other languages has the commands, links and headings of the English one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH = ROOT / "README.md"
TRANSLATED = sorted(ROOT.glob("README.*.md"))


def code(text: str) -> list[str]:
    """The lines of all code blocks, without comments."""
    blocks = re.findall(r"^```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()]


def links(text: str) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("README")]


def headings(text: str) -> list[str]:
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+(?= )", outside, re.MULTILINE)


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.name)
def test_a_translation_says_what_the_english_page_says(path: Path) -> None:
    english, translated = ENGLISH.read_text(encoding="utf-8"), path.read_text(encoding="utf-8")
    assert code(translated) == code(english)
    assert sorted(links(translated)) == sorted(links(english))
    assert headings(translated) == headings(english)
    assert translated.count("\n- ") == english.count("\n- ")


def test_each_page_leads_to_the_others() -> None:
    names = {path.name for path in (ENGLISH, *TRANSLATED)}
    assert names == {"README.md", "README.fr.md", "README.ko.md"}
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"\]\((README[\w.]*)\)", text)) == names - {name}
