"""Pages name modules, objects and files that exist; stale names are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_rules.references import check_references

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_on_the_page_exist(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert [str(finding) for finding in check_references(path, page, ROOT)] == []


@pytest.mark.parametrize(
    ("page", "messages"),
    [
        ("`regard.load` and `regard.text.words.word_spans`", []),
        ("`regard.Translator.translate()`", []),
        ("`regard.runs.training`", ["`regard.runs.training` does not exist"]),
        ("`regard.text.words.no_such`", ["`regard.text.words.no_such` does not exist"]),
        ("`tests/house` and `src/regard/values.py`", []),
        ("`src/regard/no_such.py`", ["no file `src/regard/no_such.py`"]),
        ("`regard phrasebook` and `runs.training`", []),
    ],
)
def test_a_stale_name_is_found(page: str, messages: list[str]) -> None:
    assert [finding.message for finding in check_references(Path("page.md"), page, ROOT)] == messages
