"""A training within a program that goes on afterwards: alone while it runs, and without a trace when it is over."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from regard.errors import ConfigError

_TRAINING = threading.Lock()


@contextmanager
def exclusive_training() -> Iterator[None]:
    """Lets one training at a time run in this process, and puts back what it changes for everybody in it.

    Number of threads, random numbers and environment variables belong to the whole process: a training sets the first,
    draws from the second, and would neither be repeatable nor as fast as it thinks beside another one.

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
    threads, environment = torch.get_num_threads(), dict(os.environ)
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        torch.set_num_threads(threads)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        _TRAINING.release()
