"""Tasks of Ray, with a stand-in for Ray: lost tasks are repeated, errors end the job. Nothing here needs Ray."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chunk_work import Silent, expected, reversing

from regard.errors import ConfigError, RegardError
from regard.recipes.chunks import ray_tasks
from regard.recipes.chunks.job import ChunkedJob, Workers
from regard.recipes.chunks.plan import Chunk
from regard.recipes.chunks.store import ChunkStore, LineFunction
from regard.recipes.chunks.work import Work
from regard.recipes.chunks.worker import PATIENCE
from regard.train.interrupt import Interrupt

TEXT = "".join(f"sentence {number}\n" for number in range(1, 5501))


class RayError(Exception):
    pass


class TaskError(RayError):
    pass


class CrashedError(RayError):
    pass


class StandIn:
    """Ray that runs a task when its result is asked for, except those that crash."""

    def __init__(self, crashes: int = 0, processors: float = 2.0, reachable: bool = True) -> None:
        self.crashes, self.processors, self.reachable = crashes, processors, reachable
        self.exceptions = SimpleNamespace(RayError=RayError, RayTaskError=TaskError)
        self.addresses: list[str] = []
        self.options: dict[str, Any] = {}
        self.cancelled = 0
        self.is_shut_down = False

    def init(self, address: str, **options: object) -> None:
        self.addresses.append(address)
        if not self.reachable and address != "local":
            raise ConnectionError("no cluster")

    def shutdown(self) -> None:
        self.is_shut_down = True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": self.processors}

    def remote(self, **options: object) -> Callable[[Callable[..., object]], object]:
        self.options = options
        return lambda function: SimpleNamespace(remote=lambda *arguments: _Reference(function, arguments))

    def wait(self, references: list[_Reference], timeout: float) -> tuple[list[_Reference], list[_Reference]]:
        return references[:1], references[1:]

    def get(self, reference: _Reference) -> object:
        if self.crashes:
            self.crashes -= 1
            raise CrashedError
        return reference.function(*reference.arguments)

    def cancel(self, reference: object, force: bool) -> None:
        self.cancelled += 1


class _Reference:
    def __init__(self, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
        self.function, self.arguments = function, arguments


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "in").write_text(TEXT)
    return tmp_path / "in", tmp_path / "out"


def run(
    monkeypatch: pytest.MonkeyPatch,
    files: tuple[Path, Path],
    ray: StandIn,
    *,
    work: Work | None = None,
    threads: int = 1,
    address: str = "auto",
    interrupt: Interrupt | None = None,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", ray)
    where = Workers(threads=threads, cluster=address)
    ChunkedJob(*files, work or reversing(), where, Silent(), print, interrupt or Interrupt()).run()


def test_lost_tasks_are_repeated(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    ray = StandIn(crashes=3)
    run(monkeypatch, files, ray)
    assert files[1].read_text() == expected(TEXT)
    assert ray.options == {"num_cpus": 1, "num_gpus": 0, "max_retries": 0}
    assert ray.is_shut_down


def test_tasks_that_die_again_and_again_end_the_job(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match=r"workers died \d+ times without finishing a chunk .*CrashedError"):
        run(monkeypatch, files, StandIn(crashes=10_000))


def test_an_error_of_a_task_is_that_of_the_job(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    with pytest.raises(RegardError, match="line 3: is refused"):
        run(monkeypatch, files, StandIn(), work=reversing(refused="sentence 3"))


def test_a_gpu_per_task(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    ray = StandIn()
    run(monkeypatch, files, ray, work=reversing(device="cuda"), threads=2)
    assert ray.options == {"num_cpus": 2, "num_gpus": 1, "max_retries": 0}


def test_a_chunk_that_another_process_computes_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]
) -> None:
    compute, tried = ChunkStore.compute, []

    def compute_later(store: ChunkStore, chunk: Chunk, function: LineFunction, *, patience: float = 0.0) -> bool:
        tried.append((chunk.number, patience))
        return len(tried) > 1 and compute(store, chunk, function)

    monkeypatch.setattr(ChunkStore, "compute", compute_later)
    run(monkeypatch, files, StandIn())
    assert files[1].read_text() == expected(TEXT)
    assert tried[0] == (0, 0.0)
    assert (0, PATIENCE) in tried


def test_a_stop_cancels_tasks(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    ray, interrupt = StandIn(), Interrupt()

    def stop(reference: object) -> tuple[str, str]:
        interrupt.request()
        return "claimed", ""

    monkeypatch.setattr(ray, "get", stop)
    run(monkeypatch, files, ray, interrupt=interrupt)
    assert ray.cancelled == 3  # four at once, of which one has ended
    assert not files[1].exists()


def test_auto_starts_a_cluster_if_there_is_none(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    ray = StandIn(reachable=False)
    run(monkeypatch, files, ray)
    assert ray.addresses == ["auto", "local"]


def test_clusters_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="--cluster there:1: cannot reach Ray: no cluster"):
        run(monkeypatch, files, StandIn(reachable=False), address="there:1")
    with pytest.raises(ConfigError, match="expected at most the 2 processors"):
        run(monkeypatch, files, StandIn(), threads=3)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'regard\[cluster\]'"):
        ray_tasks._connect("auto")
