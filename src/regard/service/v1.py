"""Routes under `/v1`: translations with scores, word alignments and attention, described by OpenAPI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from regard.alignment.readout import Readout
from regard.errors import RegardError, ShapeError
from regard.inspection.compact import compact_record
from regard.service import v1_models as models
from regard.service import v1_resources as resources
from regard.service.access import Access
from regard.service.disconnect import while_connected
from regard.service.errors import ServiceError
from regard.service.forced import Forced
from regard.service.glossaries import NO_TERMS, RequestedTerms, inline_glossary, unknown_glossary
from regard.service.markup_choices import requested_markup
from regard.service.requests import AUTO, StreamedSentence, TextRequest, TextResult
from regard.service.service import TranslationService
from regard.service.texts import check_texts, check_unicode, num_texts
from regard.translation.glossary import Glossary, GlossaryEntry
from regard.translation.glossary_files import parse_entry
from regard.translation.options import Changes, TranslateOptions
from regard.translation.result import Translation
from regard.translation.term_use import term_uses

ItemT = TypeVar("ItemT")
_ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": models.ErrorAnswer, "description": description}
    for status, description in {
        400: "The request is invalid.",
        403: "The API key is unknown.",
        404: "There is no such language, or no model for these languages.",
        409: "Parts of the request do not fit together, or do not fit the model.",
        413: "The body is too large.",
        422: "The request does not have this form.",
        429: "Too many requests, or too much text is waiting.",
        503: "The service is too busy, or shutting down.",
    }.items()
}


def routes(service: TranslationService, access: Access) -> APIRouter:
    """Makes the HTTP routes under `/v1`: to translate, stream, score and align texts, and to find alternatives.

    Args:
        service: The service that translates.
        access: Checks the API key and the rate limit of each request.

    Returns:
        A router for the application.
    """
    router = APIRouter(prefix="/v1", tags=["v1"], responses=_ERRORS)
    _add_translations(router, service, access)
    _add_given_translations(router, service, access)
    _add_alternatives(router, service, access)

    @router.get("/models")
    async def all_models() -> resources.ModelsAnswer:
        """The models of the service."""
        return resources.ModelsAnswer(
            models=[_model(service, number) for number in range(len(service.catalog.entries))],
            glossaries=list(service.glossaries.names),
        )

    return router


def _add_translations(router: APIRouter, service: TranslationService, access: Access) -> None:
    @router.post("/translate", response_model=models.TranslateAnswer)
    async def translate(request: Request, body: models.TranslateRequest) -> Response:
        """Translate texts, with scores, word alignments and attention on request."""
        client = access.admit(request, body.api_key, cost=num_texts(body.text))
        _check_glossary(request, body, access)
        text_request = _text_request(body, service)
        results = await while_connected(request, service, service.translate(text_request, client=client))
        return await _written(lambda: _translate_answer(results, body), text_request.texts, service)

    @router.post("/stream", responses={200: {"content": {"text/event-stream": {}}}}, response_class=StreamingResponse)
    async def stream(request: Request, body: models.StreamRequest) -> StreamingResponse:
        """Translate a long text, and send its sentences one by one as server-sent events."""
        client = access.admit(request, body.api_key)
        _check_glossary(request, body, access)
        text_request = _text_request(body, service)
        events = _events(service, text_request, client, body.attention)
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _add_given_translations(router: APIRouter, service: TranslationService, access: Access) -> None:
    forced = Forced(service)

    @router.post("/score", response_model=models.ScoreAnswer)
    async def score(request: Request, body: models.ScoreRequest) -> Response:
        """Score given translations word by word, with their alignment and attention."""
        client = access.admit(request, body.api_key, cost=num_texts(body.text))
        pairs = _pairs(body.text, body.translation, service)
        source, target = service.languages_for(body.source, body.target)
        work = forced.score(source, target, pairs, client=client)
        scored = await while_connected(request, service, work)

        def answer() -> models.ScoreAnswer:
            return models.ScoreAnswer(
                source=source,
                target=target,
                translations=[
                    models.TranslatedText(text=result.text, sentences=[_sentence(result, body.attention)])
                    for result in scored
                ],
            )

        return await _written(answer, [text for text, _ in pairs], service)

    @router.post("/align")
    async def align(request: Request, body: models.AlignRequest) -> models.AlignAnswer:
        """Link the words of sentence pairs."""
        client = access.admit(request, body.api_key, cost=num_texts(body.text))
        pairs = _pairs(body.text, body.translation, service)
        source, target = service.languages_for(body.source, body.target)
        work = forced.score(source, target, pairs, client=client)
        scored = await while_connected(request, service, work)
        return models.AlignAnswer(
            source=source,
            target=target,
            alignments=[
                models.Alignment(
                    source_words=result.source.split(), words=result.text.split(), links=list(result.alignment)
                )
                for result in scored
            ],
        )


def _add_alternatives(router: APIRouter, service: TranslationService, access: Access) -> None:
    forced = Forced(service)

    @router.post("/alternatives")
    async def alternatives(request: Request, body: models.AlternativesRequest) -> models.AlternativesAnswer:
        """Other words for a place in a translation, each with the rest of the sentence."""
        client = access.admit(request, body.api_key)
        (text,) = check_texts(body.text, service.settings, name="text")
        prefix = check_texts(body.prefix, service.settings, name="prefix")[0] if body.prefix else ""
        source, target = service.languages_for(body.source, body.target)
        work = forced.alternatives(source, target, text, prefix, count=body.count, client=client)
        found = await while_connected(request, service, work)
        position = len(prefix.split())
        return models.AlternativesAnswer(
            source=source,
            target=target,
            alternatives=[
                models.Alternative(word=_word(result.text, position), text=result.text, score=result.score)
                for result in found
            ],
        )


async def _written(answer: Callable[[], BaseModel], texts: Sequence[str], service: TranslationService) -> Response:
    """An answer as JSON; that to long texts is written in a thread, so that the event loop stays free."""
    content = await service.compute(lambda: answer().model_dump_json(), texts)
    return Response(content, media_type="application/json")


def _translate_answer(results: Sequence[TextResult], body: models.TranslateRequest) -> models.TranslateAnswer:
    return models.TranslateAnswer(
        source=results[0].source,
        target=results[0].path[-1],
        path=list(results[0].path),
        detected=_detected(results) if results[0].detected is not None else None,
        translations=[_translated(result, body.attention) for result in results],
    )


def _text_request(body: models.TranslateRequest | models.StreamRequest, service: TranslationService) -> TextRequest:
    texts = check_texts(body.text, service.settings, name="text")
    prefix = body.prefix if isinstance(body, models.TranslateRequest) else None
    prefixes = () if prefix is None else _prefixes(prefix, len(texts))
    _check_at_most("beam", body.beam, service.settings.beam_limit)
    _check_at_most("n_best", body.n_best, 1 + service.settings.alternatives_limit)
    if body.sample is not None:
        _check_at_most("sample.num_samples", body.sample.num_samples, 1 + service.settings.alternatives_limit)
    source = body.source
    if source == AUTO and body.target is not None:
        target = body.target
    else:
        source, target = service.languages_for(None if source == AUTO else source, body.target)
    fields: Changes = {
        "beam": body.beam,
        "n_best": body.n_best,
        "attention": body.attention is not False,
        "alignment": body.alignment,
        "retry": body.retry,
        "length_penalty": body.length_penalty,
        "coverage_penalty": body.coverage_penalty,
        **body.to_fields(),
    }
    options = TranslateOptions(**fields)
    markup = requested_markup(body.keep, attributes=body.attributes, stand_ins=body.stand_ins)
    return TextRequest(texts, source, target, options, body.format, prefixes, _terms(body, service), markup)


def _check_glossary(request: Request, body: models.TranslateRequest | models.StreamRequest, access: Access) -> None:
    if body.glossary is not None and not access.may_use(request, body.api_key, body.glossary):
        raise unknown_glossary(body.glossary)  # what a key may not use looks like what does not exist


def _terms(body: models.TranslateRequest | models.StreamRequest, service: TranslationService) -> RequestedTerms:
    if body.glossary is not None and body.terms is not None:
        raise ServiceError(
            "Invalid request: give either glossary or terms, not both", status=409, code="two_glossaries"
        )
    if body.glossary is not None:
        if body.glossary not in service.glossaries.names:
            raise unknown_glossary(body.glossary)
        return RequestedTerms(name=body.glossary, in_source=body.terms_in_source)
    if not body.terms:
        return NO_TERMS
    _check_at_most("the number of terms", len(body.terms), service.settings.terms_limit)
    for term in body.terms:
        check_unicode(term.source, name="terms.source")
        check_unicode(term.target, name="terms.target")
    return RequestedTerms(inline=inline_glossary(map(_entry, body.terms)), in_source=body.terms_in_source)


def _entry(term: resources.InlineTerm) -> GlossaryEntry:
    flags = " ".join(name for name in ("case", "inflect", "keep") if getattr(term, name))
    return parse_entry(term.source, term.target, flags)


def _prefixes(prefix: str | list[str], count: int) -> tuple[str, ...]:
    prefixes = (prefix,) if isinstance(prefix, str) else tuple(prefix)
    if len(prefixes) != count:
        raise ServiceError(
            f"Invalid request: expected a prefix for each of the {count} texts, got {len(prefixes)}",
            status=409,
            code="length_mismatch",
        )
    for text in prefixes:
        if text:
            check_unicode(text, name="prefix")
    return prefixes


def _check_at_most(name: str, number: int | None, limit: int) -> None:
    if number is not None and number > limit:
        raise ServiceError(
            f"Invalid request: {name} must be at most {limit} on this server, got {number}", code="too_large"
        )


def _pairs(text: str | list[str], translation: str | list[str], service: TranslationService) -> list[tuple[str, str]]:
    sources = check_texts(text, service.settings, name="text")
    targets = check_texts(translation, service.settings, name="translation")
    if len(sources) != len(targets):
        raise ServiceError(
            f"Invalid request: expected a translation for each of the {len(sources)} texts, got {len(targets)}",
            status=409,
            code="length_mismatch",
        )
    return list(zip(sources, targets, strict=True))


def _translated(result: TextResult, attention: bool | models.AttentionChoice) -> models.TranslatedText:
    return models.TranslatedText(
        text=result.text,
        sentences=[
            _sentence(translation, attention, result.readout, result.glossary) for translation in result.sentences
        ],
    )


def _sentence(
    translation: Translation,
    attention: bool | models.AttentionChoice,
    readout: Readout | None = None,
    glossary: Glossary | None = None,
) -> models.Sentence:
    record, chosen = translation.attention, None
    if record is not None and attention is not False:
        layers, heads = (None, None) if attention is True else (attention.layers, attention.heads)
        try:
            chosen = compact_record(record, layers=layers, heads=heads)
        except ShapeError as error:
            raise ServiceError(f"Invalid request: attention: {error}", status=409, code="no_such_layer") from None
    uses = () if glossary is None else term_uses(glossary, translation.source, translation.text)
    return models.Sentence(
        source=translation.source,
        text=translation.text,
        score=translation.score,
        tokens=list(translation.tokens),
        token_scores=list(translation.token_scores),
        source_words=translation.source.split(),
        words=translation.text.split(),
        word_scores=list(translation.word_scores),
        alignment=list(translation.alignment),
        n_best=[models.Ranked(text=other.text, score=other.score) for other in translation.n_best],
        warnings=list(translation.warnings),
        quality_flags=[models.QualityFlag.model_validate(flag.to_dict()) for flag in translation.quality_flags],
        attention=chosen,
        readout=None if readout is None else models.Readout(layer=readout.layer, head=readout.head),
        terms=[resources.UsedTerm.model_validate(use.to_dict()) for use in uses],
        unmet=list(translation.unmet),
        read_as=translation.read_as or None,
    )


def _detected(results: Sequence[TextResult]) -> list[models.Detected]:
    return [
        models.Detected(language=result.detected.language, confidence=result.detected.confidence)
        for result in results
        if result.detected is not None
    ]


def _word(text: str, position: int) -> str:
    words = text.split()
    return words[position] if position < len(words) else ""


def _model(service: TranslationService, number: int) -> resources.Model:
    entry = service.catalog.entries[number]
    translator = service.catalog.loaded(entry)
    return resources.Model(
        name=entry.name,
        source=entry.source,
        target=entry.target,
        loaded=translator is not None,
        signature=None if translator is None else translator.signature,
        memory_bytes=entry.memory_bytes,
    )


async def _events(
    service: TranslationService, request: TextRequest, client: str, attention: bool | models.AttentionChoice
) -> AsyncIterator[str]:
    """Server-sent events of a stream: its languages, the sentences in order, then the whole text."""
    kinds = iter(("start", "done"))
    try:
        async for item in _timely(service.stream(request, client=client), service):
            if isinstance(item, StreamedSentence):
                sentence = _sentence(item.translation, attention, glossary=item.glossary).model_dump()
                yield _event("sentence", {"index": item.index, "of": item.total, **sentence})
            else:
                kind = next(kinds)
                yield _event(kind, _languages(item) if kind == "start" else {"text": item.text})
    except RegardError as error:
        yield _event("error", {"error": str(error), "code": getattr(error, "code", "invalid_request")})


def _languages(result: TextResult) -> dict[str, object]:
    detected = [found.model_dump() for found in _detected([result])]
    return {
        "source": result.source,
        "target": result.path[-1],
        "path": list(result.path),
        "detected": detected or None,
    }


async def _timely(items: AsyncIterator[ItemT], service: TranslationService) -> AsyncIterator[ItemT]:
    """The items, each of which must come within the deadline of a request."""
    while True:
        try:
            item = await service.within_deadline(asyncio.ensure_future(_next(items)))
        except StopAsyncIteration:
            return
        yield item


async def _next(items: AsyncIterator[ItemT]) -> ItemT:
    return await items.__anext__()


def _event(kind: str, data: dict[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=True)}\n\n"
