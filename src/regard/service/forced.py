"""Scores given translations, and finds alternatives for the next word, in the queue that all requests share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from regard.service.errors import ServiceError
from regard.service.service import TranslationService
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment, Translation
from regard.translation.translator import Translator

CHUNK = 16
"""Pairs that are scored at once, so that other requests come between."""


class _Call:
    """Stands in for a translator in a job: a decoding thread calls a function once instead of translating segments.

    Args:
        function: Function to call, such as one that scores translations.

    Attributes:
        results: What the function returned; empty before it was called.
    """

    def __init__(self, function: Callable[[], list[Translation]]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._is_done = False
        self.results: list[Translation] = []

    def fill(self, segments: Sequence[Segment], options: TranslateOptions) -> list[Segment]:
        """Calls the function given to the constructor, and stores what it returns in `results`.

        Later calls, for further batches of the same job, do nothing.

        Args:
            segments: Segments of the job. They are not translated; from their lengths, the queue only estimates how
                long the function takes.
            options: Not used.

        Returns:
            The segments, unchanged, as the interface of translators requires.
        """
        with self._lock:
            if not self._is_done:
                self.results, self._is_done = self._function(), True
        return list(segments)


class Forced:
    """Scores given translations and finds alternatives for the next word, in the queue that all requests share.

    Args:
        service: The service whose models and queue are used.
    """

    def __init__(self, service: TranslationService) -> None:
        self._service = service

    async def score(
        self, source: str, target: str, pairs: Sequence[tuple[str, str]], *, client: str
    ) -> list[Translation]:
        """Scores given translations.

        Args:
            source: Code of the source language.
            target: Code of the target language.
            pairs: Source sentences, each with its translation.
            client: Id of the client that sent the request; clients share decoding time equally.

        Returns:
            The translations with scores, alignment and attention.

        Raises:
            ServiceError: No single model translates from `source` to `target`, or too much is waiting.
        """
        chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
        scored = await asyncio.gather(*(self._score_chunk(source, target, chunk, client) for chunk in chunks))
        return [translation for translations in scored for translation in translations]

    async def alternatives(
        self, source: str, target: str, text: str, prefix: str, *, count: int, client: str
    ) -> list[Translation]:
        """Finds alternatives for the word that follows the beginning of a translation.

        Args:
            source: Code of the source language.
            target: Code of the target language.
            text: The source sentence.
            prefix: The beginning of the translation.
            count: Number of alternatives to find.
            client: Id of the client that sent the request; clients share decoding time equally.

        Returns:
            Whole translations that begin with the prefix and differ in the next word, the most probable first.

        Raises:
            ServiceError: No single model translates from `source` to `target`, or too much is waiting.
        """
        return await self._run(
            source,
            target,
            [text] * count,
            client,
            lambda translator: translator.alternatives(text, prefix, count=count),
        )

    async def _score_chunk(
        self, source: str, target: str, pairs: Sequence[tuple[str, str]], client: str
    ) -> list[Translation]:
        sources, targets = [src for src, _ in pairs], [tgt for _, tgt in pairs]
        return await self._run(source, target, sources, client, lambda translator: translator.score(sources, targets))

    async def _run(
        self,
        source: str,
        target: str,
        lines: Sequence[str],
        client: str,
        function: Callable[[Translator], list[Translation]],
    ) -> list[Translation]:
        entries = self._service.models_for(source, target)
        if len(entries) > 1:
            raise ServiceError(
                f"no single model translates from {source} to {target}, but only a single model can score translations "
                f"or find alternatives: send one request from {source} to {entries[0].target}, and another from "
                f"{entries[0].target} to {target}",
                code="unavailable_direction",
            )
        async with self._service.catalog.using(entries[0]) as translator:
            own = translator.for_target(target, source) if translator.languages.tag_ids else translator
            call = _Call(lambda: function(own))
            await self._service.run(call, translator, lines, TranslateOptions(), client=client)
            return call.results
