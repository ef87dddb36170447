"""Locks: one holder, whatever happens to it."""

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

from regard.files import locks
from regard.files.locks import Lock

PATIENCE = 1800.0
"""Seconds after which a test gives up; only so that nothing waits for ever."""


def kept_until(happened: Callable[[], bool], lost: threading.Event) -> None:
    """Waits until something happens, during which the lock must not be lost."""
    until = time.monotonic() + PATIENCE
    while not happened():
        assert not lost.wait(0.01)
        assert time.monotonic() < until


def test_one_of_many_gets_it(tmp_path: Path) -> None:
    won, start = [], threading.Barrier(16, timeout=PATIENCE)

    def claim() -> None:
        lock = Lock(tmp_path / "locks")
        start.wait()
        if lock.claim():
            won.append(lock)

    for _ in range(5):  # anew, and after each release
        threads = [threading.Thread(target=claim, daemon=True) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        [winner] = won
        assert Lock(tmp_path / "locks").holder() == f"{socket.gethostname()}:{os.getpid()}"
        winner.release()
        assert Lock(tmp_path / "locks").holder() is None
        won.clear()


def test_a_dead_holder_is_succeeded(tmp_path: Path) -> None:
    script = (
        f"from regard.files.locks import Lock; from pathlib import Path; assert Lock(Path({str(tmp_path)!r})).claim()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert len(list(tmp_path.iterdir())) == 1
    lock = Lock(tmp_path)
    assert lock.holder() is None
    assert lock.claim()
    assert lock.heartbeat()


def test_a_holder_elsewhere_is_believed_until_it_is_silent_for_long(tmp_path: Path) -> None:
    (tmp_path / "lock.0").write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    lock = Lock(tmp_path)
    assert not lock.claim()
    assert lock.holder() == "elsewhere:1"
    long_ago = (tmp_path / "lock.0").stat().st_mtime - locks.STALE_SECONDS - 1
    os.utime(tmp_path / "lock.0", (long_ago, long_ago))
    assert lock.claim()


def test_a_lock_that_is_being_written_is_held(tmp_path: Path) -> None:
    (tmp_path / "lock.0").touch()
    assert not Lock(tmp_path).claim()


def test_who_was_taken_for_dead_learns_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)
    slow, quick = Lock(tmp_path), Lock(tmp_path)
    assert slow.claim()
    os.utime(tmp_path / "lock.0", (0, 0))
    assert quick.claim()
    with slow.held() as lost:
        assert lost.wait(PATIENCE)
    assert quick.heartbeat()  # giving back what was lost changes nothing
    assert quick.holder() is not None


def test_a_disk_that_fails_for_a_moment_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)
    lock, whole, failures = Lock(tmp_path), os.utime, iter([OSError(116, "Stale file handle")])

    def utime(*given: object) -> None:
        for failure in failures:
            raise failure
        whole(*given)

    assert lock.claim()
    whole(tmp_path / "lock.0", (1, 1))
    monkeypatch.setattr(os, "utime", utime)
    with lock.held() as lost:
        kept_until(lambda: (tmp_path / "lock.0").stat().st_mtime != 1, lost)


def test_a_held_lock_is_kept_fresh_and_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)
    lock = Lock(tmp_path)
    assert lock.claim()
    with lock.held() as lost:
        os.utime(tmp_path / "lock.0", (1, 1))
        kept_until(lambda: (tmp_path / "lock.0").stat().st_mtime != 1, lost)
    assert lock.holder() is None
    assert not lock.heartbeat()
