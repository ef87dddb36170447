"""`regard translate` with many workers: the output of one process, stops, shards, and refusals in words."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from deadlines import PATIENCE, wait_until

from regard.cli import chunks
from regard.cli.chunks import ONE_PROCESS, ChunkOptions


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
PYTHON = sys.executable
MODEL = str(Path(__file__).resolve().parents[1] / "golden" / "models" / "transformer")
NOUNS = ["queen", "cat", "dog", "bird", "blackbird", "mouse", "horse", "fish"]
# Short, since a chunk has 1000 lines; the translations of neighbors differ.
LINES = [f"{NOUNS[number % 8]} {number}".encode() for number in range(1, 2302)]


@pytest.fixture
def files(tmp_path: Path, ready_workers: None) -> tuple[str, ...]:
    lines = list(LINES)
    lines[1200], lines[2100] = b"caf\xe9 noir", b""
    (tmp_path / "in").write_bytes(b"\n".join(lines) + b"\n")
    return MODEL, "--beam", "1", "--device", "cpu", "--input", str(tmp_path / "in")


def test_output_and_warnings_are_those_of_one_process(
    regard: Run, files: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", PYTHON)  # workers that load all modules themselves
    whole = regard("translate", *files, "--output", str(tmp_path / "whole"), "--threads", "1")
    parts = regard("translate", *files, "--output", str(tmp_path / "parts"), "--workers", "2", "--threads", "1")
    assert (whole.status, parts.status) == (0, 0), parts
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
    assert sorted(whole.err.splitlines()) == sorted(parts.err.splitlines())
    assert "in:1201: expected UTF-8" in parts.err
    assert not (tmp_path / "parts.chunks").exists()


def test_json_output_is_that_of_one_process(regard: Run, files: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"\n".join(LINES[:1020]))
    for name, workers in (("whole", ()), ("parts", ("--workers=1",))):
        done = regard("translate", *files, "--json", "--threads=1", f"--output={tmp_path / name}", *workers)
        assert done.status == 0, done
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_shards(regard: Run, files: tuple[str, ...], tmp_path: Path) -> None:
    output = ("--output", str(tmp_path / "out"))
    first = regard("translate", *files, *output, "--shard", "1/2")
    assert first.status == 0
    assert "all chunks of shard 1/2 are finished; 1 of 3 chunks are finished and kept in" in first.err
    assert f"the last shard to finish writes {tmp_path / 'out'}" in first.err
    other = regard("translate", *files, "--beam=2", *output, "--shard", "0/2")
    assert "was given 2 times" in other.err
    other = regard("translate", *files[:1], *files[3:], *output, "--shard", "0/2")
    assert other.status == 2
    assert "with other options or input (beam: 1 there, null now): repeat that command to complete it" in other.err
    second = regard("translate", *files, *output, "--shard", "0/2")
    assert second.status == 0
    assert len((tmp_path / "out").read_text().splitlines()) == len(LINES)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_the_same_command_continues(
    regard: Run, files: tuple[str, ...], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "in").write_bytes(b"\n".join(LINES * 20))
    command = ["translate", *files, "--output", str(tmp_path / "out"), "--workers", "1"]
    running = subprocess.Popen(
        [PYTHON, "-m", "regard", *command],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL) and None,  # which the caller may ignore
    )
    wait_until(lambda: any(tmp_path.glob("out.chunks/0000/*.result")) or running.poll() is not None)
    running.send_signal(number)
    messages = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 130, messages
    assert "of 47 chunks are finished and kept in" in messages
    assert "run the same command again to continue" in messages
    assert not (tmp_path / "out").exists()
    (tmp_path / "in").write_bytes(b"changed")
    assert "another input text" in regard(*command).err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--workers", "2"],
            "--workers: expected files, since each worker reads and writes some of the lines, but --output is",
        ),
        (["--cluster", "auto"], "--cluster: expected files"),
        (["--output", "out", "--workers", "0"], "--workers: expected a number of at least 1, got 0"),
        (["--output", "out", "--shard", "2"], "--shard: expected I/N with I from 0 to N - 1, such as 0/8, got '2'"),
        (["--output", "out", "--shard", "2/2"], "--shard: expected I/N"),
        (["--output", "out", "--workers", "2", "--cluster", "auto"], "--workers cannot be used with --cluster"),
        (["--output", "none/out", "--workers", "2"], "its directory does not exist"),
        (["--output", "out", "--workers", "2", "--shortlist", "none"], "none: cannot be read"),
    ],
)
def test_mistakes_are_refused_before_the_work(
    regard: Run,
    files: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = regard("translate", *files, *options)
    assert done.status == 2
    assert message in done.err
    assert not (tmp_path / "out.chunks").exists()


def test_a_directory_without_a_model_is_refused(regard: Run, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\n")
    done = regard("translate", str(tmp_path), f"--input={tmp_path}/in", f"--output={tmp_path}/out", "--workers=2")
    assert done.status == 2
    assert "manifest.json" in done.err


def test_a_document_is_refused(regard: Run, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("The cat sleeps.\n")
    command = ["translate", MODEL, f"--input={tmp_path / 'page.md'}", f"--output={tmp_path / 'out.md'}", "--workers=2"]
    done = regard(*command)
    assert done.status == 2
    assert "workers translate text line by line, but the input is a document of type .md" in done.err
    assert regard(*command, "--format=lines").status == 0
    assert len((tmp_path / "out.md").read_text().splitlines()) == 1


def test_a_hyphen_is_standard_input(regard: Run) -> None:
    lines = b"the small cat\n\n"
    done = regard("translate", MODEL, "--beam=1", "--input=-", stdin=lines)
    assert (done.status, len(done.out.splitlines())) == (0, 2)
    assert done.out == regard("translate", MODEL, "--beam=1", stdin=lines).out


def test_standard_input_is_refused(regard: Run) -> None:
    done = regard("translate", MODEL, "--workers", "2", stdin=b"a\n")
    assert done.status == 2
    assert "but --input is standard input: give a file with --input" in done.err


def test_an_error_of_a_worker_is_that_of_the_command(regard: Run, files: tuple[str, ...], tmp_path: Path) -> None:
    done = regard("translate", *files, f"--output={tmp_path}/out", "--workers=2", "--precision=float8")
    assert done.status == 2
    assert "expected a precision of regard's own engine" in done.err


def test_one_process_is_the_default() -> None:
    assert not ONE_PROCESS.is_given
    assert ChunkOptions(workers=1).is_given


def test_without_a_terminal_progress_is_a_line_per_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([0.0, 0.0, 30.0, 60.0, 60.0, 100.0])
    monkeypatch.setattr("regard.cli.chunks.time.monotonic", lambda: next(times))
    with chunks.ChunkProgress() as bar:
        bar.begin(1000, 5000)
        bar.advance(1000)
        bar.advance(1000)
        bar.advance(1000)
    assert capsys.readouterr().err == "regard: 3,000 of 5,000 lines; about 1 minutes left\n"


def test_in_a_terminal_progress_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setitem(os.environ, "TERM", "xterm")
    with chunks.ChunkProgress() as bar:
        bar.begin(1000, 5000)
        bar.advance(1000)
    assert "2,000 of 5,000 lines" in terminal.getvalue()
