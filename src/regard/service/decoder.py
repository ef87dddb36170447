"""Decoding threads: each takes a batch, translates it, and takes the next one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import torch

from regard.search.engine import StepEngine
from regard.service.jobs import Batch
from regard.service.queue import FairQueue
from regard.translation.translator import Translator

_LOG = logging.getLogger("regard.service")
MAX_INTERRUPTION = 0.1
"""Seconds that short jobs may take between the steps of a long batch before it has run as long itself."""


LIGHT = 10_000_000
"""Parameters below which the steps of a model are so short that Python's lock limits them."""


def is_light(translator: Translator) -> bool:
    """Whether a model is so small that decoding two batches in parallel threads saves no time.

    Args:
        translator: The model's translator.

    Returns:
        True if the model has fewer than `LIGHT` parameters and is not an export for ONNX or CTranslate2: Python's lock,
        not arithmetic, then limits the speed.
    """
    sizes = [stored.manifest.num_parameters for stored in translator.models]
    return isinstance(translator.engine, StepEngine) and bool(sizes) and sum(sizes) < LIGHT


class _AbandonedError(Exception):
    """All clients of a batch have left."""


class Decoder:
    """Threads that translate the segments that wait in a queue.

    Each decoding thread computes on one core. Together they use all cores, because PyTorch releases Python's lock while
    it computes. Between the decoder steps of a batch of long texts, short texts that wait are decoded. When all clients
    of a batch have disconnected, decoding of the batch stops before its next step.

    Args:
        queue: Queue from which the threads take batches of segments.
        threads: Number of decoding threads; by default, PyTorch's number of threads.
        on_batch: Called after each batch, with the batch and the seconds that it took, for measurements.
    """

    def __init__(
        self,
        queue: FairQueue,
        *,
        threads: int | None = None,
        on_batch: Callable[[Batch, float], None] | None = None,
    ) -> None:
        self._queue = queue
        self._on_batch = on_batch
        self._threads = [
            threading.Thread(target=self._run, name=f"decoder-{number}", daemon=True)
            for number in range(threads or torch.get_num_threads())
        ]

    @property
    def num_threads(self) -> int:
        """Number of decoding threads."""
        return len(self._threads)

    @property
    def is_alive(self) -> bool:
        """Whether all decoding threads are running."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def is_any_alive(self) -> bool:
        """Whether at least one decoding thread is running."""
        return any(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> bool:
        """Waits until the decoding threads have ended; close the queue first, so that they end.

        Args:
            seconds: Longest time to wait, in seconds.

        Returns:
            Whether all threads have ended.
        """
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        torch.set_num_threads(1)  # of this thread only
        while (batch := self._queue.take()) is not None:
            self._decode(batch)

    def _decode(self, batch: Batch) -> float:
        """Translates a batch and delivers the results; returns the seconds that it took."""
        start = time.monotonic()
        self._translate_or_fail(batch)
        seconds = time.monotonic() - start
        self._queue.finished(batch, seconds)
        if self._on_batch is not None:
            self._on_batch(batch, seconds)
        return seconds

    def _translate_or_fail(self, batch: Batch) -> None:
        try:
            self._translate(batch)
        except _AbandonedError:
            _LOG.info("batch stopped: its clients have left", extra={"segments": batch.size})
        except Exception as error:
            self._fail(batch, error)

    def _translate(self, batch: Batch) -> None:
        parts = [(job, numbers) for job, numbers in batch.parts if job.is_open]
        if not parts:
            raise _AbandonedError
        first = parts[0][0]
        segments = [job.segments[number] for job, numbers in parts for number in numbers]
        translator = first.translator
        if isinstance(translator, Translator) and isinstance(translator.engine, StepEngine):
            translator = translator.with_engine(translator.engine.observed(self._before_step(batch)))
        translated = iter(translator.fill(segments, first.options))
        for job, numbers in parts:
            job.store(numbers, [next(translated) for _ in numbers])

    def _fail(self, batch: Batch, error: Exception) -> None:
        """Finds the segment that cannot be translated, so that only its job fails."""
        if len(batch.parts) == 1:
            ((job, _),) = batch.parts
            job.fail(error)
            return
        for part in batch.parts:
            self._translate_or_fail(Batch((part,), batch.is_short, batch.is_light, batch.cost))

    def _before_step(self, batch: Batch) -> Callable[[], None]:
        begin, interrupted = time.monotonic(), 0.0

        def before_step() -> None:
            nonlocal interrupted
            if not batch.is_wanted:
                raise _AbandonedError
            if batch.is_short or interrupted > max(MAX_INTERRUPTION, time.monotonic() - begin - interrupted):
                return
            start = time.monotonic()
            short = self._queue.take_short()
            if short is not None:
                self._decode(short)
            elif batch.is_light:
                self._queue.give_way(MAX_INTERRUPTION)
            interrupted += time.monotonic() - start

        return before_step
