"""The branch coverage check passes at its threshold and fails below it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("branches.py")


@pytest.mark.parametrize(("taken", "status"), [(90, 0), (89, 1)])
def test_the_threshold(tmp_path: Path, taken: int, status: int) -> None:
    report = tmp_path / "coverage.json"
    summary = {"covered_branches": taken, "missing_branches": 100 - taken}
    files = {"a.py": {"summary": summary, "missing_branches": [[7, 9]] * (100 - taken)}}
    report.write_text(json.dumps({"summary": summary, "files": files}), encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, report, "90"], capture_output=True, text=True)
    assert done.returncode == status
    assert f"branches taken: {taken} of 100" in done.stdout
    assert f"{100 - taken} branches not taken in a.py, lines 7" in done.stdout
