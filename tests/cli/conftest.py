"""Fixtures that run the command line: in this process where that is enough, in a shell where it is not."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from regard.cli.main import app


@dataclass(frozen=True)
class Done:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def regard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a command, such as `regard("info", "model")`, with bytes as its standard input."""

    def run(*args: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        with pytest.raises(SystemExit) as caught:
            app(args)
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Done(caught.value.code, captured.out, captured.err)

    return run


def _run(line: str, directory: Path, *programs: Path, **environment: str) -> Done:
    path = os.pathsep.join([*map(str, programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=directory,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        check=False,
        timeout=1800,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., Done]:
    """Runs a line of bash in a temporary directory, with `regard` on the PATH."""
    return lambda line, **environment: _run(line, tmp_path, **environment)


@pytest.fixture
def quick_shell(tmp_path: Path, ready_regard: Path) -> Callable[..., Done]:
    """The same within a second, for tests that are not about starting the program; see `ready.py`."""
    return lambda line, **environment: _run(line, tmp_path, ready_regard, **environment)


@pytest.fixture
def at_work(workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workshop, which is the current directory, with both sides of the test text in a TSV file, too."""
    shutil.copytree(workshop, tmp_path, dirs_exist_ok=True)
    sides = [(tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("test.en", "test.fr")]
    table = "".join(f"{src}\t{tgt}\n" for src, tgt in zip(*sides, strict=True))
    (tmp_path / "test.tsv").write_text(table, encoding="utf-8")
    (tmp_path / "terms.tsv").write_text("day\tjournée\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path
