"""One training at a time in a process, which finds its threads and random numbers as they were."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from regard.errors import ConfigError

_TRAINING = threading.Lock()
_SET_BY_PYTORCH = ("TORCHINDUCTOR_CACHE_DIR",)
"""Environment variables that PyTorch sets when the first step of an optimizer imports its compiler."""


@contextmanager
def exclusive_training() -> Iterator[None]:
    """Allows one training at a time in this process, and restores its threads and random numbers.

    Both belong to the whole process: PyTorch draws initial weights and dropout from its global generator. Beside
    another training neither the result nor the speed would be repeatable.

    Yields:
        Nothing.

    Raises:
        ConfigError: Another thread of this process is training.
    """
    if not _TRAINING.acquire(blocking=False):
        raise ConfigError(
            "another training runs in this process, and both would draw from the same random numbers: train one after "
            "the other, or each in a process of its own"
        )
    threads, unset = torch.get_num_threads(), [name for name in _SET_BY_PYTORCH if name not in os.environ]
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        torch.set_num_threads(threads)
        for name in unset:
            os.environ.pop(name, None)
        _TRAINING.release()
