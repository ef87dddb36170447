"""The notebooks run from top to bottom, with small settings, and hold no stale output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foreign import write_marian
from house_rules.blocks import BlockError, Page
from house_rules.notebooks import run_notebook

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
SMALL: dict[str, dict[str, object]] = {
    "first-translator": {"steps": 3, "pairs": 1500, "held_out": 20},
    "which-attention": {"steps": 2, "pairs": 200, "seeds": [1]},
    "from-opus-mt-to-your-domain": {"opus_mt": "opus-mt-en-fr", "steps": 2, "held_out": 20},
}


def write(path: Path, *sources: str, tags: list[str] | None = None) -> Path:
    cells = [{"cell_type": "code", "metadata": {"tags": tags or []}, "source": [source]} for source in sources]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return path


def test_every_notebook_is_run() -> None:
    assert sorted(SMALL) == [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready_regard: Path) -> None:
    monkeypatch.chdir(tmp_path)
    if "opus_mt" in SMALL[path.stem]:
        write_marian(tmp_path / "opus-mt-en-fr", max_position_embeddings=256)
    run_notebook(path, Page(tmp_path, programs=ready_regard), SMALL[path.stem], "--set train.threads=1")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_as_jupyter_writes_it(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    identifiers = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identifiers)) == len(identifiers)
    assert [cell["id"] for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["outputs"]] == []


def test_a_wrong_cell_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for source, message in (("1 / 0", "cell 1: ZeroDivisionError"), ("x = 1\n!exit {x}", "`exit 1` ended with 1")):
        path = write(tmp_path / "page.ipynb", source)
        with pytest.raises(BlockError, match=message):
            run_notebook(path, Page(tmp_path), {}, "")


def test_parameters_are_replaced_and_must_be_those_of_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "page.ipynb", "steps = 100", tags=["parameters"])
    page = Page(tmp_path)
    run_notebook(path, page, {"steps": 3}, "")
    assert page.names["steps"] == 3
    with pytest.raises(ValueError, match="epochs"):
        run_notebook(path, Page(tmp_path), {"epochs": 3}, "")
