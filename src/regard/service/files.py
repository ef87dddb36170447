"""Translation of files: jobs with progress, whose results are kept for a while in a temporary directory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import Literal

from regard.errors import RegardError
from regard.files.printable import counted
from regard.service.errors import INTERNAL_ERROR, ServiceError
from regard.service.glossaries import NO_TERMS, RequestedTerms, unknown_glossary
from regard.service.requests import AUTO
from regard.service.service import TranslationService
from regard.translation.documents import as_sentence
from regard.translation.markup.file_formats import FILE_FORMATS
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import FileDocument, open_file
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.options import TranslateOptions

_LOG = logging.getLogger("regard.service")
FORMATS = FILE_FORMATS
"""Extensions of the files that can be translated."""
CLEANING_SECONDS = 60.0
"""Most seconds between two searches for old files."""
MAX_NAME = 100
"""Most characters of a file's name."""
_ANY_PLACEHOLDER = "{}"
"""A file may contain placeholders, which are not known before it is read."""
State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class FileRequest:
    """How to translate a file.

    Attributes:
        source: Code of the source language, or `auto`.
        target: Code of the target language.
        terms: Glossary terms that the translation must use or avoid.
        markup: Which text is left untranslated, such as placeholders, and which attributes are translated.
    """

    source: str
    target: str
    terms: RequestedTerms = NO_TERMS
    markup: MarkupOptions = DEFAULT_MARKUP


@dataclass(eq=False)
class FileJob:
    """The translation of a file, while it waits or runs and after it has ended.

    Attributes:
        id: Random id of the job, which cannot be guessed.
        name: Name of the translated file.
        state: `waiting`, `running`, `done` or `failed`.
        done: Number of segments translated so far.
        total: Number of segments of the file; 0 while it is not known.
        failure: The error that ended the translation; None if it has not failed.
        path: Path of the translated file; None before the state is `done`.
        made: Value of `time.monotonic()` when the file was received.
        task: The asyncio task that translates the file.
    """

    id: str
    name: str
    state: State = "waiting"
    done: int = 0
    total: int = 0
    failure: ServiceError | None = None
    path: Path | None = None
    made: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] = field(init=False, repr=False)


