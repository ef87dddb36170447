"""A computation for chunks that needs no model: each line reversed, with its number."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deadlines import wait_until

from regard.errors import SearchError
from regard.recipes.chunks.job import ChunkedJob, Workers
from regard.recipes.chunks.store import LineFunction, OutputLine
from regard.recipes.chunks.work import Work


def reversing(identity: str = "reversed", **arguments: object) -> Work:
    """The computation; see `open_reversing` for its arguments."""
    return Work("chunk_work:open_reversing", arguments, {"work": identity})


def expected(text: str) -> str:
    """The whole output for an input."""
    lines = text.split("\n")
    lines = lines if lines[-1] else lines[:-1]
    return "".join(f"{number} {line[::-1]}\n" for number, line in enumerate(lines, start=1))


def open_reversing(arguments: dict[str, Any], threads: int) -> LineFunction:
    """The function for a worker.

    `seconds` is its time per chunk, until the file `hurry` exists; in `record` it makes a file per computed chunk. A
    line that equals `refused` is an error, and a line that equals `deadly` ends the process.
    """

    def reverse(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
        if not Path(arguments.get("hurry", "never")).exists():
            time.sleep(arguments.get("seconds", 0.0))
        if "record" in arguments:
            with Path(arguments["record"], f"{first}-{os.getpid()}").open("a") as file:
                file.write("x")
        for number, line in enumerate(lines, first):
            text = line.decode()
            if text == arguments.get("refused"):
                raise SearchError(f"line {number}: is refused")
            if text == arguments.get("deadly"):
                os._exit(7)
            yield f"{number} {text[::-1]}", [f"line {number}: strange"] if text == "strange" else []

    return reverse


def open_gpu_names(arguments: dict[str, Any], threads: int) -> LineFunction:
    """A function whose lines are the GPUs that its process sees; it waits until `workers` processes have begun."""
    begun = Path(arguments["begun"])

    def name(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
        (begun / str(os.getpid())).touch()
        wait_until(lambda: len(list(begun.iterdir())) >= arguments["workers"])
        for _ in lines:
            yield os.environ.get("CUDA_VISIBLE_DEVICES", "all"), []

    return name


class Silent:
    """Progress that is not shown."""

    def begin(self, finished: int, total: int) -> None:
        """Nothing."""

    def advance(self, num_lines: int) -> None:
        """Nothing."""


def main(source: str, output: str, workers: str, seconds: str, cluster: str = "") -> None:
    """Runs a job, as a driver process that a test can kill."""
    where = Workers(int(workers), 1, cluster=cluster or None)
    work = reversing(seconds=float(seconds), hurry=str(Path(output).with_name("hurry")))
    assert ChunkedJob(Path(source), Path(output), work, where, Silent(), print).run().is_complete


def kill_at_random(
    driver: Callable[[int], subprocess.Popen[bytes]], *, workers: int, drivers: int, seconds: float, hurry: Path
) -> tuple[int, int]:
    """Runs a driver until it succeeds, and kills its workers and itself at random moments.

    Args:
        driver: Starts the driver with a number of workers.
        workers: Number of workers to kill.
        drivers: Number of times to kill the driver, which is then started with another number of workers.
        seconds: Mean time between two kills.
        hurry: File that is made after the last kill; until then, the job must take longer than the kills.

    Returns:
        The numbers of workers and drivers that were killed.
    """
    draw = random.Random(1)
    order = ["worker"] * workers + ["driver"] * drivers
    draw.shuffle(order)
    done = {"worker": 0, "driver": 0}
    running = driver(draw.randint(1, 4))
    while running.poll() is None:
        time.sleep(draw.uniform(0.5, 1.5) * seconds)
        if not order:
            hurry.touch()
        if not order or running.poll() is not None:
            continue
        victims = [running.pid] if order[-1] == "driver" else children(running.pid)
        if not victims:
            continue
        with suppress(ProcessLookupError):
            os.kill(draw.choice(victims), signal.SIGKILL)
            done[order.pop()] += 1
        if victims == [running.pid]:
            running.wait()
            running = driver(draw.randint(1, 4))
    assert running.returncode == 0
    return done["worker"], done["driver"]


def children(pid: int) -> list[int]:
    """Worker processes of a driver, also those that Ray started."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with suppress(OSError):
                fields = (directory / "stat").read_text().rpartition(")")[2].split()
                if fields[1] == str(pid) and fields[0] != "Z":
                    found.append(int(directory.name))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
