"""Which of the worker processes of a training this process is, and the key-value store that they share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from torch._C._distributed_c10d import PrefixStore, TCPStore

from regard.errors import ConfigError, WorkerError

TIMEOUT_SECONDS = 120.0
"""Seconds after which a worker that does not answer is taken to be lost."""
_VARIABLES = {
    "RANK": 0,
    "WORLD_SIZE": 1,
    "LOCAL_RANK": 0,
    "LOCAL_WORLD_SIZE": 1,
    "TORCHELASTIC_RESTART_COUNT": 0,
    "TORCHELASTIC_MAX_RESTARTS": 0,
}
"""Environment variables of torchrun in the order of the attributes of `Place`, and values if they are not set."""


class Store(Protocol):
    """The methods of a store of `torch.distributed` that workers use."""

    def set(self, key: str, value: str, /) -> None:
        """Stores a value under a key.

        Args:
            key: The key.
            value: The value.
        """

    def get(self, key: str, /) -> bytes:
        """Returns the value of a key; waits for it if the key has none yet."""
        ...

    def check(self, keys: list[str], /) -> bool:
        """Whether each of the keys has a value; does not wait."""
        ...


@dataclass(frozen=True)
class Place:
    """Which of the worker processes of a training this process is, and how many there are.

    Attributes:
        rank: Number of this worker, from 0.
        count: Number of workers.
        local_rank: Number of this worker among those of this machine, from 0.
        local_count: Number of workers on this machine.
        restarts: How often `torchrun` has restarted the workers after a failure.
        max_restarts: How often `torchrun` restarts the workers at most.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1
    restarts: int = 0
    max_restarts: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Place:
        """Reads the rank of this process and the number of workers from the variables that `torchrun` sets.

        Args:
            environment: Environment variables; by default, those of this process.

        Returns:
            The numbers; those of a single worker if the process was not started by `torchrun`.

        Raises:
            ConfigError: A variable is not a number, or the numbers contradict each other.
        """
        variables = os.environ if environment is None else environment
        if "RANK" not in variables or "WORLD_SIZE" not in variables:
            return cls()
        place = cls(*(_number(variables, name, default) for name, default in _VARIABLES.items()))
        if not (place.rank < place.count and place.local_rank < place.local_count <= place.count):
            raise ConfigError(
                f"RANK={place.rank}, WORLD_SIZE={place.count}, LOCAL_RANK={place.local_rank}, "
                f"LOCAL_WORLD_SIZE={place.local_count}: expected the variables that torchrun sets, found numbers that "
                "contradict each other: start the workers with torchrun, or unset these variables"
            )
        return place


def open_store(place: Place, environment: Mapping[str, str] | None = None) -> Store | None:
    """Opens the key-value store that the workers of a training share.

    Args:
        place: Rank of this worker, and number of workers.
        environment: Environment variables, with `MASTER_ADDR` and `MASTER_PORT`; by default, those of this process.

    Returns:
        The store, which is empty whenever the workers are started or restarted; None if there is only one worker.

    Raises:
        ConfigError: The variables are missing.
        WorkerError: The store cannot be reached.
    """
    if place.count == 1:
        return None
    variables = os.environ if environment is None else environment
    if not variables.get("MASTER_ADDR") or not variables.get("MASTER_PORT"):
        raise ConfigError(
            f"WORLD_SIZE={place.count}, but MASTER_ADDR or MASTER_PORT is not set: start the workers with torchrun"
        )
    hosted = variables.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    with connection(first=place.rank == 0):
        store = TCPStore(
            variables["MASTER_ADDR"],
            _number(variables, "MASTER_PORT", 0),
            place.count,
            is_master=place.rank == 0 and not hosted,
            timeout=timedelta(seconds=TIMEOUT_SECONDS),
        )
    return PrefixStore(f"regard/{place.restarts}", store)


@contextmanager
def connection(*, first: bool) -> Iterator[None]:
    """Context manager that raises a `WorkerError` if communication with another worker fails inside it.

    Args:
        first: Whether this is worker 0, which alone reports the error.

    Yields:
        Nothing.

    Raises:
        WorkerError: A worker has ended or does not answer.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise WorkerError(
            f"the connection to another worker was lost, because it has ended or does not answer ({reason}): what was "
            "saved last is intact; resume with --resume, with the same or another number of workers",
            reported=not first,
        ) from None


def _number(variables: Mapping[str, str], name: str, default: int) -> int:
    text = variables.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(
            f"{name}={text!r}: expected a number, as torchrun sets it: start the workers with torchrun, or unset the "
            "variable"
        )
    return int(text)
