"""`regard data clean` and `regard data split` on the command line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.cli import data_clean, data_split


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Regard = Callable[..., Done]
ENGLISH = ["The cat sleeps in the house.", "We are eating bread.", "Where is the station?", "My brother has two dogs."]
FRENCH = ["Le chat dort dans la maison.", "Nous mangeons du pain.", "Où est la gare ?", "Mon frère a deux chiens."]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a small corpus, which is the current directory."""
    monkeypatch.chdir(tmp_path)
    src = [*ENGLISH, "", "Identical.", ENGLISH[0]]
    tgt = [*FRENCH, "Rien.", "Identical.", FRENCH[0]]
    Path("train.en").write_text("".join(f"{line}\n" for line in src), encoding="utf-8")
    Path("train.fr").write_text("".join(f"{line}\n" for line in tgt), encoding="utf-8")
    rows = zip(src, tgt, strict=True)
    Path("pairs.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows), encoding="utf-8")
    Path("test.tsv").write_text(f"{ENGLISH[3]}\t{FRENCH[3]}\n", encoding="utf-8")
    return tmp_path


CLEAN = ["data", "clean", "train.en", "train.fr", "--langs", "en-fr", "--workers", "1"]


def test_two_files(files: Path, regard: Regard) -> None:
    done = regard(*CLEAN, "--out", "clean")
    assert done.status == 0, done
    assert Path("clean.en").read_text(encoding="utf-8").splitlines() == ENGLISH
    assert Path("clean.fr").read_text(encoding="utf-8").splitlines() == FRENCH
    rejects = [line.split("\t") for line in Path("clean.rejects.tsv").read_text(encoding="utf-8").splitlines()]
    assert rejects[0] == ["file", "line", "reason", "score", "source", "target", "message"]
    assert [row[1:3] for row in rejects[1:]] == [["5", "empty"], ["6", "identical"], ["7", "duplicate"]]
    assert "1  duplicate: pairs that occurred before" in done.out
    assert "4  pairs (57.1%)" in done.out
    assert sorted(path.name for path in files.iterdir() if path.name.startswith("clean")) == [
        "clean.en", "clean.fr", "clean.rejects.tsv"
    ]  # fmt: skip


def test_a_dry_run_shows_examples_and_writes_nothing(files: Path, regard: Regard) -> None:
    before = sorted(files.iterdir())
    done = regard(*CLEAN, "--dry-run")
    assert done.status == 0, done
    assert sorted(files.iterdir()) == before
    assert "drop               1  identical" in done.out
    assert "line 6, score 1" in done.out
    assert done.out.count("Identical.") == 2


def test_compressed_output_and_rejects(files: Path, regard: Regard) -> None:
    done = regard(*CLEAN, "--out", "clean.tsv.gz", "--rejects", "bad.tsv.gz")
    assert done.status == 0, done
    assert gzip.decompress(Path("clean.tsv.gz").read_bytes()).decode().splitlines()[-1].split("\t") == [
        ENGLISH[3], FRENCH[3]
    ]  # fmt: skip
    assert len(gzip.decompress(Path("bad.tsv.gz").read_bytes()).splitlines()) == 4


def test_standard_input(files: Path, regard: Regard) -> None:
    arguments = ["data", "clean", "-", "--langs", "en-fr", "--workers", "1", "--out", "clean.tsv"]
    done = regard(*arguments, stdin=Path("pairs.tsv").read_bytes())
    assert done.status == 0, done
    assert "7  pairs from standard input" in done.out
    assert len(Path("clean.tsv").read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize("test_set", ["test.tsv", "only.en,only.fr"])
def test_pairs_of_a_test_set_are_dropped(files: Path, regard: Regard, test_set: str) -> None:
    Path("only.en").write_text(ENGLISH[3] + "\n", encoding="utf-8")
    Path("only.fr").write_text(FRENCH[3] + "\n", encoding="utf-8")
    done = regard(*CLEAN, "--out", "clean", "--test-set", test_set)
    assert done.status == 0, done
    assert Path("clean.en").read_text(encoding="utf-8").splitlines() == ENGLISH[:3]
    assert "4\tleaked\t1\t" in Path("clean.rejects.tsv").read_text(encoding="utf-8")


def test_checks_can_be_changed_and_left_out(files: Path, regard: Regard) -> None:
    options = ["--check", "length=22", "--without", "identical", "--without", "duplicate", "--out", "clean"]
    done = regard(*CLEAN, *options)
    assert done.status == 0, done
    assert "length > 22" in done.out
    assert "duplicate" not in done.out
    assert Path("clean.en").read_text(encoding="utf-8").splitlines() == [*ENGLISH[1:3], "Identical."]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "expected --out FILE, or --dry-run"),
        (["--out", "clean", "--check", "nothing=3"], "got 'nothing'"),
        (["--out", "clean", "--check", "length"], "expected NAME=THRESHOLD"),
        (["--out", "clean", "--check", "length=nan"], "expected NAME=THRESHOLD"),
        (["--out", "clean", "--check", "length=3", "--without", "length"], "one setting of this check, got two"),
        (["--out", "clean", "--without", "none"], "expected the name of a check"),
        (["--out", "clean", "--to", "docx"], "got 'docx'"),
        (["--out", "clean.docx"], "docx"),
        (["--out", "clean", "--columns", "1"], "--columns 1: expected the source and the target column"),
        (["--out", "clean", "--test-set", "missing.tsv"], "missing.tsv"),
        (["--out", "clean.tsv", "--rejects", "train.en"], "both input and output"),
        (["--out", "clean.tsv", "--rejects", "clean.tsv"], "--rejects"),
        (["--out", "missing/clean.tsv"], "missing"),
    ],
)
def test_mistakes(files: Path, regard: Regard, options: list[str], message: str) -> None:
    before = sorted(files.iterdir())
    done = regard(*CLEAN, *options)
    assert done.status == 2, done
    assert message in done.err
    assert sorted(files.iterdir()) == before


