"""`regard align` and `regard score` with many workers: the output of one process, and refusals in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.recipes.chunks import pairs


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
MODELS = Path(__file__).resolve().parents[1] / "golden" / "models"
MODEL = str(MODELS / "transformer")
NUM_PAIRS = 1100


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ready_workers: None) -> Path:
    """A directory with pairs, of which a chunk has 512; the current directory."""
    monkeypatch.setattr(pairs, "_UNIT", 512)
    monkeypatch.chdir(tmp_path)
    sides = [[f"{word} {number}" for number in range(1, NUM_PAIRS + 1)] for word in ("the cat", "le chat")]
    sides[0][600], sides[1][600] = "a dog runs " * 20, "un chien court " * 20
    sides[1][1050] = ""
    for name, lines in zip(("in.en", "in.fr"), sides, strict=True):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    rows = [f"{src}\t{tgt}\n".encode() for src, tgt in zip(*sides, strict=True)]
    rows[700] = b"caf\xe9\tcaf\xe9\n"
    (tmp_path / "in.tsv").write_bytes(b"".join(rows))
    (tmp_path / "terms.tsv").write_text("cat\tchat\n")
    return tmp_path


FILES = ("--src=in.en", "--tgt=in.fr", "--device=cpu", "--threads=1")
TABLE = ("--src=in.tsv", "--on-error=skip", "--device=cpu", "--threads=1")
BOTH_WAYS = (f"--reverse-model={MODELS / 'luong'}", "--symmetrize=union")


@pytest.mark.parametrize(
    ("command", "workers", "message"),
    [
        (("align", *FILES), 2, ""),
        (("align", *FILES, *BOTH_WAYS, "--format=tsv"), 3, ""),
        (("align", *TABLE, "--format=naacl", "--readout=layer=0"), 1, "reading layer 0, "),
        (("score", *FILES, "--normalize"), 1, "sentence 1051: not scored: one side is empty"),
        (("score", *TABLE, "--json", "--terms=terms.tsv"), 3, "term cat -> chat"),
    ],
)
def test_output_and_messages_are_those_of_one_process(
    regard: Run, text: Path, command: tuple[str, ...], workers: int, message: str
) -> None:
    whole = regard(command[0], MODEL, *command[1:], "--output=whole")
    parts = regard(command[0], MODEL, *command[1:], "--output=parts", f"--workers={workers}")
    assert (whole.status, parts.status) == (0, 0), parts
    assert (text / "parts").read_bytes() == (text / "whole").read_bytes()
    assert len((text / "parts").read_bytes().splitlines()) >= NUM_PAIRS - 1
    assert sorted(whole.err.splitlines()) == sorted(parts.err.splitlines())
    assert message in parts.err
    assert ("left out 1 faulty unit" in parts.err) == ("--src=in.tsv" in command)
    assert not (text / "parts.chunks").exists()


def test_shards_and_changed_inputs_and_options(regard: Run, text: Path) -> None:
    command = ("align", MODEL, *FILES, "--output=out")
    first = regard(*command, "--shard=1/2")
    assert first.status == 0
    assert "all chunks of shard 1/2 are finished; 1 of 3 chunks are finished and kept in" in first.err
    for options, change in (
        (["--format=json"], "format: pharaoh there, json now"),
        (["--encoding=cp1252"], 'reading: default there, data.encoding="cp1252" now'),
        (["--readout=rule=strongest"], "readout: "),
    ):
        other = regard(*command, "--shard=0/2", *options)
        assert other.status == 2
        assert f"with other options or input ({change}" in other.err
    source = (text / "in.en").read_text()
    (text / "in.en").write_text(source.replace("600", "six hundred"))
    assert "other options or input (another input text)" in regard(*command, "--shard=0/2").err
    (text / "in.en").write_text(source)
    assert regard(*command, "--shard=0/2").status == 0
    assert len((text / "out").read_text().splitlines()) == NUM_PAIRS


WORKERS = ("--output=out", "--workers=2")
ON_ALL_PAIRS = "selects a layer and head on all pairs, but each worker sees a part of them"


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("align", ("--gold=in.en", *WORKERS), f"--gold {ON_ALL_PAIRS}: first run `regard align --tune`"),
        ("align", ("--tune", *WORKERS), f"--tune {ON_ALL_PAIRS}: first run `regard align --tune`"),
        (
            "align",
            ("--workers=2",),
            "--workers: expected files, since each worker reads and writes some of the lines, but --output",
        ),
        ("align", ("--output=out", "--shard=2"), "--shard: expected I/N with I from 0 to N - 1, such as 0/8, got '2'"),
        ("align", ("--output=out", "--workers=0"), "--workers: expected a number of at least 1, got 0"),
        ("align", ("--reverse-model=none", *WORKERS), "none: no such model; expected a directory"),
        ("align", ("--symmetrize=diagonal", *WORKERS), "got 'diagonal'"),
        ("score", ("--output=out", "--workers=2", "--cluster=auto"), "--workers cannot be used with --cluster"),
        ("score", ("--cluster=auto",), "--cluster: expected files"),
        ("score", ("--shortlist=in.en", *WORKERS), "--shortlist cannot be used to score given translations"),
        ("score", ("--output=none/out", "--workers=2"), "its directory does not exist"),
        ("score", ("--output=in.fr", "--workers=2"), "in.fr"),
    ],
)
def test_mistakes_are_refused_before_the_work(
    regard: Run, text: Path, verb: str, options: tuple[str, ...], message: str
) -> None:
    before = (text / "in.fr").read_bytes()
    done = regard(verb, MODEL, *FILES, *options)
    assert done.status == 2
    assert message in done.err
    assert not list(text.glob("*.chunks"))
    assert (text / "in.fr").read_bytes() == before


@pytest.mark.parametrize("verb", ["align", "score"])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("--src=-",), "but --src is standard input: give a file with --src"),
        (("--src=in.en", "--tgt=-"), "but --tgt is standard input: give a file with --tgt"),
        (("--src=in.en", "--tgt=short"), "in.en has 1100 lines but short has 3"),
        (("--src=in.en", "--tgt=longer"), "in.en has 1100 lines but longer has 1101"),
        (("--src=in.en", "--tgt=none"), "none: no such file"),
        (("--src=empty", "--tgt=empty"), "expected at least one sentence, found none"),
        (("--src=.",), "expected"),
        (("--src=in.tsv",), "in.tsv:701: expected UTF-8"),
        (("--src=in.en", "--tgt=in.fr", "--encoding=klingon"), "klingon"),
    ],
)
def test_faulty_text_is_refused_and_leaves_no_store(
    regard: Run, text: Path, verb: str, files: tuple[str, ...], message: str
) -> None:
    (text / "short").write_text("a\nb\nc\n")
    (text / "longer").write_text("a\n" * (NUM_PAIRS + 1))
    (text / "empty").write_text("")
    done = regard(verb, MODEL, *files, "--device=cpu", *WORKERS)
    assert done.status == 2
    assert message in done.err, done
    assert not list(text.glob("out*"))


def test_an_error_of_a_worker_is_that_of_the_command(regard: Run, text: Path) -> None:
    command = ("align", str(MODELS / "plain"), *FILES)
    done = regard(*command, *WORKERS)
    assert (done.status, done.err) == (2, regard(*command).err)
    assert "this model has no attention" in done.err
