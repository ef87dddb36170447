"""A lab that is killed: finished cells stay, a half-done one goes on, and nobody trains what another trains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LAB = """
baseline = "first"
seeds = [1]

[corpus]
phrasebook = "en-fr"
pairs = 100
max_words = 6

[base]
set = [
    "subword.vocab_size=300", "model.embed_size=8", "model.hidden_size=8", "train.batch_tokens=128", "train.threads=1",
    "train.validate_every=5", "train.validate_sentences=4", "train.precision=float32", "train.warmup=1",
]

[systems]
first = ["train.steps=5"]
second = ["train.steps=40"]

[measure]
trials = 20
gradients = 0
"""


def start(directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "regard", "lab", "run", "lab.toml", "lab"]
    return subprocess.Popen(command, cwd=directory, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def wait_for(happened: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 240
    while not happened():
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)


def worker_of(cell: Path) -> int:
    """Process that holds a cell."""
    last = max((cell / "locks").glob("lock.*"), key=lambda path: int(path.suffix[1:]))
    return int(last.read_text().split('"pid": ')[1].rstrip("}"))


def test_killed_and_started_again(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text(LAB)
    first, second = (tmp_path / "lab/cells" / name / "seed-1" for name in ("first", "second"))
    state = second / "model/training/state.safetensors"

    running = start(tmp_path)
    wait_for(state.exists, running)
    worker = worker_of(second)
    running.kill()
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    os.kill(worker, signal.SIGKILL)  # it would have gone on alone
    assert (first / "result.json").exists()
    assert not (second / "result.json").exists()
    finished = (first / "result.json").stat().st_mtime_ns

    again = start(tmp_path)
    complaint = again.communicate()[1]
    assert again.returncode == 0, complaint
    assert "1 of 2 cells are finished already" in complaint
    assert (first / "result.json").stat().st_mtime_ns == finished
    assert (second / "result.json").exists()
    record = (second / "record.json").read_text()
    assert record.count('"step": 5,') == 1  # the validation after 5 steps was not done again
    assert (tmp_path / "lab/report.html").exists()


def test_interrupted_everything_is_saved(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text(LAB.replace("train.steps=40", "train.steps=100000"))
    second = tmp_path / "lab/cells/second/seed-1"
    running = start(tmp_path)
    wait_for((second / "model/training/state.safetensors").exists, running)
    running.send_signal(signal.SIGINT)
    complaint = running.communicate()[1]
    assert running.returncode == 130, complaint
    assert "the same command goes on from there" in complaint
    worker = worker_of(second)
    try:
        os.kill(worker, 0)
        raise AssertionError("the worker is still there")
    except ProcessLookupError:
        pass
    assert "stopped after step" in (second / "log.txt").read_text()
