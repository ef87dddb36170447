"""Workers and drivers killed at random moments: the output is that of one undisturbed process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import chunk_work
import pytest
from chunk_work import expected, kill_at_random
from deadlines import PATIENCE, wait_until

PYTHON = sys.executable
TEXT = "".join(f"sentence {number}\n" for number in range(1, 30_001))


def start(directory: Path, workers: int, seconds: float) -> subprocess.Popen[bytes]:
    """Starts a driver."""
    support = str(Path(chunk_work.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([support, os.environ.get("PYTHONPATH", "")]).rstrip(":")}
    arguments = [str(directory / "in"), str(directory / "out"), str(workers), str(seconds)]
    return subprocess.Popen([sys.executable, "-m", "chunk_work", *arguments], env=environment)


def test_workers_and_drivers_killed_at_random(tmp_path: Path) -> None:
    (tmp_path / "in").write_text(TEXT)
    killed = kill_at_random(
        lambda workers: start(tmp_path, workers, 2.0), workers=5, drivers=2, seconds=0.4, hurry=tmp_path / "hurry"
    )
    assert killed == (5, 2)
    assert (tmp_path / "out").read_text() == expected(TEXT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hurry", "in", "out"]


def test_workers_end_with_a_driver_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "in").write_text(TEXT)
    driver = start(tmp_path, 2, 1000.0)
    try:
        wait_until(lambda: len(list(tmp_path.glob("out.chunks/locks/0000/*/lock.0"))) == 2)
        workers = chunk_work.children(driver.pid)
        assert len(workers) == 2
    finally:
        driver.kill()
        driver.wait(PATIENCE)
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def killed_before_rename(
    halting: Callable[..., tuple[dict[str, str], Path]], directory: Path, suffix: str
) -> tuple[int, str]:
    environment, halted = halting(suffix, 1, signal.SIGKILL)
    support = str(Path(chunk_work.__file__).parent)
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], support])
    arguments = [str(directory / "in"), str(directory / "out"), "1", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "chunk_work", *arguments], env=os.environ | environment, capture_output=True, text=True
    )
    assert halted.exists()
    return done.returncode, done.stderr


def test_a_driver_killed_at_each_of_its_renames(
    tmp_path: Path, halting: Callable[..., tuple[dict[str, str], Path]]
) -> None:
    """Before the plan, the output and the removal of the store take effect."""
    (tmp_path / "in").write_text(TEXT)
    for suffix in ("out.chunks/manifest.json", "/out", "out.chunks.old"):
        assert killed_before_rename(halting, tmp_path, suffix) == (-signal.SIGKILL, "")
        assert (tmp_path / "out").exists() == (suffix == "out.chunks.old")
    assert start(tmp_path, 1, 0.0).wait(PATIENCE) == 0
    assert (tmp_path / "out").read_text() == expected(TEXT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


MODEL = str(Path(__file__).parents[1] / "golden" / "models" / "transformer")


@pytest.mark.parametrize("verb", ["align", "score"])
def test_pairs_after_a_killed_worker_and_a_killed_driver(
    tmp_path: Path,
    halting: Callable[..., tuple[dict[str, str], Path]],
    regard: Callable[..., object],
    wait_for: Callable[..., None],
    ready_workers: None,
    verb: str,
) -> None:
    for name, word in (("en", "the cat"), ("fr", "le chat")):
        (tmp_path / name).write_text("".join(f"{word} {number}\n" for number in range(1100)))
    files = [f"--src={tmp_path / 'en'}", f"--tgt={tmp_path / 'fr'}", "--device=cpu", "--threads=1"]
    command, output = [verb, MODEL, *files], f"--output={tmp_path / 'out'}"
    environment, halted = halting("0000001.result", 1)
    driver = subprocess.Popen([PYTHON, "-m", "regard", *command, output, "--workers=1"], env=os.environ | environment)
    try:
        wait_for(halted.exists, driver)
        [worker] = chunk_work.children(driver.pid)
        halted.unlink()
        os.kill(worker, signal.SIGKILL)
        wait_for(halted.exists, driver)  # in the worker that took its place
        [other] = chunk_work.children(driver.pid)
        assert other != worker
    finally:
        driver.kill()
        driver.wait(PATIENCE)
    os.kill(other, signal.SIGKILL)
    [finished] = (tmp_path / "out.chunks").rglob("*.result")
    assert finished.name == "0000000.result"
    finished.write_bytes(finished.read_bytes()[:-1])  # a power failure
    regard(*command, output, "--workers=3")
    regard(*command, f"--output={tmp_path / 'whole'}")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "whole").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["en", "fr", "out", "whole"]
