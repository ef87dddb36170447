"""`torchrun -m regard train`: a killed worker, a restart, Ctrl-C, and one worker that continues."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deadlines import PATIENCE, wait_until
from toy_training import Toy

from regard.store import load_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

SETTINGS = {
    "subword.vocab_size": 300, "model.embed_size": 8, "model.hidden_size": 12, "train.steps": 100_000,
    "train.validate_every": 4, "train.warmup": 2, "train.precision": "float32", "train.device": "cpu",
    "train.tensorboard": "false", "train.save_minutes": 0,
}  # fmt: skip


def worker_pids(out: Path, rank: int) -> list[int]:
    """Processes that are this worker of the training in `out`."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"RANK={rank}".encode() in variables and f"--out={out}".encode() in command:
            pids.append(int(process.name))
    return pids


def test_a_training_survives_a_killed_worker_a_restart_and_another_number_of_workers(tmp_path: Path) -> None:
    toy, out = Toy(tmp_path), tmp_path / "model"
    files = {"src": "train.en", "tgt": "train.fr", "val-src": "val.en", "val-tgt": "val.fr"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=2"]
    command += ["-m", "regard", "train", f"--out={out}", "--preset=bahdanau"]
    command += [f"--{side}={toy.directory / name}" for side, name in files.items()]
    command += [f"--set={key}={value}" for key, value in SETTINGS.items()]
    state = out / "training" / "state.safetensors"
    with (tmp_path / "messages").open("w+") as messages:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=messages)
        wait_until(lambda: state.exists() or running.poll() is not None)
        [killed] = worker_pids(out, 1)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: "resuming after step" in (tmp_path / "messages").read_text() or running.poll() is not None)
        before = state.stat().st_mtime_ns
        wait_until(lambda: state.stat().st_mtime_ns != before or running.poll() is not None)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) != 0
    text = (tmp_path / "messages").read_text()
    assert "for 2 workers: " in text  # the batch size was derived from their number
    assert text.count("the connection to another worker was lost") <= 1  # torchrun may be faster
    assert text.count("resuming after step") == 1
    assert "Traceback" not in text.replace("torch.distributed.elastic", "").partition("resuming after step")[0]
    stopped = re.search(r"stopped after step (\d+); all is saved in", text)
    assert stopped is not None, text
    assert not worker_pids(out, 0) + worker_pids(out, 1)
    steps = int(stopped[1]) + 1
    again = subprocess.run(
        [sys.executable, "-m", "regard", "train", f"--out={out}", "--resume", f"--set=train.steps={steps}"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "workers: 2, now 1" in again.stderr
    assert load_model(out).manifest.details["steps"] == steps
