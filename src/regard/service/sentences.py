"""Translates sentences for many clients, by way of a queue that all clients share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from regard.service.catalog import Catalog, ModelEntry
from regard.service.decoder import Decoder, is_light
from regard.service.errors import DeadlineError
from regard.service.glossaries import Glossaries
from regard.service.jobs import Job, SegmentTranslator
from regard.service.markup_choices import CANDIDATES
from regard.service.queue import FairQueue
from regard.service.settings import ServiceSettings
from regard.text.normalize import normalize
from regard.translation.documents import STAND_IN_LINES, STAND_IN_OPTIONS, copied_stand_ins
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.placeholders import may_contain_placeholders
from regard.translation.markup.stand_ins import NO_STAND_INS, StandIns
from regard.translation.options import TranslateOptions
from regard.translation.result import Translation, join_lines
from regard.translation.translator import Translator
from regard.values import Links

ResultT = TypeVar("ResultT")
INLINE = 2_000
"""Characters of a text that is short enough to be split and joined between other requests, without a thread."""

PER_TEXT = 20
"""Characters that take as long as what is done once for each text."""


class SentenceService:
    """Translates sentences for many clients at once.

    Args:
        catalog: The models.
        settings: Limits of the service.
        queue: The queue of segments.
        decoder: The threads that take segments from the queue.
        glossaries: Named glossaries; None = none.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        settings: ServiceSettings,
        queue: FairQueue,
        decoder: Decoder,
        glossaries: Glossaries | None = None,
    ) -> None:
        self.glossaries = glossaries or Glossaries()
        self.catalog, self.settings, self.queue, self.decoder = catalog, settings, queue, decoder
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="text")
        self._stand_ins: dict[tuple[ModelEntry, ...], StandIns] = {}

    def start(self) -> None:
        """Starts the decoding threads."""
        self.decoder.start()

    async def stop(self) -> None:
        """Accepts no more text, finishes what was accepted, and ends the decoding threads."""
        self.queue.close()
        await asyncio.get_running_loop().run_in_executor(None, self.decoder.join, self.settings.deadline)
        self._workers.shutdown(wait=False, cancel_futures=True)

    @property
    def is_decoding(self) -> bool:
        """Whether at least one decoding thread is running."""
        return self.decoder.is_any_alive

    @property
    def is_ready(self) -> bool:
        """Whether texts are accepted and translated."""
        return self.decoder.is_alive and not self.queue.is_closed and bool(self.catalog.entries)

    async def within_deadline(self, work: asyncio.Future[ResultT]) -> ResultT:
        """Waits for a task, at most as long as a request may take (the setting `deadline`).

        Args:
            work: The task, which is cancelled when the time is over.

        Returns:
            The result of the task.

        Raises:
            DeadlineError: The task was not finished in time.
        """
        try:
            return await asyncio.wait_for(work, self.settings.deadline)
        except asyncio.TimeoutError:
            raise DeadlineError(self.settings.deadline) from None

    async def compute(self, function: Callable[[], ResultT], texts: Sequence[str]) -> ResultT:
        """Runs a function that processes texts; long texts in a thread, so that the event loop is not blocked.

        Args:
            function: Function to call without arguments.
            texts: The texts on which the function works; only their lengths are used.

        Returns:
            The result of the function.
        """
        if sum(len(text) + PER_TEXT for text in texts) <= INLINE:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self._workers, function)

    async def translate_sentences(
        self,
        entries: Sequence[ModelEntry],
        sentences: Sequence[str],
        options: TranslateOptions,
        *,
        client: str,
        prefixes: Sequence[str] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[Translation]:
        """Translates sentences with one model, or with two of which the second translates the output of the first.

        Args:
            entries: The model, or the two models in order.
            sentences: The sentences.
            options: Options of the translation. The first of two models uses only the beam size and whether word
                alignments are needed.
            client: Id of the client that sent the request; clients share decoding time equally.
            prefixes: Text with which the translation of each sentence must begin; None = none.
            on_progress: Called with the number of segments translated so far, and the number of all segments.

        Returns:
            A translation of each sentence. After translation through a third language, source and target words are
            linked if both are linked to the same word of the third language, and there is no attention.

        Raises:
            ServiceError: Too much is waiting, or a model cannot be loaded.
            RegardError: An option is invalid.
        """
        *before, last = entries
        lines = list(sentences)
        links: list[Links] = [()] * len(sentences)
        for entry in before:
            plain = TranslateOptions(alignment=options.need_alignment, beam=options.beam)
            between = await self._decode(entry, lines, plain, client, None, on_progress)
            lines, links = [result.text for result in between], [result.alignment for result in between]
        results = await self._decode(last, lines, options, client, prefixes, on_progress)
        if not before:
            return results
        return [
            _through(sentence, first, result) for sentence, first, result in zip(sentences, links, results, strict=True)
        ]

    async def markup_for(
        self, markup: MarkupOptions, entries: Sequence[ModelEntry], texts: Sequence[str], *, client: str
    ) -> MarkupOptions:
        """Chooses the names and numbers that models read in place of placeholders such as `{name}`.

        Only names and numbers that the models copy into their translations are suitable. They are found by test
        translations when a request first needs them.

        Args:
            markup: Markup options of the request. They are changed only if their `stand_ins` are `CANDIDATES`.
            entries: The models that translate.
            texts: The texts of the request, to see whether any contains a placeholder.
            client: Id of the client that sent the request.

        Returns:
            The options with the suitable names and numbers, or with none if no text contains a placeholder.

        Raises:
            ServiceError: Too much is waiting, or a model cannot be loaded.
        """
        if markup.stand_ins is not CANDIDATES:
            return markup
        if not any(may_contain_placeholders(text, markup.keep) for text in texts):
            return replace(markup, stand_ins=NO_STAND_INS)
        models = tuple(entries)
        if models not in self._stand_ins:
            results = await self.translate_sentences(models, STAND_IN_LINES, STAND_IN_OPTIONS, client=client)
            self._stand_ins[models] = copied_stand_ins([result.text for result in results])
        return replace(markup, stand_ins=self._stand_ins[models])

    async def _decode(
        self,
        entry: ModelEntry,
        lines: Sequence[str],
        options: TranslateOptions,
        client: str,
        prefixes: Sequence[str] | None,
        on_progress: Callable[[int, int], None] | None,
    ) -> list[Translation]:
        if not lines:
            return []
        async with self.catalog.using(entry) as translator:
            if translator.languages.tag_ids:
                options = replace(options, to=entry.target, source=entry.source)
            job = await self.run(
                translator, translator, lines, options, client=client, prefixes=prefixes, on_progress=on_progress
            )
        normalized = [normalize(line) for line in lines]
        return await self.compute(
            lambda: join_lines(normalized, job.segments, many=options.num_translations > 1), lines
        )

    async def run(
        self,
        worker: SegmentTranslator,
        translator: Translator,
        lines: Sequence[str],
        options: TranslateOptions,
        *,
        client: str,
        prefixes: Sequence[str] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Job:
        """Queues the segments of lines and waits until all are processed; if cancelled, removes waiting segments.

        Args:
            worker: Object whose method `fill` a decoding thread calls with segments; usually `translator`.
            translator: The model's translator, which splits the lines into segments.
            lines: Lines of source text.
            options: Options of the translation.
            client: Id of the client that sent the request; clients share decoding time equally.
            prefixes: Text with which the translation of each line must begin; None = none.
            on_progress: Called with the number of segments done so far, and the number of all segments.

        Returns:
            The finished job.

        Raises:
            ServiceError: Too much is waiting, or the service is shutting down.
            RegardError: The work failed.
        """
        loop, finished = asyncio.get_running_loop(), asyncio.Event()
        segments = await self.compute(lambda: translator.split(lines, prefixes=prefixes), lines)

        def progress(done: int) -> None:
            if on_progress is not None:
                on_progress(done, len(segments))
            if done == len(segments) or job.error is not None:
                finished.set()

        def report(done: int) -> None:
            loop.call_soon_threadsafe(progress, done)

        job = Job(
            segments,
            translator=worker,
            options=options,
            client=client,
            on_progress=report,
            is_light=is_light(translator),
        )
        self.queue.put(job)
        try:
            if segments:
                await finished.wait()
        finally:
            job.is_cancelled = not finished.is_set()
            self.queue.discard(job)
        if job.error is not None:
            raise job.error
        return job


def _through(source: str, first: Links, second: Translation) -> Translation:
    """A translation through a third language, linked to the words of the source."""
    links: dict[int, list[int]] = {}
    for src, between in first:
        links.setdefault(between, []).append(src)
    alignment = sorted({(src, tgt) for between, tgt in second.alignment for src in links.get(between, ())})
    return replace(second, source=normalize(source), alignment=tuple(alignment), attention=None)
