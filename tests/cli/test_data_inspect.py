"""`regard data inspect` on the command line; its last line is a command that runs as printed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.cli import data_inspect
from regard.recipes.model_check import ModelScore


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Regard = Callable[..., Done]


def rows(number: int, first: int = 0) -> list[tuple[str, str]]:
    return [
        (f"We have {index} apples in the house.", f"Nous avons {index} pommes dans la maison.")
        for index in range(first, first + number)
    ]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with corpora, which is the current directory."""
    monkeypatch.chdir(tmp_path)
    corpus = [*rows(200), *rows(5), ("", "Rien."), ("Other.", "Other.")]
    Path("pairs.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in corpus), encoding="utf-8")
    Path("test.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows(20, 190)), encoding="utf-8")
    Path("train.en").write_text("".join(f"{src}\n" for src, _ in corpus), encoding="utf-8")
    Path("train.fr").write_text("".join(f"{tgt}\n" for _, tgt in corpus), encoding="utf-8")
    return tmp_path


def test_the_report_and_its_files(files: Path, regard: Regard) -> None:
    pytest.importorskip("matplotlib")
    done = regard(
        "data", "inspect", "pairs.tsv", "test.tsv", "--langs", "en-fr", "--workers", "1", "--html", "report.html",
        "--png", "lengths.png"
    )  # fmt: skip
    assert done.status == 0, done
    assert "pairs.tsv (tsv)" in done.out
    assert re.search(r"^ +5 +2\.42 % +duplicate: pairs that occurred before$", done.out, re.MULTILINE)
    assert "in test.tsv as well: 10 pairs, 10 sources, 10 targets" in done.out
    assert "--test-set test.tsv" in done.out
    assert "pairs.tsv" in Path("report.html").read_text(encoding="utf-8")
    assert Path("lengths.png").read_bytes().startswith(b"\x89PNG")


def test_json(files: Path, regard: Regard) -> None:
    done = regard("data", "inspect", "train.en", "train.fr", "--langs", "en-fr", "--workers", "1", "--json")
    assert done.status == 0, done
    [corpus] = json.loads(done.out)["corpora"]
    assert corpus["files"] == ["train.en", "train.fr"]
    assert {finding["name"]: finding["pairs"] for finding in corpus["findings"] if finding["pairs"]} == {
        "duplicate": 5, "empty": 1, "identical": 1
    }  # fmt: skip
    assert corpus["kept"] == 200


def test_a_model_checks_the_pairs(at_work: Path, regard: Regard, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["data", "inspect", "val.en", "val.fr", "--langs", "en-fr", "--model", "model", "--workers", "1"]
    done = regard(*arguments)  # the model was trained for seconds
    assert done.status == 2, done
    assert "expected a model that finds the 20 sampled pairs more probable" in done.err
    monkeypatch.setattr(ModelScore, "learn", lambda translator, sample, reverse: ModelScore(translator, None, 0.0, 1.0))
    done = regard(*arguments, "--json")
    assert done.status == 0, done
    [corpus] = json.loads(done.out)["corpora"]
    assert (corpus["model"]["name"], corpus["model"]["pairs"]) == ("model", corpus["pairs"])
    assert "model" not in {finding["name"] for finding in corpus["findings"]}


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("pairs.tsv", 200),
        ("train.en train.fr", 200),
        ("pairs.tsv test.tsv", 190),
        ("train.en train.fr test.tsv", 190),
        ("train.en train.fr test.en,test.fr", 190),
        ("pairs.tsv --test-set test.tsv --without identical --check length=50", 191),
        ("memory.tmx", 200),
    ],
)
def test_the_command_runs_as_printed(
    files: Path, regard: Regard, quick_shell: Callable[..., Done], names: str, kept: int
) -> None:
    if "memory" in names:
        assert regard("data", "convert", "pairs.tsv", "--langs", "en-fr", "--out", "memory.tmx").status == 0
    Path("test.en").write_text("".join(f"{src}\n" for src, _ in rows(20, 190)), encoding="utf-8")
    Path("test.fr").write_text("".join(f"{tgt}\n" for _, tgt in rows(20, 190)), encoding="utf-8")
    done = regard("data", "inspect", *names.split(), "--langs", "en-fr", "--workers", "1")
    assert done.status == 0, done
    command = re.findall(r"^  \$ (.*)$", done.out, re.MULTILINE)[0]
    cleaned = quick_shell(command)
    assert cleaned.status == 0, (command, cleaned)
    assert re.search(rf"^kept +{kept}  pairs", cleaned.out, re.MULTILINE), cleaned.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.tsv"], "missing.tsv"),
        (["train.en"], "train.en: expected a corpus with both languages"),
        (["train.en", "pairs.tsv"], "train.en: expected a corpus with both languages"),
        (["pairs.tsv", "--html", "missing/report.html"], "missing"),
        (["pairs.tsv", "--check", "nothing=1"], "'nothing'"),
        (["pairs.tsv", "--langs", "english"], "en-fr"),
        ([], "FILE"),
    ],
)
def test_mistakes(files: Path, regard: Regard, arguments: list[str], message: str) -> None:
    done = regard("data", "inspect", "--workers", "1", *arguments)
    assert done.status == 2, done
    assert message in done.err


def test_an_empty_corpus(files: Path, regard: Regard) -> None:
    Path("empty.tsv").write_text("")
    done = regard("data", "inspect", "empty.tsv", "--html", "report.html", "--workers", "1")
    assert done.status == 0, done
    assert " 0  pairs" in done.out


def test_the_examples_run(files: Path, quick_shell: Callable[..., Done]) -> None:
    for line in data_inspect.EXAMPLES.splitlines():
        if line.startswith("$ "):
            done = quick_shell(line.removeprefix("$ "))
            assert done.status == 0, done