def test_a_split(files: Path, regard: Regard) -> None:
    done = regard(
        "data", "split", "train.en", "train.fr", "--langs", "en-fr", "--out", "parts", "--val", "1", "--test", "1"
    )
    assert done.status == 0, done
    assert sorted(path.name for path in Path("parts").iterdir()) == [
        "test.en", "test.fr", "train.en", "train.fr", "val.en", "val.fr"
    ]  # fmt: skip
    assert "left out           1  pair with an empty side" in done.out
    assert "test               1  pair\n" in done.out


def test_a_split_of_standard_input_into_another_format(files: Path, regard: Regard) -> None:
    options = ["--langs", "en-fr", "--out", "parts", "--val", "0", "--test", "1", "--to", "tmx"]
    done = regard("data", "split", "-", *options, stdin=Path("pairs.tsv").read_bytes())
    assert done.status == 0, done
    assert sorted(path.name for path in Path("parts").iterdir()) == ["test.tmx", "train.tmx", "val.tmx"]


def test_the_examples_run(files: Path, quick_shell: Callable[..., Done]) -> None:
    src = [f"This is sentence number {number}." for number in range(300)]
    tgt = [f"Ceci est la phrase numéro {number}." for number in range(300)]
    Path("train.en").write_text("\n".join(src) + "\n", encoding="utf-8")
    Path("train.fr").write_text("\n".join(tgt) + "\n", encoding="utf-8")
    Path("pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(src, tgt, strict=True)), encoding="utf-8")
    for text in (data_clean.EXAMPLES, data_split.EXAMPLES):
        for line in text.splitlines():
            if line.startswith("$ "):
                done = quick_shell(line.removeprefix("$ ") + (" --val 20" if "--seed" in line else ""))
                assert done.status == 0, done
