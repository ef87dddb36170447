"""LibreTranslate's own tests of its API, fetched from its wheel while this test runs, against our server."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from compatible import fetch

NUM_TESTS = 14
FOLDER = "libretranslate/tests/test_api/"
CONFTEST = """
import json, os, urllib.error, urllib.parse, urllib.request
import pytest


class Response:
    def __init__(self, status_code, data):
        self.status_code, self.data = status_code, data

    @property
    def json(self):
        return json.loads(self.data)


class Client:
    def get(self, path):
        return self._open(path, "GET", None, {})

    def post(self, path, data=None, json=None):
        if json is not None:
            body = globals()["json"].dumps(json).encode()
            return self._open(path, "POST", body, {"Content-Type": "application/json"})
        return self._open(path, "POST", urllib.parse.urlencode(data or {}).encode(), {})

    def _open(self, path, method, body, headers):
        request = urllib.request.Request(os.environ["SERVER"] + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Response(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, error.read())


@pytest.fixture
def client():
    return Client()
"""


def test_all_of_them_pass(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", ".", "libretranslate==1.9.6"]
    fetch(command, tmp_path, what="the wheel of libretranslate 1.9.6")
    tests = tmp_path / "tests"
    tests.mkdir()
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = [name for name in wheel.namelist() if name.startswith(f"{FOLDER}test_api_")]
        for name in names:
            (tests / Path(name).name).write_bytes(wheel.read(name))
    assert len(names) == 6
    (tests / "conftest.py").write_text(CONFTEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "."],
        cwd=tests,
        env={**os.environ, "SERVER": url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert f"{NUM_TESTS} passed in" in done.stdout, done.stdout
    assert done.returncode == 0
