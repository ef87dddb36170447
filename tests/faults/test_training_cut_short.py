"""A training that is killed, or that finds the disk full: nothing half is left, and it goes on as if nothing were."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from regard.store import load_model

WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
SETTINGS = {
    "subword.vocab_size": 300,
    "model.embed_size": 16,
    "model.hidden_size": 24,
    "train.steps": 60,
    "train.validate_every": 4,
    "train.batch_tokens": 128,
    "train.warmup": 2,
    "train.threads": 1,
    "train.precision": "float32",
    "train.device": "cpu",
    "train.tensorboard": "false",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("corpus")
    draw = random.Random(1)
    for name, count in (("train", 160), ("val", 8)):
        rows = [draw.choices(list(WORDS), k=draw.randint(2, 8)) for _ in range(count)]
        for ending, lines in (("en", rows), ("fr", [[WORDS[word] for word in row] for row in rows])):
            (directory / f"{name}.{ending}").write_text("".join(" ".join(line) + "\n" for line in lines))
    return directory


def start(corpus: Path, out: Path, *more: str, preexec: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    files = [f"--{side}={corpus / name}" for side, name in (("src", "train.en"), ("tgt", "train.fr"))]
    files += [f"--val-{side}={corpus / name}" for side, name in (("src", "val.en"), ("tgt", "val.fr"))]
    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    anew = [] if "--resume" in more else ["--preset=bahdanau", *files, *settings]
    command = [sys.executable, "-m", "regard", "train", "--out", str(out), *anew, *more]
    # What measures coverage would want to write too, and would complain of the full disk in its own way.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment = os.environ if preexec is None else unmeasured
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, preexec_fn=preexec, env=environment, **streams)


def kill_once_saved(running: subprocess.Popen[str], state: Path) -> None:
    """`kill -9` as soon as the training has saved its state anew."""
    before = state.stat().st_mtime_ns if state.exists() else 0
    until = time.monotonic() + 60
    while not state.exists() or state.stat().st_mtime_ns == before:
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert running.returncode == -signal.SIGKILL


def test_killed_twice_and_resumed_gives_the_same_model(corpus: Path, tmp_path: Path) -> None:
    whole = start(corpus, tmp_path / "whole")
    assert whole.communicate()[1] is not None
    assert whole.returncode == 0
    cut, state = tmp_path / "cut", tmp_path / "cut" / "training" / "state.safetensors"
    kill_once_saved(start(corpus, cut), state)
    kill_once_saved(start(corpus, cut, "--resume"), state)
    assert not (cut / "manifest.json").exists()
    last = start(corpus, cut, "--resume")
    complaint = last.communicate()[1]
    assert last.returncode == 0, complaint
    assert (cut / "weights.safetensors").read_bytes() == (tmp_path / "whole" / "weights.safetensors").read_bytes()
    assert not list(cut.rglob("*.tmp*"))


def test_a_full_disk_ends_in_plain_words_and_with_the_last_state(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # vocabulary and configuration fit, weights do not

    full = start(corpus, out, preexec=little_room)
    complaint = full.communicate()[1]
    assert full.returncode not in (0, -signal.SIGXFSZ)
    assert "Traceback" not in complaint
    assert "state.safetensors" in complaint or str(out) in complaint
    assert not (out / "manifest.json").exists()
    assert not (out / "training" / "state.safetensors").exists()
    assert not [left for left in out.rglob("*.safetensors*") if left.stat().st_size]
    again = start(corpus, out, "--resume")
    complaint = again.communicate()[1]
    assert again.returncode == 0, complaint
    assert load_model(out).model.output_weight.isfinite().all()
