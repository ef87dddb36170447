"""A training that is stopped, killed, or finds the disk full: nothing is left half done, and it resumes exactly."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from deadlines import PATIENCE

from regard.cli.main import app
from regard.store import load_model


class Done(Protocol):
    """A finished command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
SETTINGS = {
    "subword.vocab_size": 300,
    "model.embed_size": 16,
    "model.hidden_size": 24,
    "train.steps": 48,
    "train.validate_every": 4,
    "train.validate_sentences": 2,
    "search.max_len_ratio": 1,  # so short a training ends no translation before its limit
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


Halting = Callable[..., tuple[dict[str, str], Path]]
WaitFor = Callable[[Callable[[], bool], "subprocess.Popen[str]"], None]


def arguments(corpus: Path, out: Path, *more: str) -> list[str]:
    files = [f"--{side}={corpus / name}" for side, name in (("src", "train.en"), ("tgt", "train.fr"))]
    files += [f"--val-{side}={corpus / name}" for side, name in (("src", "val.en"), ("tgt", "val.fr"))]
    settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    new = [] if "--resume" in more else ["--preset=bahdanau", *files, *settings]
    return ["train", "--out", str(out), *new, *more]


def trained(
    command: list[str], environment: dict[str, str], preexec: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """A finished training in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "regard", *command], text=True, env=environment, preexec_fn=preexec, capture_output=True
    )


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of a training that nothing interrupts."""
    out = tmp_path_factory.mktemp("whole") / "model"
    with pytest.raises(SystemExit) as caught:
        app(arguments(corpus, out))
    assert caught.value.code == 0
    return out


@pytest.mark.parametrize("count", [2, 9])
def test_killed_twice_and_resumed_gives_the_same_model(
    corpus: Path, whole: Path, tmp_path: Path, regard: Run, halting: Halting, count: int
) -> None:
    """Killed by `kill -9` while it saves its state: after 8 and 12 steps, or after 36 and 40."""
    cut = tmp_path / "cut"
    for more, saved in (((), count), (("--resume",), 2)):
        environment, halted = halting("/training/state.safetensors", saved, signal.SIGKILL)
        killed = trained(arguments(corpus, cut, *more), os.environ | environment)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert halted.exists()
        assert list(cut.rglob("*.new"))  # a file that was half written
    assert not (cut / "manifest.json").exists()
    last = regard(*arguments(corpus, cut, "--resume"))
    assert last.status == 0, last.err
    assert (cut / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    assert not list(cut.rglob("*.new"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_it_with_everything_saved(
    corpus: Path, tmp_path: Path, regard: Run, wait_for: WaitFor, number: int
) -> None:
    out = tmp_path / "model"
    running = subprocess.Popen(
        [sys.executable, "-m", "regard", *arguments(corpus, out, "--set=train.steps=100000")],
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # A test run in the background of a shell ignores SIGINT, and under nohup SIGHUP; children inherit that.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL) and None,
    )
    wait_for((out / "training" / "state.safetensors").exists, running)
    running.send_signal(number)
    messages = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 130, messages
    assert "Traceback" not in messages
    stopped = re.search(r"stopped after step (\d+); all is saved in", messages)
    assert stopped is not None, messages
    assert not (out / "manifest.json").exists()
    again = regard("train", "--out", str(out), "--resume", f"--set=train.steps={int(stopped[1]) + 1}")
    assert again.status == 0, again.err
    assert f"resuming after step {int(stopped[1]):,}" in again.err
    assert load_model(out).manifest.details["steps"] == int(stopped[1]) + 1


def test_a_full_disk_ends_it_with_a_message_and_the_last_state(corpus: Path, tmp_path: Path, regard: Run) -> None:
    out = tmp_path / "model"

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # vocabulary and configuration fit, weights do not

    full = trained(arguments(corpus, out), {**os.environ}, limit_file_size)
    messages = full.stderr
    assert full.returncode not in (0, -signal.SIGXFSZ)
    assert "Traceback" not in messages
    assert "state.safetensors" in messages or str(out) in messages
    assert not (out / "manifest.json").exists()
    assert not (out / "training" / "state.safetensors").exists()
    assert not [left for left in out.rglob("*.safetensors*") if left.stat().st_size]
    again = regard(*arguments(corpus, out, "--resume"))
    assert again.status == 0, again.err
    assert load_model(out).model.output_weight.isfinite().all()
