"""Jobs that are interrupted at a sample of their writes; `make kills` tries all writes, in about an hour."""

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
"""Interval between tried writes, which gives about twenty tries per mode."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or not compiler:
        pytest.skip("needs Linux with glibc, and a C compiler")
    compiled = tmp_path_factory.mktemp("writes") / "interrupted_writes.so"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(HERE / "interrupted_writes.c"), "-o", str(compiled), "-ldl"], check=True)
    return compiled


def test_interrupted_jobs_can_be_resumed_or_restarted(library: Path, tmp_path: Path) -> None:
    for module in ("ctranslate2", "onnx", "onnxruntime", "transformers"):
        pytest.importorskip(module)
    command = [sys.executable, str(HERE / "interrupted_writes.py"), str(library), str(tmp_path / "tried")]
    done = subprocess.run([*command, "--stride", str(STRIDE)], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    summaries = [json.loads(line) for line in done.stdout.splitlines()]
    jobs = {summary["job"] for summary in summaries}
    assert {"train", "resume", "overwrite", "import", "lab", "phrasebook"} < jobs
    assert {summary["how"] for summary in summaries} == {"kill", "power", "full", "once"}
    assert sum(summary["tries"] for summary in summaries) > 40
    assert all(summary["wrong"] == 0 for summary in summaries)
