"""The descriptions of the API: Swagger 2.0 for clients of LibreTranslate, OpenAPI 3.1 that the server keeps to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

SECONDS = {False: 20, True: 10}
"""How long requests are generated, for JSON and for forms."""


def test_swagger(http: httpx.Client) -> None:
    definitions = pytest.importorskip("schemathesis.specs.openapi.definitions")
    document = http.get("/spec").json()
    assert definitions.SWAGGER_20_VALIDATOR.is_valid(document)
    assert document["swagger"] == "2.0"
    assert set(document["paths"]) == {
        *("/translate", "/detect", "/languages", "/translate_file"),
        *("/suggest", "/frontend/settings", "/health"),
    }


def test_all_answers_are_described(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    operations = {
        (path, method): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    statuses = {name: set(operation["responses"]) for name, operation in operations.items()}
    assert statuses["/translate", "post"] == {"200", "400", "403", "413", "429", "503"}
    assert {"404", "409", "422"} <= statuses["/v1/translate", "post"]
    assert statuses["/suggest", "post"] == {"403"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for name, operation in operations.items():
        for status, response in operation["responses"].items():
            if status not in ("200", "202", "204") and name[0] != "/ready":
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}


def test_languages_and_limits_are_those_of_the_server(make_client: Callable[..., TestClient]) -> None:
    client = make_client(directions={"es-en": "luong", "fr-zh": "transformer"}, beam_limit=7, alternatives_limit=3)
    document = client.get("/openapi.json").json()
    body = document["paths"]["/translate"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    pairs = [
        (branch["properties"]["source"]["enum"], branch["properties"]["target"]["enum"]) for branch in body["anyOf"]
    ]
    assert pairs == [(["fr"], ["zh"]), (["es"], ["en"])]  # no target that a detected language can always have
    options = document["components"]["schemas"]["TranslateRequest"]["properties"]
    assert options["source"]["enum"] == ["es", "fr", "auto", None]
    assert options["beam"]["anyOf"][0]["maximum"] == 7
    assert options["n_best"]["maximum"] == 4


def test_a_service_without_models(make_client: Callable[..., TestClient]) -> None:
    client = make_client(directions={})
    assert client.get("/frontend/settings").json()["language"]["target"] == {"code": "", "name": ""}
    assert client.get("/languages").json() == []
    assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize("forms", [False, True])
def test_schemathesis_finds_nothing(url: str, tmp_path: Path, forms: bool) -> None:
    pytest.importorskip("schemathesis")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", "all", "--seed", "1"]
    # In a form, all values are text: a number in place of a string is no fault that a server could see.
    if forms:
        command += ["--include-path-regex", "file", "--exclude-checks", "negative_data_rejection"]
    else:
        command += ["--exclude-path-regex", "file"]
    done = subprocess.run(
        [*command, "--max-time", str(SECONDS[forms]), "--no-color"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=20 * SECONDS[forms],
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
