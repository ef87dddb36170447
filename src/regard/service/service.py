"""The translation service: texts in, translations out, by way of a queue that all clients share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from regard.alignment.readout import Readout
from regard.markup.document import Document, parse
from regard.markup.sentence import TranslatedSentence
from regard.service.catalog import Catalog, ModelEntry
from regard.service.decoder import Decoder, is_light
from regard.service.detection import DetectedLanguage, LanguageDetector
from regard.service.errors import DeadlineError, ServiceError
from regard.service.jobs import Job, SegmentTranslator
from regard.service.queue import FairQueue
from regard.service.settings import ServiceSettings
from regard.text.languages import english_name
from regard.text.normalize import normalize
from regard.translation.options import TranslateOptions
from regard.translation.result import Translation, join_lines
from regard.translation.translator import Translator
from regard.values import Links

ResultT = TypeVar("ResultT")
AUTO = "auto"
"""Source language that stands for the detected one."""
INLINE = 2_000
"""Characters of a text that is short enough to be split and joined between other requests, without a thread."""
NO_MODEL_SECONDS = 10
"""Seconds after which a client may ask again while there is no model."""
PER_TEXT = 20
"""Characters that take as long as what is done once for each text."""
FIRST_STREAMED = 2
"""Sentences of the first part of a stream; each further part has twice as many."""


@dataclass(frozen=True, slots=True)
class TextRequest:
    """Texts to translate.

    Attributes:
        texts: The texts, each of any length.
        source: Code of the source language; `auto` detects it for each text.
        target: Code of the target language.
        options: Options of the translation.
        format: `text`, `html` or `xml`.
        prefixes: For each text, the beginning of its translation; such a text counts as one sentence. Empty = none.
    """

    texts: tuple[str, ...]
    source: str
    target: str
    options: TranslateOptions
    format: str = "text"
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextResult:
    """A translated text.

    Attributes:
        text: The translation, with all markup and white space of the text.
        sentences: The translation of each sentence.
        source: Code of the source language.
        path: Codes of the languages from source to target; three if it was translated through a third one.
        detected: The detected language; None if the source language was given.
        alternatives: Other translations of the whole text, best first.
        readout: The attention from which word alignments were read; None after a translation through another language.
    """

    text: str
    sentences: tuple[Translation, ...]
    source: str
    path: tuple[str, ...]
    detected: DetectedLanguage | None = None
    alternatives: tuple[str, ...] = ()
    readout: Readout | None = None


class TranslationService:
    """Translates texts for many clients at once.

    Args:
        catalog: The models.
        settings: Limits.
        decoder: The decoding threads.
        queue: The queue that they take work from.
    """

    def __init__(self, catalog: Catalog, *, settings: ServiceSettings, queue: FairQueue, decoder: Decoder) -> None:
        self.catalog, self.settings, self.queue, self.decoder = catalog, settings, queue, decoder
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="text")

    @property
    def detector(self) -> LanguageDetector:
        """Ranks the source languages of the models that there are now."""
        return LanguageDetector(self.catalog.sources)

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
        """Whether a decoding thread runs."""
        return self.decoder.is_any_alive

    @property
    def is_ready(self) -> bool:
        """Whether texts are accepted and translated."""
        return self.decoder.is_alive and not self.queue.is_closed and bool(self.catalog.entries)

    async def translate(
        self, request: TextRequest, *, client: str, on_progress: Callable[[int, int], None] | None = None
    ) -> list[TextResult]:
        """Translates texts. If the task is cancelled, the work that it waits for stops.

        Args:
            request: The texts.
            client: Whom it is for, such as an address: clients share the service's time equally.
            on_progress: Called with the number of segments translated, and with that of all.

        Returns:
            A result for each text, in order.

        Raises:
            ServiceError: There is no model for the languages, too much is waiting, or a text is refused.
            RegardError: An option or a text is invalid.
        """
        target = self._target(request.target)
        detected = await self._sources(request)
        by_source: dict[str, list[int]] = {}
        for number, (source, _) in enumerate(detected):
            by_source.setdefault(source, []).append(number)
        results: dict[int, TextResult] = {}
        for source, numbers in by_source.items():
            part = replace(
                request,
                texts=tuple(request.texts[number] for number in numbers),
                prefixes=tuple(request.prefixes[number] for number in numbers) if request.prefixes else (),
            )
            unchanged = source == target and request.source == AUTO
            translate = self._unchanged if unchanged else partial(self._translate, on_progress=on_progress)
            for number, result in zip(numbers, await translate(part, source, target, client), strict=True):
                results[number] = replace(result, detected=detected[number][1])
        return [results[number] for number in range(len(request.texts))]

    async def stream(self, request: TextRequest, *, client: str) -> AsyncIterator[tuple[int, int, Translation | str]]:
        """Translates one text in parts, so that its first sentences come early.

        Args:
            request: The text.
            client: Whom it is for.

        Yields:
            Number of the sentence, number of all sentences, and the sentence's translation, in order; at last the
            number of all sentences, twice, and the whole text.

        Raises:
            ServiceError: As in `translate`.
            RegardError: As in `translate`.
        """
        target = self._target(request.target)
        ((source, _),) = await self._sources(request)
        entries = self.models_for(source, target)
        document = await self.compute(lambda: _parse(request.texts[0], request), request.texts)
        options = _with_alignment(request.options, [document])
        sentences, done, size = document.sentences, 0, FIRST_STREAMED
        results: list[Translation] = []
        while done < len(sentences):
            part = sentences[done : done + size]
            for result in await self.translate_sentences(entries, part, options, client=client):
                results.append(result)
                yield done, len(sentences), result
                done += 1
            size *= 2
        text = await self.compute(lambda: document.render([_sentence(result) for result in results]), request.texts)
        yield done, done, text

    async def within_deadline(self, work: asyncio.Future[ResultT]) -> ResultT:
        """Waits for work, at most as long as a request may take.

        Args:
            work: A task; it is cancelled when the time is over.

        Returns:
            Its result.

        Raises:
            DeadlineError: It took too long.
        """
        try:
            return await asyncio.wait_for(work, self.settings.deadline)
        except asyncio.TimeoutError:
            raise DeadlineError(self.settings.deadline) from None

    async def compute(self, function: Callable[[], ResultT], texts: Sequence[str]) -> ResultT:
        """Runs a function on texts: in a thread if they are long, so that the event loop stays free.

        Args:
            function: The function.
            texts: The texts that it works on.

        Returns:
            Its result.
        """
        if sum(len(text) + PER_TEXT for text in texts) <= INLINE:
            return function()
        return await asyncio.get_running_loop().run_in_executor(self._workers, function)

    def models_for(self, source: str, target: str) -> tuple[ModelEntry, ...]:
        """The models that translate from one language to another.

        Args:
            source: Canonical code.
            target: Canonical code.

        Returns:
            One model, or two.

        Raises:
            ServiceError: There are none.
        """
        entries = self.catalog.path(source, target)
        if not entries:
            raise ServiceError(
                f"{english_name(target)} ({target}) is not available as a target language from "
                f"{english_name(source)} ({source})",
                code="unavailable_direction",
            )
        return entries

    def languages_for(self, source: str | None, target: str | None) -> tuple[str, str]:
        """The direction that a request means if it leaves a language open.

        Args:
            source: Code of the source language, in any spelling; None if not given.
            target: Code of the target language; None if not given.

        Returns:
            Canonical codes of both.

        Raises:
            ServiceError: A language is not available, or several directions are possible.
        """
        wanted_source = None if source is None else self._source(source)
        wanted_target = None if target is None else self._target(target)
        found = [
            entry
            for entry in self.catalog.entries
            if wanted_source in (None, entry.source) and wanted_target in (None, entry.target)
        ]
        if wanted_source is not None and wanted_target is not None:
            return wanted_source, wanted_target
        if len(found) != 1:
            names = ", ".join(entry.name for entry in self.catalog.entries)
            raise ServiceError(
                f"Invalid request: name source and target; the models are {names}", code="which_direction"
            )
        return found[0].source, found[0].target

    async def _sources(self, request: TextRequest) -> list[tuple[str, DetectedLanguage | None]]:
        """Source language of each text, with what was detected."""
        if request.source != AUTO:
            return [(self._source(request.source), None)] * len(request.texts)

        def detect() -> list[DetectedLanguage]:
            return [self.detector.rank(text)[0] for text in request.texts]

        if not self.catalog.sources:
            raise ServiceError(
                "no model is ready yet; try again later", status=503, code="no_model", retry_after=NO_MODEL_SECONDS
            )
        return [(language.language, language) for language in await self.compute(detect, request.texts)]

    def _source(self, code: str) -> str:
        found = self.catalog.find_language(code, source=True)
        if found is None:
            raise ServiceError(f"{code} is not supported", code="unsupported_language")
        return found

    def _target(self, code: str) -> str:
        found = self.catalog.find_language(code, source=False)
        if found is None:
            raise ServiceError(f"{code} is not supported", code="unsupported_language")
        return found

    async def _unchanged(self, request: TextRequest, source: str, target: str, client: str) -> list[TextResult]:
        return [TextResult(text, (), source, (source,)) for text in request.texts]

    async def _translate(
        self,
        request: TextRequest,
        source: str,
        target: str,
        client: str,
        *,
        on_progress: Callable[[int, int], None] | None,
    ) -> list[TextResult]:
        entries = self.models_for(source, target)
        documents = await self.compute(lambda: [_parse(text, request) for text in request.texts], request.texts)
        options = _with_alignment(request.options, documents)
        sentences = [sentence for document in documents for sentence in document.sentences]
        prefixes = list(request.prefixes) if request.prefixes else None
        translations = await self.translate_sentences(
            entries, sentences, options, client=client, prefixes=prefixes, on_progress=on_progress
        )
        path = (source, *(entry.target for entry in entries))
        translator = self.catalog.loaded(entries[0]) if len(entries) == 1 else None
        readout = None if translator is None else translator.readout
        results = await self.compute(lambda: _rendered(documents, translations), request.texts)
        return [
            TextResult(text, own, source, path, alternatives=others, readout=readout) for text, own, others in results
        ]

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
        """Translates sentences with one model, or with two in a row.

        Args:
            entries: The models from source to target.
            sentences: The sentences.
            options: Options of the translation; the first of two models finds one translation of each sentence only.
            client: Whom it is for.
            prefixes: Beginnings of the translations.
            on_progress: As in `translate`.

        Returns:
            A translation of each sentence. Through a third language, words are linked that have a word there in common,
            and there is no attention.

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
        """Queues work on lines and waits until all of it is done. If the task is cancelled, the work stops.

        Args:
            worker: Does the work in a decoding thread; a translator, or what stands in for one.
            translator: The model's translator, which splits the lines into segments.
            lines: The lines.
            options: Options of the translation.
            client: Whom it is for.
            prefixes: Beginnings of the translations.
            on_progress: Called with the number of segments that are done, and with that of all.

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


@dataclass(frozen=True, slots=True)
class _OneSentence:
    """A text that is translated as one sentence.

    Attributes:
        sentences: The text.
    """

    sentences: tuple[str, ...]

    @property
    def needs_alignment(self) -> bool:
        """There is no markup."""
        return False

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """See `Document.render`."""
        return translations[0].text


def _with_alignment(options: TranslateOptions, documents: Sequence[Document]) -> TranslateOptions:
    """The options, with word alignments if they place markup or placeholders."""
    if options.alignment or not any(document.needs_alignment for document in documents):
        return options
    return replace(options, alignment=True)


def _parse(text: str, request: TextRequest) -> Document:
    if request.prefixes:
        return _OneSentence((text,))
    return parse(text, request.format)


def _rendered(
    documents: Sequence[Document], translations: Sequence[Translation]
) -> list[tuple[str, tuple[Translation, ...], tuple[str, ...]]]:
    """Text, sentences and alternatives of each document."""
    results, first = [], 0
    for document in documents:
        own = tuple(translations[first : first + len(document.sentences)])
        first += len(own)
        text = document.render([_sentence(translation) for translation in own])
        results.append((text, own, _alternatives(document, own, text)))
    return results


def _sentence(translation: Translation) -> TranslatedSentence:
    """A translation for rendering; where the model found none, the sentence itself."""
    text = translation.text or translation.source
    return TranslatedSentence(translation.source, text, translation.alignment)


def _alternatives(document: Document, translations: Sequence[Translation], best: str) -> tuple[str, ...]:
    """Whole texts of the second best translations of all sentences, of the third best, and so on."""
    ranks = max((len(translation.n_best) for translation in translations), default=0)
    texts = []
    for rank in range(1, ranks):
        chosen = [
            translation.n_best[min(rank, len(translation.n_best) - 1)] if translation.n_best else translation
            for translation in translations
        ]
        texts.append(document.render([_sentence(translation) for translation in chosen]))
    return tuple(text for text in dict.fromkeys(texts) if text != best)


def _through(source: str, first: Links, second: Translation) -> Translation:
    """A translation through a third language, linked to the words of the source."""
    links: dict[int, list[int]] = {}
    for src, between in first:
        links.setdefault(between, []).append(src)
    alignment = sorted({(src, tgt) for between, tgt in second.alignment for src in links.get(between, ())})
    return replace(second, source=normalize(source), alignment=tuple(alignment), attention=None)
