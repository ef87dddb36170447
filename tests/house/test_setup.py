"""What the first commands of a newcomer rely on: pinned versions, the Makefile, the changelog."""

from __future__ import annotations

import re
import shutil
import site
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def constraints() -> dict[str, list[str]]:
    """Pinned versions by normalized package name; several if they depend on the Python version."""
    pins: dict[str, list[str]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([a-z0-9-]+)==([^;\s]+)(; python_(full_)?version (<|>=) '3\.11(\.5)?')?", line)
            assert match, line
            pins.setdefault(match[1], []).append(match[2])
    return pins


def needed() -> set[str]:
    """Installed packages that regard and the extras of its tests need, directly or indirectly."""
    seen: set[str] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [("regard", ("plot", "docs", "dev"))]
    while waiting:
        name, extras = waiting.pop()
        for requirement in metadata.requires(name) or []:
            name_match = re.match(r"[A-Za-z0-9._-]+", requirement)
            extra = re.search(r"extra == ['\"]([^'\"]+)", requirement)
            if not name_match or (extra and extra[1] not in extras):
                continue
            other = re.sub(r"[-_.]+", "-", name_match[0]).lower()
            installed = next(iter(metadata.Distribution.discover(name=other, path=site.getsitepackages())), None)
            if other not in seen and other != "regard" and installed:
                seen.add(other)
                waiting.append((other, ()))
    return seen


def test_everything_that_is_installed_is_pinned() -> None:
    everything = needed()
    assert {"torch", "numpy", "pytest", "mypy"} <= everything
    assert sorted(everything - set(constraints())) == []
    assert constraints()["torch"] == ["2.13.0"]


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the pins were frozen on Python 3.11")
def test_the_tests_run_on_the_pins() -> None:
    pins = constraints()
    versions = {name: metadata.version(name).split("+")[0] for name in needed()}
    assert {name: version for name, version in versions.items() if version not in pins[name]} == {}


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_an_old_python_is_refused_with_a_message(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho Python 3.9.2\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    for chosen, message in ((old, "python3 is Python 3.9.2."), ("", "no such python3 is on the PATH")):
        command = ["make", "demo", f"PYTHON={chosen}", f"VENV={tmp_path / 'venv'}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2
        assert "regard needs Python 3.10 or newer" in done.stderr
        assert message in done.stderr
    assert not (tmp_path / "venv").exists()


def test_continuous_integration_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").rstrip().endswith("exec make test")


def test_the_version_has_a_place_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{metadata.version('regard')}]" in changelog


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a git checkout")
def test_no_source_is_ignored_by_git() -> None:
    listed = [str(path) for part in ("src", "tests", "docs") for path in (ROOT / part).rglob("*") if path.is_file()]
    sources = [path for path in listed if not re.search(r"__pycache__|\.egg-info|_cache|\.so$", path)]
    done = subprocess.run(
        ["git", "check-ignore", "--stdin"], cwd=ROOT, input="\n".join(sources), capture_output=True, text=True
    )
    assert done.stdout.split() == []
    assert len(sources) > 50
