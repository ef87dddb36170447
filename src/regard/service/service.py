"""The translation service: translates whole texts for many clients, by way of a queue that all clients share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial

from regard.service.catalog import ModelEntry
from regard.service.detection import DetectedLanguage, LanguageDetector
from regard.service.errors import ServiceError
from regard.service.glossaries import RequestedTerms
from regard.service.requests import (
    AUTO,
    StreamedSentence,
    TextRequest,
    TextResult,
    parse_text,
    render_texts,
    with_alignment,
)
from regard.service.sentences import SentenceService
from regard.text.languages import english_name
from regard.translation.documents import as_sentence
from regard.translation.glossary import Glossary
from regard.translation.markup.markup_document import Document
from regard.translation.options import TranslateOptions
from regard.translation.result import Translation

NO_MODEL_SECONDS = 10
"""Seconds after which a client may ask again while there is no model."""
FIRST_STREAMED = 2
"""Sentences of the first part of a stream; each further part has twice as many."""


class TranslationService(SentenceService):
    """Translates whole texts for many clients at once.

    The arguments are those of `SentenceService`: the models, limits, queue, decoding threads and glossaries.
    """

    @property
    def detector(self) -> LanguageDetector:
        """A detector of the language of a text, which chooses among the source languages of the current models."""
        return LanguageDetector(self.catalog.sources)

    async def translate(
        self, request: TextRequest, *, client: str, on_progress: Callable[[int, int], None] | None = None
    ) -> list[TextResult]:
        """Translates texts. If the calling task is cancelled, their decoding stops.

        Args:
            request: The texts.
            client: Id of the client that sent the request, such as its address; clients share decoding time equally.
            on_progress: Called with the number of segments translated so far, and the number of all segments.

        Returns:
            A result for each text, in order.

        Raises:
            ServiceError: There is no model for the languages, too much is waiting, or a text is refused.
            RegardError: An option or a text is invalid.
        """
        target = self.find_language(request.target, source=False)
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

    async def stream(self, request: TextRequest, *, client: str) -> AsyncIterator[TextResult | StreamedSentence]:
        """Translates one text in parts, so that its first sentences are available early.

        Args:
            request: The text.
            client: Id of the client that sent the request, such as its address; clients share decoding time equally.

        Yields:
            First a `TextResult` with the languages, but without text; then a `StreamedSentence` for each sentence, in
            order; last a `TextResult` with the whole text, but without sentences.

        Raises:
            ServiceError: There is no model for the languages, too much is waiting, or the text is refused.
            RegardError: An option or the text is invalid.
        """
        target = self.find_language(request.target, source=False)
        ((source, detected),) = await self._sources(request)
        if source == target and request.source == AUTO:
            yield TextResult("", (), source, (source,), detected)
            yield TextResult(request.texts[0], (), source, (source,), detected)
            return
        entries = self.models_for(source, target)
        start = TextResult("", (), source, (source, *(entry.target for entry in entries)), detected)
        yield start
        (document,) = await self._parsed(request, entries, client)
        options = self._with_terms(with_alignment(request.options, [document]), request.terms, entries)
        sentences, size = document.sentences, FIRST_STREAMED
        results: list[Translation] = []
        while len(results) < len(sentences):
            part = sentences[len(results) : len(results) + size]
            for result in await self.translate_sentences(entries, part, options, client=client):
                yield StreamedSentence(len(results), len(sentences), result, options.glossary)
                results.append(result)
            size *= 2
        text = await self.compute(lambda: document.render([as_sentence(result) for result in results]), request.texts)
        yield replace(start, text=text)

    def models_for(self, source: str, target: str) -> tuple[ModelEntry, ...]:
        """The models that translate from one language to another, directly or through a third language.

        Args:
            source: Canonical code of the source language.
            target: Canonical code of the target language.

        Returns:
            One model; or two, of which the second translates the output of the first, if no single model translates
            between the languages.

        Raises:
            ServiceError: No model and no pair of models translates between the languages.
        """
        entries = self.catalog.path(source, target)
        if not entries:
            raise ServiceError(
                f"{english_name(target)} ({target}) is not available as a target language from "
                f"{english_name(source)} ({source})",
                code="unavailable_direction",
            )
        return entries

    def require_model(self) -> None:
        """Checks that the service has a model.

        A service that was started without a model first trains a small one for demonstration, and has none until then.

        Raises:
            ServiceError: The service has no model yet (status 503).
        """
        if not self.catalog.entries:
            raise ServiceError(
                "no model is ready yet; try again later", status=503, code="no_model", retry_after=NO_MODEL_SECONDS
            )

    def languages_for(self, source: str | None, target: str | None) -> tuple[str, str]:
        """Source and target language of a request, either of which the request may leave out.

        Args:
            source: Code of the source language, in any spelling; None if not given.
            target: Code of the target language, in any spelling; None if not given.

        Returns:
            Canonical codes of source and target. A language that was not given is taken from the only model that fits.

        Raises:
            ServiceError: A language is not available, or several directions are possible.
        """
        self.require_model()
        source_code = None if source is None else self.find_language(source, source=True)
        target_code = None if target is None else self.find_language(target, source=False)
        found = [
            entry
            for entry in self.catalog.entries
            if source_code in (None, entry.source) and target_code in (None, entry.target)
        ]
        if source_code is not None and target_code is not None:
            return source_code, target_code
        if len(found) != 1:
            names = ", ".join(entry.name for entry in self.catalog.entries)
            raise ServiceError(
                f"Invalid request: {len(found)} models fit the given languages, so the direction is unclear: set both "
                f"source and target; the models are {names}",
                code="which_direction",
            )
        return found[0].source, found[0].target

    async def _sources(self, request: TextRequest) -> list[tuple[str, DetectedLanguage | None]]:
        """Source language of each text, with what was detected."""
        if request.source != AUTO:
            return [(self.find_language(request.source, source=True), None)] * len(request.texts)

        def detect() -> list[DetectedLanguage]:
            return [self.detector.rank(text)[0] for text in request.texts]

        return [(language.language, language) for language in await self.compute(detect, request.texts)]

    def find_language(self, code: str, *, source: bool) -> str:
        """Finds the language of the service's models that a given language code refers to.

        Args:
            code: Language code in any spelling that `canonical` accepts, such as `PT_br`.
            source: Whether to search the source languages (True) or the target languages of the models.

        Returns:
            Canonical code of the language.

        Raises:
            ServiceError: There is no such language, or no model yet.
        """
        self.require_model()
        found = self.catalog.find_language(code, source=source)
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
        documents = await self._parsed(request, entries, client)
        options = self._with_terms(with_alignment(request.options, documents), request.terms, entries)
        sentences = [sentence for document in documents for sentence in document.sentences]
        prefixes = list(request.prefixes) if request.prefixes else None
        translations = await self.translate_sentences(
            entries, sentences, options, client=client, prefixes=prefixes, on_progress=on_progress
        )
        path = (source, *(entry.target for entry in entries))
        translator = self.catalog.loaded(entries[0]) if len(entries) == 1 else None
        readout = None if translator is None else translator.readout
        results = await self.compute(lambda: render_texts(documents, translations), request.texts)
        return [
            TextResult(text, own, source, path, alternatives=others, readout=readout, glossary=options.glossary)
            for text, own, others in results
        ]

    async def _parsed(self, request: TextRequest, entries: Sequence[ModelEntry], client: str) -> list[Document]:
        markup = await self.markup_for(request.markup, entries, request.texts, client=client)
        request = replace(request, markup=markup)

        def parsed() -> list[Document]:
            return [parse_text(text, request) for text in request.texts]

        if markup.keep is not None:  # a pattern may take up to a second, also in a short text
            return await asyncio.to_thread(parsed)
        return await self.compute(parsed, request.texts)

    def _with_terms(
        self, options: TranslateOptions, terms: RequestedTerms, entries: Sequence[ModelEntry]
    ) -> TranslateOptions:
        if not terms:
            return options
        return replace(options, glossary=self.glossary_for(terms, entries), terms_in_source=terms.in_source)

    def glossary_for(self, terms: RequestedTerms, entries: Sequence[ModelEntry]) -> Glossary | None:
        """Returns the glossary that a request asks for.

        Args:
            terms: Terms of the request: the name of a glossary, or terms that came with the request.
            entries: The model that translates, or the two models of a translation through a third language.

        Returns:
            The glossary; None if the request asks for no terms.

        Raises:
            ServiceError: There is no such glossary, or terms are requested for a translation with two models.
        """
        if terms and len(entries) > 1:
            raise ServiceError(
                f"Invalid request: no single model translates from {entries[0].source} to {entries[-1].target}, but "
                f"only a single model can use glossary terms: send one request from {entries[0].source} to "
                f"{entries[0].target}, and another from {entries[0].target} to {entries[-1].target}",
                code="unavailable_direction",
            )
        if terms.name is not None:
            return self.glossaries.get(terms.name, (entries[0].source, entries[0].target))
        return terms.inline
