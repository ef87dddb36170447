"""Locks have one holder at a time, even if holders die or fall silent."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from deadlines import PATIENCE, join

from regard.files import locks
from regard.files.locks import Lock


def wait_while_held(condition: Callable[[], bool], lost: threading.Event) -> None:
    """Waits for a condition, and asserts that the lock is not lost before."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert not lost.wait(0.01)
        assert time.monotonic() < deadline


def test_only_one_of_many_threads_gets_the_lock(tmp_path: Path) -> None:
    won: list[Lock] = []
    start = threading.Barrier(16, timeout=PATIENCE)

    def claim() -> None:
        lock = Lock(tmp_path / "locks")
        start.wait()
        if lock.claim():
            won.append(lock)

    for _ in range(5):  # a new lock first, then after each release
        threads = [threading.Thread(target=claim, daemon=True) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            join(thread)
        [winner] = won
        assert Lock(tmp_path / "locks").holder() == f"{socket.gethostname()}:{os.getpid()}"
        winner.release()
        assert Lock(tmp_path / "locks").holder() is None
        won.clear()


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    script = (
        f"from regard.files.locks import Lock; from pathlib import Path; assert Lock(Path({str(tmp_path)!r})).claim()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)
    assert len(list(tmp_path.iterdir())) == 1
    lock = Lock(tmp_path)
    assert lock.holder() is None
    assert lock.claim()
    assert lock.heartbeat()


def test_a_holder_on_another_machine_keeps_the_lock_until_it_is_stale(tmp_path: Path) -> None:
    (tmp_path / "lock.0").write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    lock = Lock(tmp_path)
    assert not lock.claim()
    assert lock.holder() == "elsewhere:1"
    long_ago = (tmp_path / "lock.0").stat().st_mtime - locks.STALE_SECONDS - 1
    os.utime(tmp_path / "lock.0", (long_ago, long_ago))
    assert lock.claim()


def test_an_incomplete_lock_file_holds_the_lock(tmp_path: Path) -> None:
    (tmp_path / "lock.0").touch()
    assert not Lock(tmp_path).claim()


def test_a_holder_learns_that_its_lock_was_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT_SECONDS", 0.01)
    slow, quick = Lock(tmp_path), Lock(tmp_path)
    assert slow.claim()
    os.utime(tmp_path / "lock.0", (0, 0))
    assert quick.claim()
    with slow.held() as lost:
        assert lost.wait(PATIENCE)
    assert quick.heartbeat()  # releasing a lost lock changes nothing
    assert quick.holder() is not None


def test_a_temporary_disk_error_does_not_lose_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT_SECONDS", 0.01)
    lock, real_utime, failures = Lock(tmp_path), os.utime, iter([OSError(116, "Stale file handle")])

    def utime(path: Path, times: tuple[float, float] | None = None) -> None:
        for failure in failures:
            raise failure
        real_utime(path, times)

    assert lock.claim()
    real_utime(tmp_path / "lock.0", (1, 1))
    monkeypatch.setattr(os, "utime", utime)
    with lock.held() as lost:
        wait_while_held(lambda: (tmp_path / "lock.0").stat().st_mtime != 1, lost)


def test_a_held_lock_is_renewed_and_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT_SECONDS", 0.01)
    lock = Lock(tmp_path)
    assert lock.claim()
    with lock.held() as lost:
        os.utime(tmp_path / "lock.0", (1, 1))
        wait_while_held(lambda: (tmp_path / "lock.0").stat().st_mtime != 1, lost)
    assert lock.holder() is None
    assert not lock.heartbeat()
