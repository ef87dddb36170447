"""Workers that share a store: what worker 0 does alone, in threads instead of processes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

import pytest
import torch.distributed as dist
from torch._C._distributed_c10d import HashStore

from regard.errors import ConfigError, WorkerError
from regard.train.place import Place, Store, open_store
from regard.train.workers import Workers


def in_threads(*works: Callable[[], object]) -> list[object]:
    """Results of functions that run at the same time; of those that failed, the errors."""
    results: dict[int, object] = {}

    def run(number: int, work: Callable[[], object]) -> None:
        try:
            results[number] = work()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    return [results[number] for number in range(len(works))]


def pair(store: Store, timeout: float = 600.0) -> tuple[Workers, Workers]:
    first, second = (Workers(Place(rank, 2, rank, 2), store, timeout=timeout) for rank in (0, 1))
    return first, second


@pytest.fixture
def store() -> Store:
    return HashStore()


def test_the_store_of_torchrun_connects_the_workers_of_one_start() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    first, second = in_threads(*(lambda rank=rank: open_store(Place(rank, 2, rank, 2), environment) for rank in (0, 1)))
    first.set("key", "value")  # type: ignore[attr-defined] # is a store
    assert second.get("key") == b"value"  # type: ignore[attr-defined]


def test_all_workers_get_what_worker_0_returns(store: Store) -> None:
    first, second = pair(store)
    assert in_threads(lambda: first.first(lambda: {"a": [1]}), lambda: second.first(lambda: "not called")) == [
        {"a": [1]},
        {"a": [1]},
    ]


def test_an_error_of_worker_0_is_reported_once(store: Store) -> None:
    first, second = pair(store)

    def fail() -> str:
        raise ValueError("nothing to prepare")

    own, other = in_threads(lambda: first.first(fail), lambda: second.first(lambda: "not called"))
    assert isinstance(own, ValueError)
    assert isinstance(other, WorkerError)
    assert (str(other), other.reported) == (
        "worker 0, the process with RANK=0, has ended with an error: see its message",
        True,
    )


def test_a_silent_worker_0_is_given_up(store: Store) -> None:
    store.set("beat", "1")
    _, second = pair(store, timeout=0.05)
    with pytest.raises(WorkerError, match=r"no sign of life for 0\.05 seconds"):
        second.first(lambda: "not called")


def test_workers_on_different_devices_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    first, _ = pair(store)
    for num_cuda in (0, 2, 1):
        monkeypatch.setattr(first, "sum", lambda _, number=num_cuda: [number])
        if num_cuda == 1:
            with pytest.raises(ConfigError, match="found 1 of 2 on GPUs"):
                first.join("cpu")
        else:
            first.join("cpu")


def test_contradictions_in_the_variables_of_torchrun() -> None:
    with pytest.raises(ConfigError, match="WORLD_SIZE=2, but MASTER_ADDR or MASTER_PORT is not set"):
        open_store(Place(0, 2, 0, 2), json.loads('{"MASTER_ADDR": "a"}'))
