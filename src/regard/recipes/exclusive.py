"""Allows one training at a time per process, and restores threads and random number generators afterward."""

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
    """Context for one training in this process; at its end the number of threads and random states are restored.

    The number of threads and PyTorch's random number generator, which gives initial weights and dropout, are shared by
    the whole process. With two trainings at the same time, neither result nor speed would be reproducible.

    Yields:
        Nothing.

    Raises:
        ConfigError: Another thread of this process is training.
    """
    if not _TRAINING.acquire(blocking=False):
        raise ConfigError(
            "another training is running in this process, and both would use the same random number generator: train "
            "one model after the other, or start a process per training"
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
