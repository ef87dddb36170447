"""Chunks computed in tasks of a local Ray cluster, of which some are killed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import chunk_work
import pytest
from chunk_work import expected
from deadlines import killed_at_deadline, wait_until

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'regard[cluster]'"
)
TEXT = "".join(f"sentence {number}\n" for number in range(1, 30_001))
MARK = "REGARD_TEST_JOB"


def tasks(job: Path) -> list[int]:
    """Processes of Ray that compute chunks of this test's job."""
    found = []
    for directory in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            number = int(directory.name)
            mark = f"{MARK}={job}\0".encode()
            if (directory / "cmdline").read_bytes().startswith(b"ray::compute_chunk") and mark in (
                directory / "environ"
            ).read_bytes():
                found.append(number)
    return found


def num_results(job: Path) -> int:
    return len(list(job.glob("out.chunks/0000/*.result")))


def test_tasks_that_are_killed_cost_time_only(tmp_path: Path) -> None:
    (tmp_path / "in").write_text(TEXT)
    temporary = tempfile.mkdtemp(prefix="ray")  # a short name, since it is part of the names of sockets
    paths = [str(Path(chunk_work.__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_TMPDIR": temporary, MARK: str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    arguments = [str(tmp_path / "in"), str(tmp_path / "out"), "1", "0.5", "local"]
    driver = subprocess.Popen([sys.executable, "-m", "chunk_work", *arguments], env=environment)
    try:
        with killed_at_deadline(driver):
            for results in (1, 8):
                wait_until(lambda results=results: num_results(tmp_path) >= results or driver.poll() is not None)  # type: ignore[misc]
                os.kill(tasks(tmp_path)[0], signal.SIGKILL)
            assert driver.wait() == 0
    finally:
        driver.kill()
        driver.wait()
        shutil.rmtree(temporary, ignore_errors=True)
    assert (tmp_path / "out").read_text() == expected(TEXT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    wait_until(lambda: not tasks(tmp_path))
