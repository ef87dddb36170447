"""Whole jobs that end at one of their writes; `make kills` tries every one of them, which takes an hour or so."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STRIDE = 127
"""Every so many-th write: some twenty, in each of the ways."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or not compiler:
        pytest.skip("needs Linux with glibc, and a C compiler")
    made = tmp_path_factory.mktemp("writes") / "interrupted_writes.so"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(HERE / "interrupted_writes.c"), "-o", str(made), "-ldl"], check=True)
    return made


def test_whatever_is_cut_short_goes_on_or_begins_anew(library: Path, tmp_path: Path) -> None:
    for module in ("ctranslate2", "onnx", "onnxruntime", "transformers"):
        pytest.importorskip(module)
    command = [sys.executable, str(HERE / "interrupted_writes.py"), str(library), str(tmp_path / "tried")]
    done = subprocess.run([*command, "--stride", str(STRIDE)], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    jobs = {one["job"] for one in told}
    assert {"train", "resume", "overwrite", "import", "lab", "phrasebook"} < jobs
    assert {one["how"] for one in told} == {"kill", "power", "full"}
    assert sum(one["tries"] for one in told) > 40
    assert all(one["wrong"] == 0 for one in told)
