"""Decoding threads: results, errors, clients that leave, and short jobs between the steps of long ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from random_translators import ENGLISH, FRENCH, random_model
from service_jobs import EchoTranslator, MakeJob

from regard.errors import SearchError
from regard.service.decoder import Decoder
from regard.service.forced import _Call
from regard.service.jobs import SHORT_JOB, Job
from regard.service.queue import FairQueue
from regard.text.subword import Subword
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment, Translation, join_lines
from regard.translation.translator import Translator

WAIT = 60.0


@contextmanager
def running(queue: FairQueue, threads: int = 1) -> Iterator[Decoder]:
    decoder = Decoder(queue, threads=threads)
    decoder.start()
    try:
        yield decoder
    finally:
        queue.close()
        assert decoder.join(WAIT)


class Watch:
    """Waits until a job has made progress, or is finished."""

    def __init__(self) -> None:
        self.done = 0
        self.changed = threading.Condition()

    def __call__(self, done: int) -> None:
        with self.changed:
            self.done = done
            self.changed.notify_all()

    def wait(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.done >= count, WAIT)


@pytest.fixture(scope="module")
def translator() -> Translator:
    """A small random Transformer."""
    subword = Subword.train((ENGLISH + FRENCH) * 5, vocab_size=320)
    return Translator.of([random_model("learned", subword)])


def job_of(translator: Translator, lines: Sequence[str], client: str, watch: Watch) -> Job:
    return Job(
        translator.split(lines), translator=translator, options=TranslateOptions(), client=client, on_progress=watch
    )


def test_results_are_those_of_the_translator(translator: Translator) -> None:
    lines, queue, watch = [*ENGLISH, "", "the dog sleeps"], FairQueue(), Watch()
    job = job_of(translator, lines, "a", watch)
    with running(queue, threads=2):
        queue.put(job)
        watch.wait(len(job.segments))
    expected = [translation.text for translation in translator.translate(lines)]
    assert [translation.text for translation in join_lines(lines, job.segments)] == expected


def test_a_short_job_is_decoded_between_the_steps_of_a_long_one(translator: Translator) -> None:
    queue, long_watch, short_watch = FairQueue(), Watch(), Watch()
    order: list[str] = []
    long = job_of(translator, ENGLISH * 100, "long", long_watch)
    assert not long.is_short
    short = job_of(translator, ["the dog"], "short", short_watch)

    class Recording(Decoder):
        def _decode(self, batch: object) -> float:
            seconds = super()._decode(batch)  # type: ignore[arg-type] # a Batch
            order.append(next(iter(batch.parts))[0].client)  # type: ignore[attr-defined] # a Batch
            return seconds

    first_steps = threading.Event()
    decoder = Recording(queue, threads=1)
    original = decoder._before_step

    def before_step(batch: object) -> object:
        hook = original(batch)  # type: ignore[arg-type] # a Batch

        def step() -> None:
            if not first_steps.is_set():
                first_steps.set()
                queue.put(short)
            hook()

        return step

    decoder._before_step = before_step  # type: ignore[method-assign, assignment] # puts the short job at the first step
    decoder.start()
    queue.put(long)
    short_watch.wait(1)
    long_watch.wait(len(long.segments))
    queue.close()
    assert decoder.join(WAIT)
    assert order[0] == "short" and order.count("long") >= 2
    assert join_lines(["the dog"], short.segments)[0].text == translator.translate("the dog")[0].text


def test_an_abandoned_batch_stops_at_the_next_step(translator: Translator) -> None:
    queue, watch = FairQueue(), Watch()
    job = job_of(translator, ENGLISH * 100, "gone", watch)
    decoder = Decoder(queue, threads=1)
    original, steps = decoder._before_step, []

    def before_step(batch: object) -> object:
        hook = original(batch)  # type: ignore[arg-type] # a Batch

        def step() -> None:
            steps.append(1)
            if len(steps) == 2:
                job.is_cancelled = True
                queue.discard(job)
            hook()

        return step

    decoder._before_step = before_step  # type: ignore[method-assign, assignment] # the client leaves at the second step
    decoder.start()
    queue.put(job)
    queue.close()
    assert decoder.join(WAIT)
    assert len(steps) == 2
    assert all(not segment.found for segment in job.segments)


class Failing(EchoTranslator):
    """Cannot translate one text."""

    def fill(self, segments: Sequence[Segment], options: TranslateOptions) -> list[Segment]:
        if any("bad" in segment.source.text for segment in segments):
            raise SearchError("logits are not finite")
        return super().fill(segments, options)


def test_an_error_ends_only_the_job_that_has_it(make_job: MakeJob) -> None:
    queue, translator = FairQueue(), Failing()
    jobs = {}
    for client in ("good", "bad", "fine"):
        jobs[client] = make_job(client, [3], on_progress=Watch())
        jobs[client].translator = translator
        queue.put(jobs[client])
    queue.close()
    decoder = Decoder(queue, threads=1)
    decoder.start()
    assert decoder.join(WAIT)
    assert isinstance(jobs["bad"].error, SearchError)
    assert [jobs[client].error for client in ("good", "fine")] == [None, None]
    assert jobs["good"].segments[0].found[0].text == "GOOD:0"


def test_the_threads_survive_an_internal_error(make_job: MakeJob) -> None:
    class Broken(EchoTranslator):
        def fill(self, segments: Sequence[Segment], options: TranslateOptions) -> list[Segment]:
            raise ZeroDivisionError

    queue, watch = FairQueue(), Watch()
    broken, good = make_job("broken", [3]), make_job("good", [3], on_progress=watch)
    broken.translator = Broken()
    with running(queue) as decoder:
        queue.put(broken)
        queue.put(good)
        watch.wait(1)
        assert decoder.is_alive
    assert isinstance(broken.error, ZeroDivisionError)


def test_long_means_more_tokens_than_a_sentence(make_job: MakeJob) -> None:
    assert make_job("a", [SHORT_JOB - 1]).is_short
    assert not make_job("a", [SHORT_JOB]).is_short


def test_a_batch_that_no_client_wants_any_more_is_not_translated(make_job: MakeJob, echo: EchoTranslator) -> None:
    queue = FairQueue()
    job = make_job("a", [3])
    queue.put(job)
    batch = queue.take()
    assert batch is not None
    job.is_cancelled = True
    Decoder(queue, threads=1)._decode(batch)
    assert echo.batches == []
    assert job.error is None


def test_a_function_in_the_queue_is_called_once_for_all_batches_of_its_job() -> None:
    calls: list[int] = []

    def function() -> list[Translation]:
        calls.append(1)
        return [Translation("a", "b", 0.0)]

    call = _Call(function)
    for _ in range(2):
        call.fill([], TranslateOptions())
    assert (len(calls), len(call.results)) == (1, 1)
