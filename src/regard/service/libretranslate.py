"""HTTP routes compatible with LibreTranslate 1.9.6: the same paths, JSON fields, error messages and status codes.

Differences: every error is JSON, the language of each text of a list is detected separately, and translations are
returned exactly as the model wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from regard.service.access import Access
from regard.service.detection import DetectedLanguage
from regard.service.disconnect import while_connected
from regard.service.errors import ServiceError
from regard.service.files import FORMATS
from regard.service.libretranslate_models import (
    DetectedCode,
    FrontendSettings,
    Health,
    LanguageTargets,
    Translated,
    answers,
)
from regard.service.parameters import Value, open_parameters
from regard.service.requests import AUTO, TextRequest, TextResult
from regard.service.service import TranslationService
from regard.service.texts import check_number, check_texts, num_texts
from regard.text.languages import english_name
from regard.translation.options import TranslateOptions

FRONTEND_TIMEOUT = 500
"""Milliseconds that a page should wait after the last key before it asks for a translation."""
_TEXT_FORMATS = ("text", "html")
_ERRORS = (400, 403, 413, 429, 503)


def routes(service: TranslationService, access: Access) -> APIRouter:
    """Makes the HTTP routes of LibreTranslate, such as `/translate`, `/detect` and `/languages`.

    Args:
        service: The service that translates.
        access: Checks the API key and the rate limit of each request.

    Returns:
        A router for the application.
    """
    router = APIRouter(tags=["LibreTranslate"])

    @router.post("/translate", responses=answers(Translated, _ERRORS))
    async def translate(request: Request) -> JSONResponse:
        """Translate a text or a list of texts."""
        async with open_parameters(request) as parameters:
            client = access.admit(request, parameters.get("api_key"), cost=num_texts(parameters.get("q")))
            text_request = _TextRequest(parameters, service)
        results = await while_connected(request, service, service.translate(text_request.request, client=client))
        return JSONResponse(text_request.answer(results))

    @router.post("/detect", responses=answers(list[DetectedCode], _ERRORS))
    async def detect(request: Request) -> JSONResponse:
        """Detect the language of a text."""
        async with open_parameters(request) as parameters:
            access.admit(request, parameters.get("api_key"))
            texts = check_texts(parameters.get("q"), service.settings)
        ranked = await service.compute(lambda: service.detector.rank("\n".join(texts)), texts)
        return JSONResponse([_detected(language) for language in ranked])

    @router.get("/languages", responses=answers(list[LanguageTargets]))
    async def languages() -> JSONResponse:
        """The languages and what each can be translated to."""
        return JSONResponse(
            [
                {"code": language.code, "name": language.name, "targets": list(language.targets)}
                for language in service.catalog.languages()
            ]
        )

    @router.get("/frontend/settings", responses=answers(FrontendSettings))
    async def settings() -> JSONResponse:
        """What a page needs to know of this service."""
        return JSONResponse(_settings(service))

    @router.post("/suggest", status_code=403, responses=answers(None, (403,)))
    async def suggest() -> JSONResponse:
        """Suggestions are not accepted."""
        raise ServiceError("Suggestions are disabled on this server.", status=403, code="disabled")

    @router.get("/health", responses=answers(Health))
    async def health() -> JSONResponse:
        """Whether the process answers."""
        return JSONResponse({"status": "ok"})

    return router


class _TextRequest:
    """The parameters of `/translate`, checked in the order in which LibreTranslate refuses them."""

    def __init__(self, parameters: dict[str, Value], service: TranslationService) -> None:
        settings = service.settings
        self.is_list = isinstance(parameters.get("q"), list)
        for name in ("q", "source", "target"):
            if parameters.get(name) in (None, "", []):
                raise ServiceError(f"Invalid request: missing {name} parameter", code="missing_parameter")
        self.alternatives = check_number(
            parameters.get("alternatives"), name="alternatives", low=0, high=settings.alternatives_limit
        )
        texts = check_texts(parameters["q"], settings)
        source, target = (_code(parameters[name], name) for name in ("source", "target"))
        if source != AUTO:
            service.find_language(source, source=True)
        service.find_language(target, source=False)
        options = TranslateOptions(n_best=1 + self.alternatives, scores=False)
        self.request = TextRequest(texts, source, target, options, _format(parameters.get("format")))

    def answer(self, results: Sequence[TextResult]) -> dict[str, object]:
        """The answer, with a list where texts came in a list.

        Args:
            results: Result of each text.

        Returns:
            The JSON object.
        """
        answer: dict[str, object] = {"translatedText": self._shaped([result.text for result in results])}
        if self.alternatives:
            answer["alternatives"] = self._shaped([list(result.alternatives) for result in results])
        if self.request.source == AUTO:
            answer["detectedLanguage"] = self._shaped(
                [_detected(cast("DetectedLanguage", r.detected)) for r in results]
            )
        return answer

    def _shaped(self, values: Sequence[object]) -> object:
        return list(values) if self.is_list else values[0]


def _code(value: Value, name: str) -> str:
    if not isinstance(value, str):
        raise ServiceError(f"Invalid request: {name} parameter must be a language code such as fr, got {value!r:.80}")
    return AUTO if value.lower() == AUTO else value


def _format(value: Value) -> str:
    if value in (None, ""):
        return _TEXT_FORMATS[0]
    if not isinstance(value, str) or value not in _TEXT_FORMATS:
        raise ServiceError(f"{value} format is not supported", code="unsupported_format")
    return value


def _detected(language: DetectedLanguage) -> dict[str, object]:
    return {"confidence": language.confidence, "language": language.language}


def _settings(service: TranslationService) -> dict[str, object]:
    settings, entries = service.settings, service.catalog.entries
    target = entries[0].target if entries else ""
    return {
        "charLimit": -1 if settings.char_limit is None else settings.char_limit,
        "frontendTimeout": FRONTEND_TIMEOUT,
        "apiKeys": settings.api_keys,
        "keyRequired": settings.api_keys,
        "suggestions": False,
        "filesTranslation": settings.files,
        "supportedFilesFormat": list(FORMATS),
        "language": {
            "source": {"code": AUTO, "name": "Auto Detect"},
            "target": {"code": target, "name": english_name(target)},
        },
    }
