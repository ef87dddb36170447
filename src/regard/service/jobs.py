"""Jobs: the segments of one request for one model, with their results."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from regard.translation.options import TranslateOptions
from regard.translation.result import Segment

SHORT_JOB = 512
"""Most source tokens of a short job, which does not wait for long ones."""
SORTED_SEGMENTS = 1000
"""Segments of a long job that are sorted by length at once, so that batches have little padding."""


class SegmentTranslator(Protocol):
    """What decoding threads need of a translator, such as a `regard.Translator`: the method `fill`."""

    def fill(self, segments: Sequence[Segment], options: TranslateOptions) -> list[Segment]:
        """Translates segments that were tokenized before. See `Translator.fill`.

        Args:
            segments: Segments of source text, without translations.
            options: Options of the translation.

        Returns:
            The segments in the same order, with their translations.
        """
        ...


class Job:
    """The segments (sentences or parts of them) of one request that one model translates.

    Args:
        segments: Untranslated segments, in the order of the text.
        translator: The model's translator.
        options: Options of the translation.
        client: Id of the client that sent the request; clients share decoding time equally.
        on_progress: Called with the number of segments translated so far, from a decoding thread, after each batch and
            when the job has failed.
        is_light: Whether the model is so small that Python's global lock limits its speed, so that decoding two batches
            in parallel saves no time.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        *,
        translator: SegmentTranslator,
        options: TranslateOptions,
        client: str,
        on_progress: Callable[[int], None],
        is_light: bool = False,
    ) -> None:
        self.translator, self.options, self.client, self.is_light = translator, options, client, is_light
        self.segments: list[Segment] = list(segments)
        self.error: BaseException | None = None
        self.is_cancelled = False
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._num_done = 0
        self._lengths = [len(segment.source.ids) + 1 for segment in self.segments]
        copies = max(options.beam or options.n_best, options.num_translations)
        self.costs = [length * copies for length in self._lengths]
        self.num_tokens = sum(self._lengths)
        self.is_short = self.num_tokens <= SHORT_JOB
        self.waiting = _decoding_order(self._lengths)

    @property
    def is_open(self) -> bool:
        """Whether a client still waits for the results."""
        return not self.is_cancelled and self.error is None

    def tokens_of(self, numbers: Iterable[int]) -> int:
        """Counts the source tokens of segments, with an eos for each segment.

        Args:
            numbers: Indices of the segments in `segments`.

        Returns:
            The total number of source tokens of these segments.
        """
        return sum(self._lengths[number] for number in numbers)

    def next_cost(self, most: int | None = None) -> int:
        """Returns the decoding cost of the segment that `take(most)` would remove from the waiting segments.

        The text is divided into windows of `SORTED_SEGMENTS` consecutive segments. The current window is the first one
        with waiting segments; from it, `take` chooses the costliest segment whose cost is allowed.

        Args:
            most: Largest allowed cost of the segment; None = any.

        Returns:
            Number of source tokens of the segment times its number of hypotheses; 0 if no segment of the current window
            costs at most `most`, or none waits.
        """
        if not self.waiting:
            return 0
        place = len(self.waiting) - 1 if most is None else self._place(most)
        return 0 if place is None else self.costs[self.waiting[place]]

    def take(self, most: int) -> int:
        """Removes the costliest waiting segment of the current window whose cost is at most `most`.

        The text is divided into windows of `SORTED_SEGMENTS` consecutive segments. The current window is the first one
        with waiting segments; at least one of these must cost at most `most`, so `next_cost(most)` must not be 0.

        Args:
            most: Largest allowed cost of the segment, in source tokens times hypotheses.

        Returns:
            Index of the segment in `segments`.
        """
        place = self._place(most)
        assert place is not None
        return self.waiting.pop(place)

    def _place(self, most: int) -> int | None:
        """Index in `waiting` of the costliest segment of the current window with at most a given cost; None = none."""
        window_end = (self.waiting[-1] // SORTED_SEGMENTS + 1) * SORTED_SEGMENTS
        start = max(0, len(self.segments) - window_end)  # `waiting` begins with the last window of the text
        place = bisect_right(self.waiting, most, lo=start, key=self.costs.__getitem__) - 1
        return place if place >= start else None

    def store(self, numbers: Sequence[int], translated: Sequence[Segment]) -> None:
        """Stores translated segments and reports the progress.

        Args:
            numbers: Indices in `segments` of the translated segments.
            translated: The translated segments, in the order of `numbers`.
        """
        with self._lock:
            for number, segment in zip(numbers, translated, strict=True):
                self.segments[number] = segment
            self._num_done += len(numbers)
            done = self._num_done
        self._on_progress(done)

    def fail(self, error: BaseException) -> None:
        """Ends the job with an error. If it has already failed, the first error stays and this call does nothing.

        Args:
            error: The exception with which the job failed.
        """
        with self._lock:
            if self.error is not None:
                return
            self.error = error
        self._on_progress(self._num_done)


@dataclass(frozen=True, slots=True)
class Batch:
    """Segments that are decoded together: of one model, with the same options.

    Attributes:
        parts: Each job with the indices of its segments that are in the batch.
        is_short: Whether the segments are from short jobs, of at most `SHORT_JOB` source tokens.
        is_light: Whether the model is so small that Python's lock, not arithmetic, limits its speed; see `Job`.
        cost: Measure of the work: source tokens of each segment times its number of hypotheses (beam or samples), added
            up.
    """

    parts: tuple[tuple[Job, tuple[int, ...]], ...]
    is_short: bool
    is_light: bool
    cost: int

    @property
    def is_wanted(self) -> bool:
        """Whether a client still waits for the results of any job in the batch."""
        return any(job.is_open for job, _ in self.parts)

    @property
    def size(self) -> int:
        """Number of segments."""
        return sum(len(numbers) for _, numbers in self.parts)


def _decoding_order(lengths: Sequence[int]) -> list[int]:
    """Numbers of the segments, the next one to decode last: windows in order, sorted by length within each."""
    order: list[int] = []
    for first in range(0, len(lengths), SORTED_SEGMENTS):
        window = range(first, min(first + SORTED_SEGMENTS, len(lengths)))
        order += sorted(window, key=lambda number: -lengths[number])
    return order[::-1]
