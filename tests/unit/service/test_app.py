"""The application: what its settings leave out, the demonstration that it trains, and errors before any translation."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

pytest.importorskip("fastapi")  # the extra `serve`

from fastapi import FastAPI
from fastapi.testclient import TestClient

from regard.service.access import Access
from regard.service.app import create_app
from regard.service.catalog import ModelEntry
from regard.service.demo import Demo
from regard.service.errors import ServiceError
from regard.service.files import FileJob, FileTranslator
from regard.service.metrics import Metrics
from regard.service.requests import AUTO
from regard.service.server import build_service
from regard.service.service import TranslationService
from regard.service.settings import ServiceSettings
from regard.service.v1 import _text_request
from regard.service.v1_models import TranslateRequest


def service_of(path: Path, *directions: str, **settings: object) -> TranslationService:
    """A service whose models are never loaded."""
    entries = [
        ModelEntry(source, target, (path,)) for source, _, target in (name.partition("-") for name in directions)
    ]
    return build_service(entries, ServiceSettings.model_validate(settings), Metrics(), threads=1)


def app_of(path: Path, demo: Demo | None = None, **settings: object) -> FastAPI:
    return create_app(service_of(path, "en-fr", **settings), access=Access(None), metrics=Metrics(), demo=demo)


def test_the_page_and_the_measurements_can_be_left_out(tmp_path: Path) -> None:
    for is_on, status in ((True, 200), (False, 404)):
        client = TestClient(app_of(tmp_path, page=is_on, metrics=is_on))
        assert [client.get(path).status_code for path in ("/", "/metrics")] == [status] * 2


def test_the_demonstration_begins_and_ends_with_the_application(tmp_path: Path) -> None:
    events: list[str] = []

    class Watched:
        def begin(self) -> None:
            events.append("begin")

        async def stop(self) -> None:
            events.append("stop")

    with TestClient(app_of(tmp_path, cast("Demo", Watched()))):
        assert events == ["begin"]
    assert events == ["begin", "stop"]


def test_a_language_that_is_no_text_is_refused(tmp_path: Path) -> None:
    answer = TestClient(app_of(tmp_path)).post("/translate", json={"q": "a", "source": ["en"], "target": "fr"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid request: source parameter must be a language code such as fr, got ['en']"


def test_a_file_that_is_not_translated_yet_cannot_be_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileTranslator, "find", lambda *_: FileJob("x1", "a_fr.txt", state="running"))
    answer = TestClient(app_of(tmp_path)).get("/download_file/x1.a_fr.txt")
    assert answer.status_code == 404
    assert "a_fr.txt: the file is not translated yet: wait until GET /v1/files/x1" in answer.json()["error"]


def test_a_language_that_is_left_out_is_that_of_the_only_model_that_fits(tmp_path: Path) -> None:
    service = service_of(tmp_path, "en-fr", "fr-ko")
    assert service.languages_for("en", None) == ("en", "fr")
    assert service.languages_for(None, "ko") == ("fr", "ko")
    with pytest.raises(ServiceError, match=r"2 models fit .*: set both source and target; the models are en-fr, fr-ko"):
        service.languages_for(None, None)


def test_languages_and_samples_of_requests_under_v1(tmp_path: Path) -> None:
    service = service_of(tmp_path, "en-fr", alternatives_limit=3)
    request = _text_request(TranslateRequest.model_validate({"text": "a", "source": AUTO, "target": "fr"}), service)
    assert (request.source, request.target) == (AUTO, "fr")
    assert _text_request(TranslateRequest.model_validate({"text": "a"}), service).source == "en"
    for number, is_refused in ((4, False), (5, True)):
        body = TranslateRequest.model_validate({"text": "a", "sample": {"num_samples": number}})
        if is_refused:
            with pytest.raises(ServiceError, match=r"sample\.num_samples must be at most 4 on this server, got 5"):
                _text_request(body, service)
        else:
            assert _text_request(body, service).options.num_translations == 4


def test_a_model_that_translates_in_two_steps_cannot_score(tmp_path: Path) -> None:
    from regard.service.forced import Forced

    work = Forced(service_of(tmp_path, "en-fr", "fr-ko")).score("en", "ko", [("a", "b")], client="a")
    with pytest.raises(ServiceError, match="no single model translates from en to ko"):
        asyncio.run(work)
