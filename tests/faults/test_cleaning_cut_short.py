"""Cleaning that is killed: a rerun continues after the last finished part, and the output is the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deadlines import PATIENCE, wait_until

WaitFor = Callable[[Callable[[], bool], "subprocess.Popen[str]"], None]
SCRIPT = """
import sys
from pathlib import Path
from regard.data.cleaning.filters import Filters
from regard.data.cleaning.run import CleanTask, clean
from regard.data.cleaning.source import CorpusSource
from regard.data.corpora.unit import ReadOptions

out, workers = Path(sys.argv[1]), int(sys.argv[2])
source = CorpusSource(Path("corpus.tsv"), None, ReadOptions(langs=("en", "fr")))
rejects = out.with_suffix(".rejects")
report = clean(CleanTask(source, Filters(), out, rejects, "tsv", workers, chunk_pairs=50))
print(report.num_resumed)
"""


def write_corpus(directory: Path, number: int) -> None:
    rng = random.Random(0)
    words = ["house", "station", "bread", "maison", "gare", "pain", "2024", "?", "le", "the"]
    rows = [" ".join(rng.choices(words, k=rng.randint(0, 4))) + "\t" + " ".join(rng.choices(words, k=rng.randint(0, 4)))
            for _ in range(number)]  # fmt: skip
    (directory / "corpus.tsv").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def start(directory: Path, out: str, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, out, str(workers)],
        cwd=directory,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def output(directory: Path, out: str) -> tuple[bytes, bytes]:
    return (directory / out).read_bytes(), (directory / out).with_suffix(".rejects").read_bytes()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_killed_again_and_again(tmp_path: Path, wait_for: WaitFor) -> None:
    write_corpus(tmp_path, 12_000)
    whole = start(tmp_path, "whole.tsv", 1)
    errors = whole.communicate(timeout=PATIENCE)[1]
    assert whole.returncode == 0, errors

    parts = tmp_path / "cut.tsv.parts"
    for number, workers in ((2, 1), (5, 2), (8, 2)):
        running = start(tmp_path, "cut.tsv", workers)
        wait_for((parts / f"part-{number:06}.json").exists, running)
        workers_left = children(running.pid)
        running.kill()
        running.communicate(timeout=PATIENCE)
        assert running.returncode == -signal.SIGKILL
        assert not (tmp_path / "cut.tsv").exists()
        for worker in workers_left:
            wait_until(lambda worker=worker: not is_running(worker))  # type: ignore[misc] # the default is the worker

    running = start(tmp_path, "cut.tsv", 2)
    resumed, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, errors
    assert int(resumed) >= 9 * 20 * 50
    assert output(tmp_path, "cut.tsv") == output(tmp_path, "whole.tsv")
    assert not parts.exists()


def test_killed_at_any_time(tmp_path: Path) -> None:
    write_corpus(tmp_path, 4000)
    begun = time.monotonic()
    whole = start(tmp_path, "whole.tsv", 1)
    errors = whole.communicate(timeout=PATIENCE)[1]
    assert whole.returncode == 0, errors
    seconds = time.monotonic() - begun

    rng = random.Random(1)
    for _ in range(4):
        running = start(tmp_path, "cut.tsv", 1)
        try:
            running.wait(timeout=rng.uniform(0.3, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            running.kill()
        running.communicate(timeout=PATIENCE)
    running = start(tmp_path, "cut.tsv", 1)
    errors = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 0, errors
    assert output(tmp_path, "cut.tsv") == output(tmp_path, "whole.tsv")
