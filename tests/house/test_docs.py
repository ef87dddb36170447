"""The documentation builds without warnings, its pages fetch nothing from other servers, its navigation is complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from mkdocs.config import load_config
from outside import load_script

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(
    r"<(?:script|img|iframe)[^>]+src=[\"']?https?:|<link[^>]+rel=[\"']?stylesheet[^>]+href=[\"']?https?:"
)


def hook(name: str) -> ModuleType:
    """Loads a mkdocs hook, which is outside the package."""
    return load_script(ROOT / f"tools/{name}.py")


def test_the_site_builds_strictly_and_fetches_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert len(pages) > 15
    assert [path.name for path, text in pages.items() if FETCHED.search(text)] == []
    assert [path.name for path, text in pages.items() if "arithmatex" in text] == []
    # Diagrams in mermaid would be drawn by a script from another server.
    assert [path.name for path, text in pages.items() if 'class="mermaid"' in text] == []


@pytest.mark.parametrize(
    ("html", "fetches"),
    [
        ('<script src="https://cdn.example/x.js"></script>', True),
        ("<link rel=stylesheet href=https://fonts.example/css>", True),
        ('<a href="https://arxiv.org/abs/1409.0473">', False),
        ('<script src="assets/x.js"></script>', False),
    ],
)
def test_what_is_fetched_is_seen(html: str, fetches: bool) -> None:
    assert bool(FETCHED.search(html)) is fetches


def test_missing_pages_are_left_out_and_numbered_ones_added(tmp_path: Path) -> None:
    for name in ("index.md", "attention.md", "attention-dot.md", "decisions/index.md", "decisions/0001-x.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    asked = [
        {"Home": "index.md"},
        {"Results": "results.md"},
        {"Attention": [{"Overview": "attention.md"}]},
        {"Development": [{"Decisions": "decisions/index.md"}]},
        {"Empty": ["missing.md"]},
    ]
    assert hook("mkdocs_nav").complete(asked, tmp_path) == [
        {"Home": "index.md"},
        {"Attention": [{"Overview": "attention.md"}, "attention-dot.md"]},
        {"Development": [{"Decisions": "decisions/index.md"}, "decisions/0001-x.md"]},
    ]


def test_a_page_that_the_navigation_names_is_not_added_again(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    for name in ("attention.md", "attention-dot.md", "attention-page.md", "decisions/0001-x.md"):
        (tmp_path / name).touch()
    nav = [
        {"Start": ["decisions/0001-x.md"]},
        {"Attention": [{"Overview": "attention.md"}]},
        {"The attention page": "attention-page.md"},
        {"Development": []},
    ]
    assert hook("mkdocs_nav").complete(nav, tmp_path) == [
        {"Start": ["decisions/0001-x.md"]},
        {"Attention": [{"Overview": "attention.md"}, "attention-dot.md"]},
        {"The attention page": "attention-page.md"},
    ]


def test_the_navigation_of_this_site_lists_each_page_once() -> None:
    complete = str(hook("mkdocs_nav").complete(load_config(str(ROOT / "mkdocs.yml")).nav, ROOT / "docs"))
    pages = re.findall(r"[\w/-]+\.md", complete)
    assert sorted(pages) == sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))


def test_formulas_are_drawn_without_a_script() -> None:
    page = '<p><span class="arithmatex">\\(a &lt; b\\)</span></p>\n<div class="arithmatex">\\[\\mathrm{RNN}\n\\]</div>'
    drawn = hook("mkdocs_math").on_page_content(page, page=None)
    assert drawn.count("<math") == 2
    assert 'display="block"' in drawn
    assert ">RNN</" in drawn
    assert "arithmatex" not in drawn