class FileTranslator:
    """Translates uploaded files in the background, and keeps the results for a while for download.

    Args:
        service: The service whose models translate the text of the files.
    """

    def __init__(self, service: TranslationService) -> None:
        self._service = service
        self._jobs: dict[str, FileJob] = {}
        self._directory = TemporaryDirectory(prefix="regard-files-")
        self._parsing = asyncio.Semaphore(
            1
        )  # a hostile file may take many seconds, during which others need Python's lock

    async def stop(self) -> None:
        """Cancels all translations that are running; used when the service shuts down."""
        tasks = [job.task for job in self._jobs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Removes the temporary directory with all translated files."""
        self._directory.cleanup()

    async def keep_clean(self) -> None:
        """Removes old translated files at least once a minute, until the task of this coroutine is cancelled."""
        while True:
            await asyncio.sleep(min(CLEANING_SECONDS, self._service.settings.file_lifetime))
            self.remove_old()

    def accept(self, name: str, data: bytes, request: FileRequest, *, client: str) -> FileJob:
        """Starts the translation of a file.

        Args:
            name: Name of the file; its extension determines the format.
            data: Content of the file.
            request: Languages, glossary terms, and which text is translated.
            client: Id of the client that sent the file, as from `Access.admit`; clients share decoding time equally.

        Returns:
            The job; its state changes while the file is translated.

        Raises:
            ServiceError: The format is not supported, the file is too large, a language is not available, or too many
                files are kept.
        """
        self.remove_old()
        extension = Path(_plain_name(name)).suffix.lower()
        if extension not in FORMATS:
            raise ServiceError(
                "Invalid request: file format not supported",  # the sentence of LibreTranslate
                code="unsupported_format",
            )
        if len(data) > self._service.settings.file_limit:
            limit = self._service.settings.file_limit
            raise ServiceError(
                f"the file has {len(data):,} bytes, but this service accepts at most {limit:,}: split the file",
                status=413,
                code="file_too_large",
            )
        if len(self._jobs) >= self._service.settings.max_files:
            raise ServiceError(
                f"Slowdown: this service already keeps {counted(len(self._jobs), 'file')}, the most that it may keep: "
                "delete a file that you sent, with DELETE /v1/files/ID, or try again later",
                status=429,
                code="too_many_files",
                retry_after=60,
            )
        request = self._checked(request)
        job = FileJob(secrets.token_urlsafe(16), _translated_name(name, request.target))
        self._jobs[job.id] = job
        job.task = asyncio.ensure_future(self._run(job, _plain_name(name), data, request, client))
        return job

    def find(self, job_id: str) -> FileJob:
        """Finds the job that translates or has translated a file.

        Args:
            job_id: Id of the job.

        Returns:
            The job.

        Raises:
            ServiceError: There is no job with this id, or its result was removed.
        """
        self.remove_old()
        job = self._jobs.get(job_id)
        if job is None:
            raise ServiceError(
                f"there is no file with the id {job_id[:MAX_NAME]!r}: the id is wrong, or the file was removed because "
                "it was too old: check the id, or send the file again",
                status=404,
                code="not_found",
            )
        return job

    def remove(self, job_id: str) -> None:
        """Stops the translation of a file, and removes the result.

        Args:
            job_id: Id of the job that translates the file.

        Raises:
            ServiceError: There is no job with this id, or its result was removed.
        """
        self._discard(self.find(job_id))

    def remove_old(self) -> None:
        """Removes the jobs and translated files that are older than the setting `file_lifetime`."""
        oldest = time.monotonic() - self._service.settings.file_lifetime
        for job in [job for job in self._jobs.values() if job.made < oldest]:
            self._discard(job)
        for path in Path(self._directory.name).iterdir():
            if path.name not in self._jobs:  # written by a thread after its job was stopped
                path.unlink(missing_ok=True)

    def _discard(self, job: FileJob) -> None:
        self._jobs.pop(job.id, None)
        job.task.cancel()
        if job.path is not None:
            with contextlib.suppress(OSError):
                job.path.unlink()

    def _checked(self, request: FileRequest) -> FileRequest:
        service = self._service
        source = AUTO if request.source == AUTO else service.find_language(request.source, source=True)
        target = service.find_language(request.target, source=False)
        if request.terms.name is not None and request.terms.name not in service.glossaries.names:
            raise unknown_glossary(request.terms.name)
        if source != AUTO:
            service.glossary_for(request.terms, service.models_for(source, target))
        return replace(request, source=source, target=target)

    async def _run(self, job: FileJob, name: str, data: bytes, request: FileRequest, client: str) -> None:
        job.state = "running"
        try:
            job.path = await self._translate(job, name, data, request, client)
            job.state = "done"
        except asyncio.CancelledError:
            job.state, job.failure = "failed", ServiceError("cancelled", status=409, code="cancelled")
            raise
        except ServiceError as error:
            job.state, job.failure = "failed", error
        except RegardError as error:
            job.state, job.failure = "failed", ServiceError(str(error), status=409, code="unreadable_file")
        except Exception:
            _LOG.exception("file not translated")
            job.state, job.failure = "failed", ServiceError(INTERNAL_ERROR, status=500, code="internal_error")

    async def _translate(self, job: FileJob, name: str, data: bytes, request: FileRequest, client: str) -> Path:
        service, source, target = self._service, request.source, request.target
        if source == AUTO:
            document = await self._opened(name, data, request, request.markup)
            sample = "\n".join(document.sentences[:200])
            source = (await service.compute(lambda: service.detector.rank(sample), [sample]))[0].language
        path = Path(self._directory.name) / job.id
        if source == target:
            await asyncio.to_thread(path.write_bytes, data)
            return path

        def progress(done: int, total: int) -> None:
            job.done, job.total = done, total

        models = service.models_for(source, target)
        markup = await service.markup_for(request.markup, models, [_ANY_PLACEHOLDER], client=client)
        document = await self._opened(name, data, replace(request, source=source), markup)
        glossary = service.glossary_for(request.terms, models)
        translations = await service.translate_sentences(
            models,
            document.sentences,
            TranslateOptions(
                alignment=document.needs_alignment,
                scores=False,
                glossary=glossary,
                terms_in_source=request.terms.in_source,
            ),
            client=client,
            on_progress=progress,
        )
        translated = [as_sentence(result) for result in translations]
        content = await asyncio.to_thread(document.render, translated)
        await asyncio.to_thread(path.write_bytes, content)
        return path

    async def _opened(self, name: str, data: bytes, request: FileRequest, markup: MarkupOptions) -> FileDocument:
        options = FileOptions(None if request.source == AUTO else request.source, request.target, markup=markup)
        async with self._parsing:
            return await asyncio.to_thread(open_file, name, data, options)


def _plain_name(name: str) -> str:
    """The name of a file without directories, and without characters that are not printable."""
    plain = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(character for character in plain if character.isprintable())[-MAX_NAME:] or "file"


def _translated_name(name: str, target: str) -> str:
    path = Path(_plain_name(name))
    return f"{path.stem}_{target}{path.suffix}"
