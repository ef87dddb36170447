"""Every code block of the README and the docs is run; wrong blocks are found."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from house_rules.blocks import BlockError, Page, find_blocks

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
RUN = ("python", "console", "bash", "toml")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_blocks_of_the_page_run(
    path: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready_regard: Path
) -> None:
    """Each page starts in a directory with a small corpus (`train.en` ...) and a barely trained `model`."""
    blocks = find_blocks(path)
    if any(block.language in RUN and not block.skip for block in blocks):
        shutil.copytree(request.getfixturevalue("workshop"), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    page = Page(tmp_path, programs=ready_regard)
    for block in blocks:
        page.run(block)


def test_the_readme_shows_code_that_is_run() -> None:
    run = [block.language for block in find_blocks(ROOT / "README.md") if not block.skip]
    assert "python" in run
    assert "console" in run


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_links_have_targets(path: Path) -> None:
    """Of the two pages outside docs/; mkdocs checks the links within it."""
    targets = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    local = [target for target in targets if not target.startswith(("http://", "https://", "mailto:"))]
    assert [target for target in local if not (path.parent / target).exists()] == []


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Page:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    page = Page(tmp_path)
    for block in find_blocks(path):
        page.run(block)
    return page


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```python\n1 / 0\n```\n", "page.md:1: ZeroDivisionError"),
        ("```python\n>>> 1 + 1\n3\n```\n", "Expected:"),
        ("```console\n$ false\n```\n", "`false` ended with 1"),
        ("```console\n$ false | cat\n```\n", "ended with 1"),
        ("```console\n$ echo one\ntwo\n```\n", "`echo one` printed\none"),
        ("```bash\nfalse\ntrue\n```\n", "ended with 1"),
        ("```\ncode?\n```\n", "page.md:1: a block without a language"),
        ("```toml\n[modle]\n```\n", "modle"),
    ],
)
def test_a_wrong_block_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: str, message: str) -> None:
    with pytest.raises(BlockError, match=re.escape(message)):
        run(tmp_path, monkeypatch, block)
    run(tmp_path, monkeypatch, "<!-- not run: it is meant to fail -->\n" + block)
    with pytest.raises(BlockError, match=r"page\.md|modle"):
        run(tmp_path, monkeypatch, "<!-- not run -->\n" + block)  # without a reason, the mark is ignored


def test_a_block_within_a_list_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BlockError, match="ZeroDivisionError"):
        run(tmp_path, monkeypatch, "- item\n\n  ```python\n  if 1:\n      1 / 0\n  ```\n")


def test_blocks_share_a_namespace_and_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "```python\na = 1\n```\n```python\n>>> a + 1\n2\n```\n"
        "```console\n$ echo one \\\n    two > here\n$ cat here\none ...\n```\n```text\n1 / 0\n```\n"
    )
    assert run(tmp_path, monkeypatch, text).names["a"] == 1


def test_training_commands_take_the_arguments_of_their_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = "echo regard train --out model"
    text = (
        f"<!-- tested with: --set train.steps=3 -->\n```console\n$ {command}\nregard train --out model --set ...=3\n```"
    )
    run(tmp_path, monkeypatch, text)
