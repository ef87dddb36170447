"""`make gpu-check` without a GPU: it runs with small sizes, writes its results, and reports failing checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from outside import load_script

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NO_GPU = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}

PLANTED = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import gpu_check, gpu_checks
from gpu_bench import CheckResult, Skipped

def wrong(setup):
    "Does it add up?"
    result = CheckResult({"sum": 5})
    result.expect(2 + 2 == 5, "two and two are not five")
    return result

def broken(setup):
    "Does it run?"
    raise ZeroDivisionError("by zero")

def missing(setup):
    "Is it there?"
    raise Skipped("not here")

def right(setup):
    "Is one 1?"
    return CheckResult({"one": 1})

gpu_checks.CHECKS[:] = [(wrong, 1), (broken, 1), (missing, 1), (right, 1)]
sys.exit(gpu_check.main())
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=os.environ | NO_GPU, capture_output=True, text=True, timeout=300)


@pytest.fixture
def gpu_check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`benchmarks/gpu_check.py`, which is outside the package; its changes to the path are undone."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    return load_script(BENCHMARKS / "gpu_check.py")


def test_small_sizes_on_the_cpu(tmp_path: Path) -> None:
    written = tmp_path / "new" / "found.json"
    done = run(sys.executable, str(BENCHMARKS / "gpu_check.py"), "--json", str(written))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No GPU here" in done.stdout
    assert str(written) in done.stdout
    report = json.loads(written.read_text())
    assert {"format", "begun", "on_gpu", "passed", "seconds", "machine", "versions", "checks"} == set(report)
    assert (report["format"], report["on_gpu"], report["passed"]) == (1, False, True)
    assert report["versions"]["torch"]
    assert report["versions"]["regard"]
    for check in report["checks"]:
        assert set(check) == {"name", "question", "status", "seconds", "reasons", "figures"}
        assert check["question"]
        assert f"] {check['name']}: " in done.stdout
    outcomes = {check["name"]: check["status"] for check in report["checks"]}
    # The kernel runs in Triton's interpreter if Triton is installed; there is nothing to time.
    assert outcomes.pop("additive_values") in ("passed", "skipped")
    assert outcomes.pop("additive_speed") == "skipped"
    assert outcomes == dict.fromkeys(("peaks", "gradients", "train_t1", "train_base", "resume", "translate"), "passed")
    figures = {check["name"]: check["figures"] for check in report["checks"]}
    assert figures["resume"]["largest difference"] == 0
    assert figures["translate"]["beam 5"]["same"] == 1
    assert all(case["tokens/s"] > 0 for case in figures["train_base"].values())


def test_a_failing_check_is_reported_and_stops_no_other(tmp_path: Path) -> None:
    written = tmp_path / "found.json"
    done = run(sys.executable, "-c", PLANTED, str(BENCHMARKS), "--json", str(written))
    assert done.returncode == 1
    assert "! two and two are not five" in done.stdout
    assert "1 passed, 2 failed, 1 skipped" in done.stdout
    report = json.loads(written.read_text())
    assert report["passed"] is False
    assert [check["status"] for check in report["checks"]] == ["failed", "failed", "skipped", "passed"]
    assert [check["reasons"] for check in report["checks"][1:]] == [["ZeroDivisionError: by zero"], ["not here"], []]
    assert report["checks"][0]["figures"] == {"sum": 5}


def test_a_check_without_time_left_fails(tmp_path: Path) -> None:
    written = tmp_path / "found.json"
    done = run(sys.executable, "-c", PLANTED, str(BENCHMARKS), "--json", str(written), "--minutes", "0")
    assert done.returncode == 1
    checks = json.loads(written.read_text())["checks"]
    assert {check["status"] for check in checks} == {"failed"}
    assert checks[3]["name"] == "right"
    assert "--minutes" in checks[3]["reasons"][0]


def test_missing_packages_are_reported_with_the_command_that_downloads_them(
    gpu_check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu_check, "NEEDED", ("numpy", "not_there"))
    with pytest.raises(SystemExit) as end:
        gpu_check.provide(None, tmp_path)
    assert end.value.code == 2
    message = capsys.readouterr().err
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"missing in this Python {python}: not_there." in message
    assert "pip download -d wheels" in message
    assert f"--python-version {python}" in message
    assert message.rstrip().endswith("make gpu-check WHEELS=wheels")


def test_wheels_are_unpacked_for_the_run(
    gpu_check: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu_check, "NEEDED", ("planted_package",))
    with zipfile.ZipFile(tmp_path / "planted_package-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("planted_package.py", "")
    gpu_check.provide(tmp_path, tmp_path / "unpacked")
    assert str(tmp_path / "unpacked") in os.environ["PYTHONPATH"].split(os.pathsep)
