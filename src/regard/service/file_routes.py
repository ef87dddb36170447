"""HTTP routes that translate files: those of LibreTranslate, and those under `/v1/files`, which report progress."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from regard.service.access import Access
from regard.service.disconnect import while_connected
from regard.service.errors import ServiceError
from regard.service.files import FileJob, FileRequest, FileTranslator, State
from regard.service.glossaries import NO_TERMS, RequestedTerms, unknown_glossary
from regard.service.libretranslate_models import TranslatedFileAnswer, answers
from regard.service.markup_choices import requested_markup
from regard.service.parameters import Value, open_parameters
from regard.service.service import TranslationService
from regard.service.v1_models import ErrorAnswer


class FileStatus(BaseModel):
    """How far the translation of a file is.

    Attributes:
        id: Id of the job that translates the file.
        name: Name of the translated file.
        state: `waiting`, `running`, `done` or `failed`.
        done: Number of segments translated so far.
        total: Number of segments of the file; 0 while it is not known.
        error: Why the translation failed; None unless the state is `failed`.
        download_url: URL of the translated file; None unless the state is `done`.
    """

    id: str
    name: str
    state: State
    done: int
    total: int
    error: str | None
    download_url: str | None


class FileAccepted(BaseModel):
    """An accepted file.

    Attributes:
        id: Id of the job that translates the file.
        status_url: URL that reports the progress of the job.
    """

    id: str
    status_url: str


def routes(service: TranslationService, files: FileTranslator, access: Access) -> APIRouter:
    """Makes the HTTP routes that accept files to translate, report the progress, and return the translated files.

    Args:
        service: The service that translates.
        files: Translates the files and keeps the results.
        access: Checks the API key and the rate limit of each request.

    Returns:
        A router for the application.
    """
    router = APIRouter(tags=["files"])
    _add_libretranslate(router, service, files, access)
    _add_jobs(router, files, access)
    return router


def refusals() -> APIRouter:
    """Makes HTTP routes that answer every file request with an error, for a service that translates no files.

    These routes have the same paths as those that `routes` makes.

    Returns:
        A router for the application.
    """
    router = APIRouter(include_in_schema=False)

    async def refuse() -> Response:
        raise ServiceError(
            "translation of files is switched off on this service: send the text of the file to /translate",
            status=501,
            code="files_disabled",
        )

    for path in ("/translate_file", "/download_file/{name}", "/v1/files", "/v1/files/{job_id}"):
        router.add_api_route(path, refuse, methods=["GET", "POST", "DELETE"])
    return router


def _add_libretranslate(router: APIRouter, service: TranslationService, files: FileTranslator, access: Access) -> None:
    @router.post("/translate_file", responses=answers(TranslatedFileAnswer, (400, 403, 404, 409, 413, 429, 503)))
    async def translate_file(request: Request) -> JSONResponse:
        """Translate a file, and answer when it is finished with the address of the result."""
        job = await _accepted(request, files, access)
        try:
            await while_connected(request, service, _finished(job))
        except ServiceError:
            files.remove(job.id)
            raise
        if job.failure is not None:
            files.remove(job.id)
            raise job.failure
        return JSONResponse({"translatedFileUrl": _download_url(request, access, job)})

    @router.get("/download_file/{name}", response_class=FileResponse, responses=answers(None, (404,)))
    async def download_file(name: str) -> Response:
        """Download a translated file."""
        job = files.find(name.partition(".")[0])
        if job.path is None:
            raise ServiceError(
                f"{job.name}: the file is not translated yet: wait until GET /v1/files/{job.id} gives the state done",
                status=404,
                code="not_found",
            )
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(job.name)}",
            "X-Content-Type-Options": "nosniff",
        }
        return FileResponse(job.path, media_type="application/octet-stream", headers=headers)


def _add_jobs(router: APIRouter, files: FileTranslator, access: Access) -> None:
    @router.post("/v1/files", status_code=202, responses=_ERRORS)
    async def start(request: Request) -> FileAccepted:
        """Start the translation of a file; the answer has a URL that reports the progress."""
        job = await _accepted(request, files, access)
        url = request.url_for("status", job_id=job.id).replace(scheme=access.scheme(request))
        return FileAccepted(id=job.id, status_url=str(url))

    @router.get("/v1/files/{job_id}", responses=_ERRORS)
    async def status(request: Request, job_id: str) -> FileStatus:
        """How far the translation of a file is."""
        job = files.find(job_id)
        url = _download_url(request, access, job) if job.state == "done" else None
        return FileStatus(
            id=job.id,
            name=job.name,
            state=job.state,
            done=job.done,
            total=job.total,
            error=None if job.failure is None else str(job.failure),
            download_url=url,
        )

    @router.delete("/v1/files/{job_id}", status_code=204, responses=_ERRORS)
    async def remove(job_id: str) -> Response:
        """Stop the translation of a file, or remove its result."""
        files.remove(job_id)
        return Response(status_code=204)


_ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorAnswer} for status in (400, 403, 404, 409, 413, 422, 429, 503)
}


async def _accepted(request: Request, files: FileTranslator, access: Access) -> FileJob:
    async with open_parameters(request) as parameters:
        client = access.admit(request, parameters.get("api_key"))
        file = parameters.get("file")
        if not isinstance(file, UploadFile):
            raise ServiceError("Invalid request: missing file parameter", code="missing_parameter")
        codes = []
        for name in ("source", "target"):
            value = parameters.get(name)
            if not value or not isinstance(value, str):
                raise ServiceError(f"Invalid request: missing {name} parameter", code="missing_parameter")
            codes.append(value)
        content = await file.read()
    markup = requested_markup(_patterns(parameters), attributes=_is_set(parameters, "attributes"), stand_ins=True)
    chosen = FileRequest(codes[0], codes[1], _requested_glossary(request, parameters, access), markup)
    return files.accept(file.filename or "", content, chosen, client=client)


def _requested_glossary(request: Request, parameters: Mapping[str, Value], access: Access) -> RequestedTerms:
    name, in_source = parameters.get("glossary"), _is_set(parameters, "terms_in_source")
    if not name:
        return NO_TERMS
    if not isinstance(name, str) or not access.may_use(request, parameters.get("api_key"), name):
        raise unknown_glossary(str(name))
    return RequestedTerms(name=name, in_source=in_source)


def _patterns(parameters: Mapping[str, Value]) -> list[str]:
    given = parameters.get("keep")
    patterns = given if isinstance(given, list) else [given]
    return [pattern for pattern in patterns if isinstance(pattern, str) and pattern]


def _is_set(parameters: Mapping[str, Value], name: str) -> bool:
    value = parameters.get(name)
    if value in (None, "", False, "false", "0"):
        return False
    if value in (True, "true", "1", "on"):
        return True
    raise ServiceError(
        f"Invalid request: {name} parameter must be true or false, got {value!r:.80}", code="invalid_request"
    )


async def _finished(job: FileJob) -> None:
    await asyncio.wait({job.task})


def _download_url(request: Request, access: Access, job: FileJob) -> str:
    url = request.url_for("download_file", name=f"{job.id}.{quote(job.name, safe='')}")
    return str(url.replace(scheme=access.scheme(request)))
