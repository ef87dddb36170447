"""Waits of the tests end at their deadline, for each kind of wait."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import deadlines
import pytest
from deadlines import exit_code, join, killed_at_deadline, wait_until

FOREVER = "import time; time.sleep(10_000)"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is at once."""
    monkeypatch.setattr(deadlines, "PATIENCE", 0.05)


def test_a_condition_that_never_holds(short: None) -> None:
    wait_until(lambda: True)
    with pytest.raises(AssertionError):
        wait_until(lambda: False)


def test_output_that_never_comes(short: None) -> None:
    with subprocess.Popen([sys.executable, "-c", FOREVER], stdout=subprocess.PIPE) as process:
        assert process.stdout
        with killed_at_deadline(process):
            assert process.stdout.readline() == b""
            assert process.wait() < 0


def test_a_child_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    assert exit_code(ended.pid) == 3
    ended.wait()  # it was waited for already
    monkeypatch.setattr(deadlines, "PATIENCE", 0.05)
    running = subprocess.Popen([sys.executable, "-c", FOREVER])
    with pytest.raises(AssertionError, match=rf"process {running.pid} was still running after 0\.05 seconds"):
        exit_code(running.pid)
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)
    running.wait()


def test_a_thread_that_never_ends(short: None) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    with pytest.raises(AssertionError):
        join(thread)
    over.set()
    thread.join(60.0)
    join(thread)
