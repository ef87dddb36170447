"""The service with stored models: texts in, the translator's own translations out, for many clients at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import regard
from regard.service.catalog import ModelEntry
from regard.service.errors import DeadlineError, ServiceError
from regard.service.forced import Forced
from regard.service.metrics import Metrics
from regard.service.requests import AUTO, StreamedSentence, TextRequest, TextResult
from regard.service.server import build_service
from regard.service.service import TranslationService
from regard.service.settings import ServiceSettings
from regard.translation.options import TranslateOptions
from regard.translation.result import Translation

MODELS = Path(__file__).parents[2] / "golden" / "models"
LINKED = TranslateOptions(alignment=True)
TEXT = "The cat sleeps. A dog runs in the garden.\n\n  We do not know where they are.\n"


@asynccontextmanager
async def running(settings: ServiceSettings | None = None) -> AsyncIterator[TranslationService]:
    entries = [
        ModelEntry("en", "fr", (MODELS / "transformer",)),
        ModelEntry("fr", "ko", (MODELS / "luong",)),
    ]
    service = build_service(entries, settings or ServiceSettings(), Metrics(), threads=2)
    service.start()
    try:
        yield service
    finally:
        await service.stop()


def run(work: Callable[[TranslationService], Awaitable[None]], settings: ServiceSettings | None = None) -> None:
    async def main() -> None:
        async with running(settings) as service:
            await asyncio.wait_for(work(service), 120)

    asyncio.run(main())


def request(*texts: str, source: str = "en", target: str = "fr", options: TranslateOptions = LINKED) -> TextRequest:
    return TextRequest(texts, source, target, options)


def test_texts_are_translated_sentence_by_sentence_and_keep_their_white_space() -> None:
    translator = regard.load(MODELS / "transformer")
    sentences = ["The cat sleeps.", "A dog runs in the garden.", "We do not know where they are."]
    first, second, third = (translation.text for translation in translator.translate(sentences))

    async def work(service: TranslationService) -> None:
        [result] = await service.translate(request(TEXT), client="a")
        assert result.text == f"{first} {second}\n\n  {third}\n"
        assert [sentence.source for sentence in result.sentences] == sentences
        assert (result.source, result.path, result.detected) == ("en", ("en", "fr"), None)

    run(work)


def test_many_clients_get_their_own_translations() -> None:
    lines = [f"The {animal} sleeps in the {place}." for animal in ("cat", "dog", "bird") for place in ("garden", "bed")]
    translator = regard.load(MODELS / "transformer")
    expected = [translation.text for translation in translator.translate(lines)]

    async def work(service: TranslationService) -> None:
        answers = await asyncio.gather(
            *(service.translate(request(line), client=f"client {n}") for n, line in enumerate(lines * 8))
        )
        assert [answer[0].text for answer in answers] == expected * 8

    run(work)


def test_a_pivot_joins_two_models_and_their_links() -> None:
    first = regard.load(MODELS / "transformer").translate("The cat sleeps.", alignment=True)[0]
    second = regard.load(MODELS / "luong").translate(first.text, alignment=True)[0]
    links = {(s, t) for s, between in first.alignment for other, t in second.alignment if other == between}

    async def work(service: TranslationService) -> None:
        [result] = await service.translate(request("The cat sleeps.", target="ko"), client="a")
        assert result.path == ("en", "fr", "ko")
        assert result.text == second.text
        assert result.sentences[0].alignment == tuple(sorted(links))
        assert result.sentences[0].source == "The cat sleeps."

    run(work)


def test_languages_are_detected_text_by_text() -> None:
    async def work(service: TranslationService) -> None:
        texts = ("The children are playing in the garden.", "Les enfants jouent dans le jardin.", "123")
        english, french, number = await service.translate(request(*texts, source=AUTO), client="a")
        assert english.detected is not None and english.detected.language == "en"
        assert english.path == ("en", "fr") and english.text != texts[0]
        assert french.detected is not None and french.detected.language == "fr"
        assert french.text == texts[1]  # it is in the target language already
        assert number.text == "123" and number.detected is not None and number.detected.confidence == 0

    run(work)


def test_a_stream_brings_sentences_in_order_and_then_the_whole() -> None:
    text = " ".join(f"The cat sleeps in garden {number}." for number in range(12))

    async def work(service: TranslationService) -> None:
        [whole] = await service.translate(request(text), client="a")
        start, *items, end = [item async for item in service.stream(request(text), client="a")]
        assert isinstance(start, TextResult) and (start.text, start.path) == ("", whole.path)
        sentences = [item for item in items if isinstance(item, StreamedSentence)]
        assert [item.index for item in sentences] == list(range(len(whole.sentences)))
        assert {item.total for item in sentences} == {len(whole.sentences)}
        assert [item.translation.text for item in sentences] == [sentence.text for sentence in whole.sentences]
        assert len(items) == len(sentences) and isinstance(end, TextResult) and end.text == whole.text

    run(work)


def test_a_stream_of_text_that_is_in_the_target_language_brings_it_back() -> None:
    text = "Il y a un chat dans le jardin et le chien dort dans la maison."

    async def work(service: TranslationService) -> None:
        items = [item async for item in service.stream(request(text, source="auto"), client="a")]
        assert [(item.text, item.path) for item in items if isinstance(item, TextResult)] == [
            ("", ("fr",)),
            (text, ("fr",)),
        ]

    run(work)


def test_cancelled_work_leaves_the_queue() -> None:
    async def work(service: TranslationService) -> None:
        document = "\n".join(["The cat sleeps in the garden and the dog runs."] * 3000)
        task = asyncio.ensure_future(service.translate(request(document), client="gone"))
        while not service.queue.num_waiting:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert service.queue.num_waiting == 0
        [result] = await service.translate(request("The cat sleeps."), client="other")
        assert result.text

    run(work)


def test_the_deadline_ends_a_request() -> None:
    async def work(service: TranslationService) -> None:
        document = "\n".join(["The cat sleeps in the garden and the dog runs."] * 3000)
        with pytest.raises(DeadlineError):
            await service.within_deadline(asyncio.ensure_future(service.translate(request(document), client="slow")))
        assert service.queue.num_waiting == 0

    run(work, ServiceSettings(deadline=0.3))


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [("de", "fr", "unsupported_language"), ("en", "de", "unsupported_language"), ("fr", "fr", "unavailable_direction")],
)
def test_impossible_directions_are_refused(source: str, target: str, code: str) -> None:
    async def work(service: TranslationService) -> None:
        with pytest.raises(ServiceError) as caught:
            await service.translate(request("The cat", source=source, target=target), client="a")
        assert caught.value.code == code

    run(work)


def test_alternatives_are_whole_texts_and_differ() -> None:
    async def work(service: TranslationService) -> None:
        options = TranslateOptions(n_best=4, alignment=True)
        [result] = await service.translate(request(TEXT, options=options), client="a")
        assert 1 <= len(result.alternatives) <= 3
        assert len({result.text, *result.alternatives}) == 1 + len(result.alternatives)
        assert all(text.count("\n") == TEXT.count("\n") for text in result.alternatives)

    run(work)


def test_given_translations_are_scored_once_and_in_order() -> None:
    pairs = [(f"The cat sleeps in garden {number}.", f"Le chat {number}.") for number in range(150)]
    translator = regard.load(MODELS / "transformer")
    expected = [scored.score for scored in translator.score([src for src, _ in pairs], [tgt for _, tgt in pairs])]

    async def work(service: TranslationService) -> None:
        calls: list[int] = []
        async with service.catalog.using(service.catalog.entries[0]) as loaded:
            score = loaded.score

            def counted(sources: list[str], targets: list[str]) -> list[Translation]:
                calls.append(len(sources))
                return score(sources, targets)

            loaded.score = counted  # type: ignore[method-assign, assignment]  # counts the calls
            results = await Forced(service).score("en", "fr", pairs, client="a")
        assert [result.score for result in results] == pytest.approx(expected, abs=1e-4)
        assert sum(calls) == len(pairs)

    run(work)


def test_without_a_model_requests_are_asked_to_come_back() -> None:
    async def work(service: TranslationService) -> None:
        service.catalog._entries.clear()
        assert not service.is_ready
        with pytest.raises(ServiceError) as caught:
            await service.translate(request("The cat"), client="a")
        assert (caught.value.status, caught.value.code) == (503, "no_model")

    run(work)
