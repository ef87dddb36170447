"""Files that are translated: which are accepted, how long they are kept, and what is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

pytest.importorskip("fastapi")  # the extra `serve`

from regard.service.catalog import ModelEntry
from regard.service.errors import ServiceError
from regard.service.files import FileJob, FileRequest, FileTranslator
from regard.service.metrics import Metrics
from regard.service.server import build_service
from regard.service.service import TranslationService
from regard.service.settings import ServiceSettings
from regard.translation.result import Translation


def run(work: Callable[[FileTranslator, Path], Awaitable[None]], tmp_path: Path, **settings: object) -> None:
    """Runs work on the files of a service."""

    async def main() -> None:
        entries = [ModelEntry("en", "fr", (tmp_path,))]
        service = build_service(entries, ServiceSettings.model_validate(settings), Metrics(), threads=1)
        files = FileTranslator(service)
        try:
            await asyncio.wait_for(work(files, Path(files._directory.name)), 60)
        finally:
            await files.stop()
            files.close()

    asyncio.run(main())


@pytest.fixture(autouse=True)
def _capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Translates to capitals, without a model."""

    async def translate(
        _: TranslationService, entries: object, sentences: Sequence[str], options: object, **__: object
    ) -> list[Translation]:
        return [Translation(sentence, sentence.upper(), 0.0) for sentence in sentences]

    monkeypatch.setattr(TranslationService, "translate_sentences", translate)


EN_FR = FileRequest("en", "fr")


async def translated(files: FileTranslator) -> FileJob:
    job = files.accept("a.txt", b"The cat.", EN_FR, client="a")
    await job.task
    assert job.failure is None, job.failure
    return job


def test_old_files_are_removed(tmp_path: Path) -> None:
    async def work(files: FileTranslator, directory: Path) -> None:
        old = await translated(files)
        old.made -= 100.0
        young = await translated(files)
        (directory / "stray").write_text("written after its job was stopped")
        files.remove_old()
        assert [path.name for path in directory.iterdir()] == [young.id]
        assert files.find(young.id) is young
        with pytest.raises(ServiceError, match="there is no file with the id"):
            files.find(old.id)

    run(work, tmp_path, file_lifetime=50)


def test_a_removed_file_is_gone_and_its_translation_stops(tmp_path: Path) -> None:
    async def work(files: FileTranslator, directory: Path) -> None:
        finished = await translated(files)
        assert finished.path is not None and finished.path.read_text() == "THE CAT."
        files.remove(finished.id)
        assert list(directory.iterdir()) == []
        started = files.accept("a.txt", b"The cat.", EN_FR, client="a")
        await asyncio.sleep(0)
        files.remove(started.id)
        await asyncio.wait({started.task})
        assert started.task.cancelled()
        assert (started.state, started.path) == ("failed", None)

    run(work, tmp_path)


def test_too_large_and_too_many_files_are_refused(tmp_path: Path) -> None:
    async def work(files: FileTranslator, _: Path) -> None:
        with pytest.raises(ServiceError, match=r"has 51 bytes, .* at most 50: split the file") as large:
            files.accept("a.txt", b"a" * 51, EN_FR, client="a")
        await translated(files)
        with pytest.raises(ServiceError, match="already keeps 1 file, the most that it may keep") as many:
            files.accept("a.txt", b"a", EN_FR, client="a")
        assert (large.value.status, many.value.status, many.value.retry_after) == (413, 429, 60)

    run(work, tmp_path, file_limit=50, max_files=1)
