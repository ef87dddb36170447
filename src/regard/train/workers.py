"""The processes ("workers") that train one model together, as `torchrun` starts them, and their communication.

Two channels connect them. A key-value store, which `torchrun` keeps, is used while worker 0 works alone and the others
wait for as long as it takes. A process group of `torch.distributed` is used for everything else, with a limit of two
minutes, because a worker that does not answer for so long is lost.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from regard.errors import ConfigError, WorkerError
from regard.store.checkpoint import Plain
from regard.train.place import TIMEOUT_SECONDS, Place, Store, connection

Item = TypeVar("Item")

_BEATS_PER_TIMEOUT = 20
"""Number of signs of life that worker 0, while it works alone, shows within the time after which it is taken to be
lost."""
_SHORTEST_WAIT, _LONGEST_WAIT = 0.001, 0.25
"""Seconds between two reads of the store: the first pause, and the longest."""
_BEAT = "beat"


class Workers:
    """All workers of a training, seen from one of them; without arguments, a single worker.

    All methods except the properties must be called by all workers in the same order.

    Args:
        place: Rank of this worker, and number of workers; None for a single worker.
        store: Key-value store that all workers share, without values of an earlier start; None for a single worker.
        timeout: Seconds after which a worker that does not answer is taken to be lost.
        clock: Function that returns the time in seconds, from any origin.
    """

    def __init__(
        self,
        place: Place | None = None,
        store: Store | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place or Place()
        self.timeout = timeout
        self.clock = clock
        self._store = store
        self._turn = 0

    @property
    def rank(self) -> int:
        """Number of this worker, from 0."""
        return self.place.rank

    @property
    def count(self) -> int:
        """Number of workers."""
        return self.place.count

    @property
    def is_first(self) -> bool:
        """Whether this is worker 0, which alone prepares, writes files and reports."""
        return self.place.rank == 0

    def owns(self, number: int) -> bool:
        """Whether this worker computes the micro-batch `number` of an update, counted from 0 over all workers."""
        return number % self.count == self.rank

    def share(self, items: Sequence[Item], check: Callable[[], None]) -> Iterator[Item]:
        """This worker's share of work that all workers divide among themselves.

        Args:
            items: Parts of the work, the same in all workers.
            check: Function that is called equally often in all workers, before each item of this worker.

        Yields:
            The items with the indices `rank`, `rank + count`, `rank + 2 count`, ...
        """
        for start in range(0, len(items), self.count):
            check()
            if start + self.rank < len(items):
                yield items[start + self.rank]

    def first(self, work: Callable[[], Plain]) -> Plain:
        """Runs a function in worker 0, while all others wait for as long as worker 0 shows signs of life.

        Args:
            work: Function to run in worker 0; returns a JSON value.

        Returns:
            The result of `work`, in all workers.

        Raises:
            WorkerError: In workers other than 0, if `work` raised an exception or worker 0 was lost.
        """
        if self._store is None:
            return work()
        self._turn += 1
        key = f"first/{self._turn}"
        if not self.is_first:
            return self._await(self._store, key)
        with _beating(self._store, self.timeout / _BEATS_PER_TIMEOUT):
            try:
                result = work()
            except BaseException:
                with suppress(RuntimeError):  # the error of the work matters more than a lost store
                    self._store.set(key, "")
                raise
        with connection(first=True):
            self._store.set(key, json.dumps(result))
        return result

    def join(self, device: str) -> None:
        """Connects all workers, once each is ready to train.

        Must be called before `sum`, `gather` and all other methods that communicate, except `first`.

        Args:
            device: Device of this worker, such as `cpu` or `cuda:1`.

        Raises:
            WorkerError: A worker is lost.
            ConfigError: Some workers train on a GPU, and others do not.
        """
        if self._store is None:
            return
        cuda = device.startswith("cuda")
        if cuda:
            torch.cuda.set_device(device)
        with connection(first=self.is_first):
            # Counts and texts are tensors on the CPU also where gradients are on GPUs, so both backends are needed.
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if cuda else "gloo",
                store=self._store,  # type: ignore[arg-type]
                rank=self.rank,
                world_size=self.count,
                timeout=timedelta(seconds=self.timeout),
            )
        num_cuda = self.sum([cuda])[0]
        if num_cuda not in (0, self.count):
            raise ConfigError(
                f"expected the same kind of device in all workers, found {num_cuda} of {self.count} on GPUs: set "
                "train.device = 'cpu', or start as many workers per machine as it has GPUs"
            )

    def leave(self) -> None:
        """Ends the connection to the other workers, if there is one; workers may call it at different times."""
        if self._store is not None and dist.is_initialized():
            with suppress(RuntimeError):  # the others may have gone already
                dist.destroy_process_group()

    def sum(self, values: Sequence[int]) -> list[int]:
        """Adds up integers over all workers.

        Args:
            values: Integers of this worker, the same number in each worker; sums must be below 2^63.

        Returns:
            The sums, the same in all workers.

        Raises:
            WorkerError: A worker has ended or does not answer.
        """
        if self.count == 1:
            return [int(value) for value in values]
        total = torch.tensor(list(values), dtype=torch.int64)
        with self.connected():
            dist.all_reduce(total)
        return [int(value) for value in total.tolist()]

    def start_tensor_sum(self, tensor: Tensor) -> dist.Work:
        """Starts to replace a tensor by its sum over all workers.

        Args:
            tensor: Contiguous tensor of any shape `(...)`, the same shape in all workers, on the device that was
                passed to `join`.

        Returns:
            The operation. Its method `wait` must be called before the tensor is used. This method and `wait` must be
            called in a block `with workers.connected()`, so that a lost worker raises a `WorkerError`.
        """
        operation: dist.Work | None = dist.all_reduce(tensor, async_op=True)
        if operation is None:
            raise AssertionError("this process is no member of the process group: this is a bug in regard: report it")
        return operation

    def gather(self, value: Plain) -> list[Plain]:
        """Collects a value from each worker.

        Args:
            value: JSON value of this worker.

        Returns:
            The values in the order of the workers' numbers, the same list in all workers.

        Raises:
            WorkerError: A worker has ended or does not answer.
        """
        if self.count == 1:
            return [value]
        data = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        with self.connected():
            lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
            dist.all_gather(lengths, torch.tensor([len(data)]))
            size = max(int(length) for length in lengths)
            texts = [torch.zeros(size, dtype=torch.uint8) for _ in range(self.count)]
            dist.all_gather(texts, torch.nn.functional.pad(data, (0, size - len(data))))
        return [json.loads(text[: int(length)].numpy().tobytes()) for text, length in zip(texts, lengths, strict=True)]

    def from_first(self, value: Plain) -> Plain:
        """Sends a value of worker 0 to all workers.

        Args:
            value: JSON value to send; ignored in workers other than 0.

        Returns:
            The value of worker 0.

        Raises:
            WorkerError: A worker has ended or does not answer.
        """
        return self.gather(value if self.is_first else None)[0]

    def copy_from_first(self, tensors: Sequence[Tensor]) -> None:
        """Overwrites tensors in all workers with the values that these tensors have in worker 0.

        Args:
            tensors: Tensors of any shapes `(...)`, the same in all workers.

        Raises:
            WorkerError: A worker has ended or does not answer.
        """
        if self.count == 1:
            return
        with torch.no_grad(), self.connected():
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Context manager that raises a `WorkerError` if communication with another worker fails inside it.

        Yields:
            Nothing.
        """
        with connection(first=self.is_first):
            yield

    def _await(self, store: Store, key: str) -> Plain:
        """Waits in another worker for what worker 0 stores under a key."""
        beat, heard, pause = b"", time.monotonic(), _SHORTEST_WAIT
        with connection(first=False):
            while not store.check([key]):
                time.sleep(pause)
                pause = min(2.0 * pause, _LONGEST_WAIT)
                latest = store.get(_BEAT) if store.check([_BEAT]) else b""
                if latest != beat:
                    beat, heard = latest, time.monotonic()
                if time.monotonic() - heard > self.timeout:
                    raise RuntimeError(
                        f"worker 0, the process with RANK=0, has shown no sign of life for {self.timeout:g} seconds: "
                        "see its output"
                    )
            text = store.get(key)
        if not text:
            raise WorkerError(
                "worker 0, the process with RANK=0, has ended with an error: see its message", reported=True
            )
        result: Plain = json.loads(text)
        return result


@contextmanager
def _beating(store: Store, pause: float) -> Iterator[None]:
    """Shows signs of life of worker 0 to the others from a thread, every `pause` seconds."""
    ended = threading.Event()

    def beat() -> None:
        with suppress(RuntimeError):  # without the store, the others notice the silence
            number = 0
            while not ended.wait(pause if number else 0.0):
                number += 1
                store.set(_BEAT, str(number))

    thread = threading.Thread(target=beat, name="sign of life of worker 0", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
