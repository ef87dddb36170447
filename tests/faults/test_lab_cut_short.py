"""A lab that is killed: finished runs are kept, a partial run is resumed, and no run is trained twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deadlines import PATIENCE

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
    "search.max_len_ratio=1", "search.max_len_offset=4",
]

[systems]
first = ["train.steps=5"]
second = ["train.steps=20"]

[measure]
trials = 5
gradients = 0
"""


Halting = Callable[..., tuple[dict[str, str], Path]]
WaitFor = Callable[[Callable[[], bool], "subprocess.Popen[str]"], None]


def start(directory: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "regard", "lab", "run", "lab.toml", "lab"],
        cwd=directory,
        env=os.environ | environment,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # A test run in the background of a shell ignores SIGINT, and what it starts would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def worker_of(run: Path) -> int:
    """Process that holds a run."""
    last = max((run / "locks").glob("lock.*"), key=lambda path: int(path.suffix[1:]))
    return int(last.read_text().split('"pid": ')[1].rstrip("}"))


def test_killed_and_started_again(tmp_path: Path, halting: Halting, wait_for: WaitFor) -> None:
    (tmp_path / "lab.toml").write_text(LAB)
    first, second = (tmp_path / "lab/cells" / name / "seed-1" for name in ("first", "second"))
    # Halts after 10 steps, when they are validated, but only the state of the first 5 has been saved.
    environment, halted = halting("second/seed-1/model/training/state.safetensors", 2)

    running = start(tmp_path, **environment)
    wait_for(halted.exists, running)
    worker = worker_of(second)
    running.kill()
    running.communicate(timeout=PATIENCE)
    assert running.returncode == -signal.SIGKILL
    os.kill(worker, signal.SIGKILL)  # it would continue alone
    assert (first / "result.json").exists()
    assert not (second / "result.json").exists()
    finished = (first / "result.json").stat().st_mtime_ns

    again = start(tmp_path)
    errors = again.communicate(timeout=PATIENCE)[1]
    assert again.returncode == 0, errors
    assert "1 of 2 runs were finished earlier" in errors
    assert (first / "result.json").stat().st_mtime_ns == finished
    assert (second / "result.json").exists()
    record = (second / "record.json").read_text()
    # The validation after 5 steps was not repeated; that after 10 was, and is recorded once.
    assert [record.count(f'"step": {step},') for step in (5, 10, 15)] == [1, 1, 1]
    assert (tmp_path / "lab/report.html").exists()


def test_interrupted_everything_is_saved(tmp_path: Path, wait_for: WaitFor) -> None:
    (tmp_path / "lab.toml").write_text(LAB.replace("train.steps=20", "train.steps=100000"))
    second = tmp_path / "lab/cells/second/seed-1"
    running = start(tmp_path)
    wait_for((second / "model/training/state.safetensors").exists, running)
    running.send_signal(signal.SIGINT)
    errors = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 130, errors
    assert "run the same command again to continue" in errors
    worker = worker_of(second)
    try:
        os.kill(worker, 0)
        raise AssertionError("the worker is still there")
    except ProcessLookupError:
        pass
    assert "stopped after step" in (second / "log.txt").read_text()
