"""The queue of the service: shared equally among clients, and bounded.

Each client has a line for short jobs and one for long jobs. A batch starts with the line that has been served least so
far, measured in source tokens of all hypotheses, and is filled up from other lines of the same kind, model and options.
So a client with a long document gets no more time than a client with one sentence. A batch is decoded at once, even if
it is not full.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace

from regard.service.errors import QueueFullError, StoppedError
from regard.service.jobs import Batch, Job

MAX_SEGMENTS, MAX_PADDED = 64, 20_000
"""Limits of a batch: segments, and padded source tokens of all hypotheses."""
MAX_WAITING = 1_000_000
"""Source tokens that may wait by default."""
MAX_MERGED = 8
"""Jobs of one client whose segments are merged by length."""
_RATE_MEMORY = 0.9
# Weight of the past in the measured decoding rate.


@dataclass(eq=False)
class _Line:
    """The jobs of one client, either the short or the long ones.

    Attributes:
        is_short: Whether these are short jobs.
        served: Cost of the segments that were decoded so far, counted from that of the least served line at its start.
        jobs: Jobs with segments that wait, oldest first.
        num_waiting: Source tokens that wait.
    """

    is_short: bool
    served: float
    jobs: deque[Job] = field(default_factory=deque)
    num_waiting: int = 0


class FairQueue:
    """Queue of segments for the decoding threads, which shares decoding time equally among clients.

    Each client has one line for its short jobs (at most `SHORT_JOB` source tokens) and one for its long jobs. The next
    batch starts with the line whose segments have taken the least work so far, in source tokens of all hypotheses. When
    too much waits, `put` refuses the job.

    Args:
        max_waiting: Maximum number of source tokens that wait. A job is refused if its tokens and the waiting tokens of
            its client together are more than the free room: `max_waiting` minus the waiting tokens of all clients. So
            a client alone that sends many small jobs fills about half of the queue, and leaves room for others. If
            nothing waits, a job of any length is accepted.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._changed = threading.Condition()
        self._lines: dict[tuple[str, bool], _Line] = {}
        self._num_waiting = 0
        self._idle = 0
        self._light_running = 0
        self._is_closed = False
        self._rate = 1000.0

    @property
    def num_waiting(self) -> int:
        """Number of source tokens of all segments that wait."""
        return self._num_waiting

    @property
    def num_idle(self) -> int:
        """Number of decoding threads that wait for a batch."""
        return self._idle

    @property
    def is_closed(self) -> bool:
        """Whether no more jobs are accepted."""
        return self._is_closed

    @property
    def seconds_waiting(self) -> float:
        """Estimated time, in seconds, to decode all segments that wait."""
        return self._num_waiting / self._rate

    def put(self, job: Job) -> None:
        """Adds a job.

        Args:
            job: The job; a job without segments is ignored.

        Raises:
            QueueFullError: Too many source tokens are waiting, of all clients or of the job's client.
            StoppedError: The queue is closed.
        """
        with self._changed:
            if self._is_closed:
                raise StoppedError
            if self._num_waiting and self._waiting_of(job.client) + job.num_tokens > self._num_free:
                raise QueueFullError(self.seconds_waiting)
            if not job.waiting:
                return
            key = (job.client, job.is_short)
            if key not in self._lines:
                self._lines[key] = _Line(job.is_short, self._least_served())
            self._lines[key].jobs.append(job)
            self._count(self._lines[key], job.num_tokens)
            self._changed.notify_all()  # those who give way to short jobs wait for the same condition

    def discard(self, job: Job) -> None:
        """Removes the segments of a job that still wait.

        Args:
            job: The job.
        """
        with self._changed:
            line = self._lines.get((job.client, job.is_short))
            if line is not None and job in line.jobs:
                line.jobs.remove(job)
                self._count(line, -job.tokens_of(job.waiting))
                job.waiting.clear()
                self._forget_empty()

    def take(self) -> Batch | None:
        """Waits until segments can be decoded, and removes a batch of them from the queue.

        Returns:
            The batch; None when the queue is closed and empty.
        """
        with self._changed:
            self._idle += 1
            try:
                while not (lines := self._available()):
                    if self._is_closed and not self._lines:
                        return None
                    self._changed.wait()
                return self._fill(min(lines, key=lambda line: line.served))
            finally:
                self._idle -= 1

    def take_short(self) -> Batch | None:
        """Takes a batch of short jobs without waiting, to be decoded between the steps of a long batch.

        Returns:
            The batch; None if no short job can be decoded now.
        """
        if not any(line.is_short for line in tuple(self._lines.values())):  # without the lock: called at each step
            return None
        with self._changed:
            lines = [line for line in self._available() if line.is_short]
            return self._fill(min(lines, key=lambda line: line.served)) if lines else None

    def give_way(self, seconds: float) -> None:
        """Waits while another thread decodes short jobs of a light model.

        A light model is so small that Python's lock, not arithmetic, limits its speed. So a thread that decodes a long
        batch of a light model calls this before each step, to leave the lock to the short jobs.

        Args:
            seconds: Longest time to wait, in seconds.
        """
        if self._light_running:  # without the lock: called at each step
            with self._changed:
                self._changed.wait_for(lambda: not self._light_running, seconds)

    def finished(self, batch: Batch, seconds: float) -> None:
        """Records that a batch was decoded; to be called by the decoding thread.

        Args:
            batch: Batch that `take` or `take_short` returned.
            seconds: Time to decode the batch, in seconds, from which the decoding rate is estimated.
        """
        if batch.is_short and batch.is_light:
            with self._changed:
                self._light_running -= 1
                self._changed.notify_all()
        tokens = sum(job.tokens_of(numbers) for job, numbers in batch.parts)
        self._rate = _RATE_MEMORY * self._rate + (1.0 - _RATE_MEMORY) * tokens / max(seconds, 1e-6)

    def close(self) -> None:
        """Refuses new jobs from now on; jobs that wait are still decoded."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def _num_free(self) -> int:
        return self._max_waiting - self._num_waiting

    def _waiting_of(self, client: str) -> int:
        lines = (self._lines.get((client, is_short)) for is_short in (True, False))
        return sum(line.num_waiting for line in lines if line is not None)

    def _count(self, line: _Line, tokens: int) -> None:
        line.num_waiting += tokens
        self._num_waiting += tokens

    def _least_served(self) -> float:
        return min((line.served for line in self._lines.values()), default=0.0)

    def _available(self) -> list[_Line]:
        """Lines whose first job may be decoded now.

        Short jobs of light models are decoded in one thread at a time, unless there are enough for a full batch.
        """
        if not self._light_running:
            return list(self._lines.values())
        light = [line for line in self._lines.values() if line.is_short and line.jobs[0].is_light]
        if sum(len(job.waiting) for line in light for job in line.jobs) >= MAX_SEGMENTS:
            return list(self._lines.values())
        return [line for line in self._lines.values() if line not in light]

    def _fill(self, first: _Line) -> Batch:
        """A batch that starts with a line, and leaves other idle threads their part of what waits."""
        alike = [line for line in self._lines.values() if line.is_short == first.is_short and line is not first]
        lines = [first, *sorted(alike, key=lambda line: line.served)]
        start = first.jobs[0]
        jobs_by_line = [[job for job in line.jobs if _is_alike(job, start)] for line in lines]
        limit = MAX_SEGMENTS
        if not start.is_light:
            num_waiting = sum(len(job.waiting) for jobs in jobs_by_line for job in jobs)
            limit = min(limit, -(-num_waiting // max(1, self._idle)))
        parts = _taken(jobs_by_line, limit)
        self._charge(parts)
        cost = sum(job.costs[number] for job, numbers in parts for number in numbers)
        self._light_running += first.is_short and start.is_light
        return Batch(parts, first.is_short, start.is_light, cost)

    def _charge(self, parts: tuple[tuple[Job, tuple[int, ...]], ...]) -> None:
        for job, numbers in parts:
            line = self._lines[job.client, job.is_short]
            line.served += sum(job.costs[number] for number in numbers)
            self._count(line, -job.tokens_of(numbers))
            if not job.waiting:
                line.jobs.remove(job)
        self._forget_empty()

    def _forget_empty(self) -> None:
        for key in [key for key, line in self._lines.items() if not line.jobs]:
            del self._lines[key]


def _is_alike(job: Job, other: Job) -> bool:
    return job.translator is other.translator and job.options == other.options


@dataclass(eq=False)
class _OpenBatch:
    """A batch that is being filled.

    Attributes:
        limit: Most segments.
        numbers: Numbers of the segments taken from each job.
        rows: Number of segments.
        longest: Highest cost of a segment.
    """

    limit: int
    numbers: dict[Job, list[int]] = field(default_factory=dict)
    rows: int = 0
    longest: int = 0

    def has_room(self, cost: int) -> bool:
        """Whether a segment of this cost can be added; the first one always can."""
        longest = max(self.longest, cost)
        return not self.rows or (self.rows < self.limit and (self.rows + 1) * longest <= MAX_PADDED)

    def fill(self, jobs: Sequence[Job]) -> None:
        """Takes the longest segment of the first job, then the next shorter ones of all jobs, while there is room.

        The more alike the lengths in a batch are, the less time it takes; the first job advances with every batch.
        """
        most = jobs[0].next_cost()
        costs = [(-job.next_cost(most), order) for order, job in enumerate(jobs)]
        heapify(costs)
        while costs and costs[0][0] and self.has_room(-costs[0][0]):
            cost, job = -costs[0][0], jobs[costs[0][1]]
            self.numbers.setdefault(job, []).append(job.take(cost))
            self.rows, self.longest = self.rows + 1, max(self.longest, cost)
            heapreplace(costs, (-job.next_cost(cost), costs[0][1]))


def _taken(jobs_by_line: Iterable[Sequence[Job]], limit: int) -> tuple[tuple[Job, tuple[int, ...]], ...]:
    """Takes segments of jobs that can be decoded together; each line gives as many as fit."""
    batch = _OpenBatch(limit)
    for jobs in jobs_by_line:
        for group in (jobs[:MAX_MERGED], *([job] for job in jobs)):
            if not batch.has_room(1):
                break
            if group and group[0].waiting:
                batch.fill(group)
    return tuple((job, tuple(numbers)) for job, numbers in batch.numbers.items())
