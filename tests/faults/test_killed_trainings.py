"""Trainings killed at random moments have the same weights as one that was not; `make kills` kills 60."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "killed_trainings.py"


@pytest.mark.skipif(sys.platform != "linux", reason="forks a process that has loaded torch")
def test_killed_trainings_give_the_same_weights(tmp_path: Path) -> None:
    command = [sys.executable, str(PROGRAM), str(tmp_path / "killed"), "--kills", "4"]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    summaries = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(summaries) == 4
    assert sum(summary["kills"] for summary in summaries) >= 4
    assert all(summary["equal"] >= 1 and not summary["different"] for summary in summaries)
