"""The HTTP application: all routes, and errors as JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from regard.errors import RegardError
from regard.service import file_routes, libretranslate, page_routes, v1
from regard.service.access import Access
from regard.service.answers import error_answer
from regard.service.body_limit import BodyLimit
from regard.service.demo import Demo
from regard.service.demo import routes as demo_routes
from regard.service.description import describe
from regard.service.errors import INTERNAL_ERROR, ServiceError
from regard.service.files import FileTranslator
from regard.service.libretranslate_models import Readiness
from regard.service.logs import RequestLog
from regard.service.methods import ANY_ORIGIN, AnyOrigin, allowed_methods
from regard.service.metrics import CONTENT_TYPE, Metrics
from regard.service.service import TranslationService
from regard.service.spec import swagger

_LOG = logging.getLogger("regard.service")
_SHOWN = 5
# Faults of a request that an error names.
V1_STATUSES = {"unsupported_language": 404, "unavailable_direction": 404, "which_direction": 409}
"""Statuses under `/v1`, by the code of the error; LibreTranslate's routes answer with 400 instead."""


def create_app(service: TranslationService, *, access: Access, metrics: Metrics, demo: Demo | None = None) -> FastAPI:
    """Creates the web application of the translation service, with all its routes.

    Args:
        service: The service; it is started and stopped with the application.
        access: Checks API keys and rate limits.
        metrics: Receives measurements of the requests.
        demo: Trains the demonstration's model, which is added to the service when it is ready; None = no demonstration.

    Returns:
        An ASGI application.
    """
    files = FileTranslator(service)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        cleaning = asyncio.ensure_future(files.keep_clean())
        if demo is not None:
            demo.begin()
        yield
        if demo is not None:
            await demo.stop()
        cleaning.cancel()
        await files.stop()
        await service.stop()
        files.close()

    app = FastAPI(
        title="regard",
        version=version("regard"),
        description="Translates text with attention-based models, and shows what they attend to.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    settings = service.settings
    app.add_middleware(
        BodyLimit, max_bytes=settings.body_limit, max_file_bytes=settings.file_limit + settings.body_limit
    )
    app.add_middleware(AnyOrigin)
    app.add_middleware(RequestLog, metrics=metrics)
    app.include_router(libretranslate.routes(service, access))
    app.include_router(v1.routes(service, access))
    app.include_router(file_routes.routes(service, files, access) if settings.files else file_routes.refusals())
    app.include_router(demo_routes(demo))
    if settings.page:
        app.include_router(page_routes.routes())
    _add_status(app, service)
    if settings.metrics:
        _add_metrics(app, service, metrics)
    _add_error_handlers(app)
    describe(app, service)
    return app


def _add_status(app: FastAPI, service: TranslationService) -> None:
    @app.get(
        "/ready",
        tags=["status"],
        responses={200: {"model": Readiness}, 503: {"model": Readiness, "description": "Not ready."}},
    )
    async def ready() -> JSONResponse:
        """Whether texts can be translated now."""
        if service.is_ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, status_code=503, headers={"Retry-After": "5"})

    @app.get("/spec", tags=["status"])
    async def spec() -> JSONResponse:
        """This API as Swagger 2.0, for clients of LibreTranslate; `/openapi.json` has all of it."""
        return JSONResponse(swagger(service.settings.spec_title, app.version))


def _add_metrics(app: FastAPI, service: TranslationService, metrics: Metrics) -> None:
    metrics.watch("regard_waiting_tokens", "Source tokens that wait.", lambda: service.queue.num_waiting)
    metrics.watch("regard_loaded_models", "Models in memory.", lambda: service.catalog.num_loaded)

    @app.get("/metrics", include_in_schema=False)
    async def measurements() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(RegardError)
    async def regard_error(request: Request, error: RegardError) -> JSONResponse:
        if isinstance(error, ServiceError):
            headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
            status = V1_STATUSES.get(error.code, error.status) if _is_v1(request) else error.status
            return error_answer(status, str(error), error.code, headers)
        # The model refuses a request that fits the description, such as a prefix that is too long for it.
        return error_answer(409 if _is_v1(request) else 400, str(error), "invalid_request")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            return _other_method(request)
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("-", "_")
        return error_answer(error.status_code, str(error.detail), code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            f"{'.'.join(map(str, fault['loc'][1:])) or 'body'}: {fault['msg']}" for fault in error.errors()[:_SHOWN]
        ]
        return error_answer(422, f"Invalid request: {'; '.join(faults)}", "invalid_request")

    @app.exception_handler(ClientDisconnect)
    async def client_left(_: Request, error: ClientDisconnect) -> JSONResponse:
        return error_answer(499, "the client has left", "client_left")

    @app.exception_handler(Exception)
    async def internal(_: Request, error: Exception) -> JSONResponse:
        return error_answer(500, INTERNAL_ERROR, "internal_error", ANY_ORIGIN)  # no middleware sees this answer


def _other_method(request: Request) -> Response:
    """Answers OPTIONS, and refuses a method that the path does not support."""
    allow = {"Allow": allowed_methods(request.app.routes, request.scope)}
    if request.method == "OPTIONS":
        return Response(status_code=200, headers=allow)
    return error_answer(405, "Method Not Allowed", "method_not_allowed", allow)


def _is_v1(request: Request) -> bool:
    return request.url.path.startswith("/v1/")
