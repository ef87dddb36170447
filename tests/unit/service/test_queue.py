"""The queue is fair to clients, bounded, and fills batches with what is alike."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from service_jobs import MakeJob

from regard.service.errors import QueueFullError, StoppedError
from regard.service.jobs import SHORT_JOB, SORTED_SEGMENTS, Batch
from regard.service.queue import MAX_PADDED, MAX_SEGMENTS, FairQueue

LONG = SHORT_JOB // 10


def names(batch: Batch | None) -> list[str]:
    assert batch is not None
    return [job.segments[number].source.text for job, numbers in batch.parts for number in numbers]


def test_a_batch_takes_what_waits(make_job: MakeJob) -> None:
    queue = FairQueue()
    for client in ("a", "b", "c"):
        queue.put(make_job(client, [3, 3]))
    assert sorted(names(queue.take())) == ["a:0", "a:1", "b:0", "b:1", "c:0", "c:1"]
    assert queue.num_waiting == 0


def test_a_batch_has_one_set_of_options(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("a", [3], beam=1))
    queue.put(make_job("b", [3], beam=5))
    assert [names(queue.take()), names(queue.take())] == [["a:0"], ["b:0"]]


def test_a_batch_is_bounded_by_segments_and_padded_tokens(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("a", [4] * 100))
    assert len(names(queue.take())) == MAX_SEGMENTS
    queue = FairQueue()
    queue.put(make_job("a", [499] * 100, beam=5))
    batch = queue.take()
    assert batch is not None
    assert batch.size * 500 * 5 <= MAX_PADDED < (batch.size + 1) * 500 * 5


def test_a_segment_longer_than_a_batch_is_taken_alone(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("a", [MAX_PADDED + 5, 1]))
    assert sorted([len(names(queue.take())), len(names(queue.take()))]) == [1, 1]


def test_segments_of_similar_length_come_together(make_job: MakeJob) -> None:
    lengths = [5 + 90 * (number % 2) for number in range(2 * MAX_SEGMENTS)]
    queue = FairQueue()
    queue.put(make_job("a", lengths))
    for _ in range(2):
        batch = queue.take()
        assert batch is not None
        assert len({len(job.segments[n].source.ids) for job, numbers in batch.parts for n in numbers}) == 1


def test_jobs_of_a_client_are_merged_by_length(make_job: MakeJob) -> None:
    queue = FairQueue()
    for _ in range(4):
        queue.put(make_job("a", [10 + number % 16 for number in range(MAX_SEGMENTS)]))
    for _ in range(4):
        batch = queue.take()
        assert batch is not None and batch.size == MAX_SEGMENTS
        lengths = [len(job.segments[n].source.ids) for job, numbers in batch.parts for n in numbers]
        assert max(lengths) - min(lengths) <= 3


def test_the_oldest_job_advances_however_much_its_client_sends(make_job: MakeJob) -> None:
    queue = FairQueue()
    oldest = make_job("a", [20] * 30)
    queue.put(oldest)
    for number in range(30):
        queue.put(make_job("a", [19 + number % 3] * 100))
        batch = queue.take()
        assert batch is not None and oldest in [job for job, _ in batch.parts]
        if not oldest.waiting:
            return
    pytest.fail(f"{len(oldest.waiting)} segments of the oldest job still wait")


def test_windows_of_a_long_job_are_taken_in_order(make_job: MakeJob) -> None:
    queue = FairQueue()
    job = make_job("a", [5 + number % 7 for number in range(SORTED_SEGMENTS + 500)])
    queue.put(job)
    queue.put(make_job("a", [9] * 300))
    taken: list[int] = []
    while job.waiting:
        batch = queue.take()
        assert batch is not None
        taken += [number for part, numbers in batch.parts if part is job for number in numbers]
    assert sorted(taken) == list(range(SORTED_SEGMENTS + 500))
    assert max(taken[: SORTED_SEGMENTS - MAX_SEGMENTS]) < SORTED_SEGMENTS


def test_clients_with_long_jobs_share_the_time_equally(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("many", [LONG] * 1000))
    queue.put(make_job("few", [LONG] * 300))
    queue.put(make_job("costly", [2 * LONG] * 300))
    served: Counter[str] = Counter()
    for _ in range(9):
        batch = queue.take()
        assert batch is not None
        for job, numbers in batch.parts:
            served[job.client] += sum(job.costs[number] for number in numbers)
    batch_cost = MAX_SEGMENTS * (2 * LONG + 1)
    assert max(served.values()) - min(served[client] for client in ("many", "few", "costly")) <= batch_cost


def test_a_new_client_does_not_catch_up_on_the_past(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("old", [LONG] * 1000))
    for _ in range(8):
        queue.take()
    queue.put(make_job("new", [LONG] * 1000))
    first = {names(queue.take())[0].split(":")[0] for _ in range(2)}
    assert first == {"old", "new"}


def test_short_jobs_are_taken_between_steps_and_do_not_mix_with_long_ones(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("long", [LONG] * 50))
    assert queue.take_short() is None
    queue.put(make_job("short", [3, 3]))
    queue.put(make_job("other", [5]))
    assert sorted(names(queue.take_short())) == ["other:0", "short:0", "short:1"]
    assert queue.take_short() is None
    assert len(names(queue.take())) == 50


def test_long_jobs_are_not_starved_by_short_ones(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("long", [LONG] * 50))
    for number in range(100):
        queue.put(make_job(f"client{number}", [50] * 2))
        batch = queue.take()
        assert batch is not None
        if not batch.is_short:
            return
    pytest.fail("the long job was never taken")


def test_idle_threads_share_what_waits(make_job: MakeJob) -> None:
    queue = FairQueue()
    taken: list[Batch | None] = []
    threads = [threading.Thread(target=lambda: taken.append(queue.take())) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while queue.num_idle < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    queue.put(make_job("a", [3] * 20))
    for thread in threads:
        thread.join(20)
    assert sorted(len(names(batch)) for batch in taken) == [10, 10]


def test_too_much_is_refused_with_the_time_to_wait(make_job: MakeJob) -> None:
    queue = FairQueue(max_waiting=100)
    queue.put(make_job("a", [200]))  # nothing waits, so it is accepted
    with pytest.raises(QueueFullError) as caught:
        queue.put(make_job("b", [1]))
    assert caught.value.status == 429
    assert caught.value.retry_after is not None and caught.value.retry_after >= 1
    queue.take()
    queue.put(make_job("b", [1]))


def test_one_client_leaves_room_for_others(make_job: MakeJob) -> None:
    queue = FairQueue(max_waiting=100)
    for _ in range(5):  # of ten tokens each, half of the queue
        queue.put(make_job("greedy", [9]))
    with pytest.raises(QueueFullError):
        queue.put(make_job("greedy", [9]))
    queue.put(make_job("other", [9]))
    queue.put(make_job("other", [9]))
    queue.put(make_job("third", [9]))
    with pytest.raises(QueueFullError):
        queue.put(make_job("greedy", [9]))


def test_what_was_taken_or_discarded_no_longer_counts_for_the_client(make_job: MakeJob) -> None:
    queue = FairQueue(max_waiting=100)
    for _ in range(3):
        first, second = make_job("a", [24]), make_job("a", [24])
        queue.put(first)
        queue.put(second)
        with pytest.raises(QueueFullError):
            queue.put(make_job("a", [24]))
        queue.discard(first)
        assert names(queue.take()) == ["a:0"]


def test_a_job_without_segments_is_not_queued(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("a", []))
    queue.close()
    assert queue.take() is None


def test_discarded_segments_are_not_taken(make_job: MakeJob) -> None:
    queue = FairQueue()
    gone, stays = make_job("gone", [LONG] * 200), make_job("stays", [LONG] * 20)
    queue.put(gone)
    queue.put(stays)
    queue.take()
    queue.discard(gone)
    queue.discard(gone)
    assert queue.num_waiting == sum(len(stays.segments[n].source.ids) + 1 for n in stays.waiting)
    queue.close()
    left = []
    while (batch := queue.take()) is not None:
        left += names(batch)
    assert {name.split(":")[0] for name in left} <= {"stays"}


def test_a_closed_queue_gives_what_waits_and_accepts_no_more(make_job: MakeJob) -> None:
    queue = FairQueue()
    queue.put(make_job("a", [3]))
    queue.close()
    with pytest.raises(StoppedError):
        queue.put(make_job("b", [3]))
    assert names(queue.take()) == ["a:0"]
    assert queue.take() is None


def test_short_jobs_of_a_light_model_are_decoded_by_one_thread_at_a_time(make_job: MakeJob) -> None:
    queue = FairQueue()
    light, other, long = make_job("a", [3] * 40), make_job("b", [3]), make_job("c", [LONG] * 20)
    for job in (light, other, long):
        job.is_light = True
    queue.put(light)
    first = queue.take()
    assert len(names(first)) == 40
    queue.put(other)
    queue.put(long)
    assert queue.take_short() is None
    assert names(queue.take())[0].startswith("c:")
    assert first is not None
    queue.finished(first, 0.1)
    assert names(queue.take_short()) == ["b:0"]


def test_a_long_batch_of_a_light_model_gives_way_to_short_jobs(make_job: MakeJob) -> None:
    queue = FairQueue()
    job = make_job("a", [3])
    job.is_light = True
    queue.put(job)
    batch = queue.take_short()
    assert batch is not None
    waiting = threading.Thread(target=queue.give_way, args=(600.0,), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    queue.give_way(0.001)  # no longer than that
    queue.finished(batch, 0.1)
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_job_keeps_its_first_error(make_job: MakeJob) -> None:
    reports: list[int] = []
    job = make_job("a", [3], on_progress=reports.append)
    first = ValueError("first")
    job.fail(first)
    job.fail(ValueError("second"))
    assert job.error is first
    assert reports == [0]
