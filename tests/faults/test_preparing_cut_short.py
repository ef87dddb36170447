"""Preparation of text that is killed or finds the disk full: the next run goes on, with the same bytes at the end."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from deadlines import PATIENCE, wait_until

from regard.data.prepared import collecting
from regard.recipes import preparation, prepared_options
from regard.text.subword import Subword


class Done(Protocol):
    """A finished command; see `conftest.py`."""

    status: int
    out: str
    err: str


Again = Callable[[Path], Done]
WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
NAMES = ("manifest.json", "part-00000.safetensors", "subword.src.model", "text-00000.safetensors", "validation.tsv")
# A tiny part, so that a small text has several; the worker processes get theirs by number.
PATCH = """
import sys
import regard.data.prepared.collecting, regard.recipes.preparation, regard.recipes.prepared_options
for module in (regard.data.prepared.collecting, regard.recipes.preparation, regard.recipes.prepared_options):
    module.PART_SIZE = 200
from regard.cli.main import app
app(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("corpus")
    draw = random.Random(1)
    rows = [draw.choices(list(WORDS), k=draw.randint(2, 8)) for _ in range(900)]
    for ending, lines in (("en", rows), ("fr", [[WORDS[word] for word in row] for row in rows])):
        (directory / f"train.{ending}").write_text("".join(" ".join(line) + "\n" for line in lines))
    words = [" ".join(row) for row in rows]
    Subword.train(words, vocab_size=300).save(directory / "vocabulary")
    return directory


def arguments(corpus: Path, out: Path) -> list[str]:
    files = [f"--src={corpus / 'train.en'}", f"--tgt={corpus / 'train.fr'}", f"--out={out}", "--workers=2"]
    return ["data", "prepare", *files, f"--vocabulary={corpus / 'vocabulary'}"]


def command(corpus: Path, out: Path) -> list[str]:
    return [sys.executable, "-c", PATCH, *arguments(corpus, out)]


def prepare(
    corpus: Path, out: Path, environment: dict[str, str] | None = None, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(corpus, out), text=True, env=os.environ | (environment or {}), preexec_fn=limit, capture_output=True
    )


@pytest.fixture
def again(corpus: Path, regard: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> Again:
    """Prepares the text in this process, which has loaded torch; only what is to be killed needs one of its own."""
    for module in (collecting, preparation, prepared_options):
        monkeypatch.setattr(module, "PART_SIZE", 200)
    return lambda out: regard(*arguments(corpus, out))


def digests(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.iterdir()
        if not path.name.startswith("lock.")
    }


@pytest.fixture(scope="module")
def expected(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole") / "text"
    done = prepare(corpus, out)
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("part-*"))) == 5
    return digests(out)


@pytest.mark.parametrize("name", NAMES)
def test_killed_before_a_file_is_renamed(
    corpus: Path,
    tmp_path: Path,
    expected: dict[str, str],
    halting: Callable[..., tuple[dict[str, str], Path]],
    again: Again,
    name: str,
) -> None:
    """The process itself, or a worker, which the process then reports."""
    environment, halted = halting(name, 1, signal.SIGKILL)
    killed = prepare(corpus, tmp_path / "text", environment)
    assert halted.exists()
    assert killed.returncode in (-signal.SIGKILL, 2), killed.stderr
    if killed.returncode == 2:
        assert "a worker process ended before its work was done (signal 9)" in killed.stderr
        assert not list((tmp_path / "text").rglob("*.new"))
    assert not (tmp_path / "text" / "manifest.json").exists()
    done = again(tmp_path / "text")
    assert done.status == 0, done.err
    assert digests(tmp_path / "text") == expected


def test_a_full_disk_ends_it_with_a_message(
    corpus: Path, tmp_path: Path, expected: dict[str, str], again: Again
) -> None:
    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))  # a part of text is larger

    full = prepare(corpus, tmp_path / "text", limit=limit_file_size)
    assert full.returncode == 2, full.stderr
    assert "Traceback" not in full.stderr
    assert str(tmp_path / "text") in full.stderr
    assert not list((tmp_path / "text").rglob("*.new"))
    done = again(tmp_path / "text")
    assert done.status == 0, done.err
    assert digests(tmp_path / "text") == expected


def test_a_second_process_is_refused(
    corpus: Path,
    tmp_path: Path,
    expected: dict[str, str],
    halting: Callable[..., tuple[dict[str, str], Path]],
    again: Again,
) -> None:
    environment, halted = halting("manifest.json", 1, signal.SIGSTOP)
    running = subprocess.Popen(command(corpus, tmp_path / "text"), env=os.environ | environment)
    try:
        wait_until(halted.exists)
        second = again(tmp_path / "text")
        assert second.status == 2
        assert "expected no other process to prepare text there, found" in second.err
    finally:
        running.send_signal(signal.SIGCONT)
        assert running.wait(PATIENCE) == 0
    assert digests(tmp_path / "text") == expected
