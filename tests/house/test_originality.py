"""No text is copied from the material that the project was given."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from house_rules.shingles import copied

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
PROSE = {".py", ".md", ".toml", ".html", ".js", ".css", ".txt", ".yml", ".yaml"}
EXCLUDED = {"data", "cases"}  # corpora, and reports that quote output of regard
LISTS = {"constraints.txt"}  # names and versions, which cannot be paraphrased


def our_texts() -> list[tuple[Path, str]]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    texts = [path for path in paths if path.suffix in PROSE and path.is_file() and path.name not in LISTS]
    return [(path, path.read_text(encoding="utf-8")) for path in texts]


@pytest.mark.skipif(
    not (SHARED / "design").is_dir(), reason="needs the material, which is next to the original checkout only"
)
def test_nothing_is_copied() -> None:
    given = [path for ending in ("md", "txt") for path in SHARED.rglob(f"*.{ending}") if not EXCLUDED & set(path.parts)]
    assert len(given) > 3
    texts = our_texts()
    assert len(texts) > 20
    assert copied(texts, [path.read_text(encoding="utf-8") for path in given]) == []


def test_a_copied_run_of_words_is_found_across_lines_and_case() -> None:
    source = ["One two three four five six seven eight nine ten eleven twelve thirteen."]
    path = Path("page.md")
    assert copied([(path, "one TWO, three\n# four five six seven eight nine ten eleven twelve")], source) != []
    assert copied([(path, "one two three four five six seven eight nine ten eleven")], source) == []
