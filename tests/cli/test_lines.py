"""Input lines of the command line, and its progress display."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from packing import PACK

from regard.cli.lines import InputLines
from regard.cli.progress import with_progress

RAW = b"\xef\xbb\xbfone\r\ntw\xe9o\nthr\0ee\n\xed\xa0\x80four"
LINES = ["one", "tw\ufffdo", "thr\0ee", "\ud800four"]


@pytest.mark.parametrize("kind", ["plain", *PACK])
def test_a_file_is_decoded(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in"
    path.write_bytes(PACK.get(kind, bytes)(RAW))
    assert list(InputLines(path)) == LINES
    invalid, nul = capsys.readouterr().err.splitlines()
    assert invalid.startswith(f"regard: {path}:2: expected UTF-8, found byte 0xe9 at position 3 of the line")
    assert nul.startswith(f"regard: {path}:3: expected text, found a NUL byte at position 4 of the line")


def test_long_runs_of_invalid_bytes_are_shortened(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"a" + b"\xff" * 20 + b"b\xff\xff\n" + "\ufffd".encode() * 20)
    assert list(InputLines(path)) == ["a" + "\ufffd" * 16 + "b\ufffd\ufffd", "\ufffd" * 20]
    path.write_bytes(b"\xff" * 1_000_000)
    assert list(InputLines(path)) == ["\ufffd" * 16]


def test_standard_input_is_decoded_alike(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RAW)))
    lines = InputLines(None)
    assert list(lines) == LINES
    assert capsys.readouterr().err.startswith("regard: standard input:2: ")
    assert lines.fraction_read() is None


def test_the_fraction_read(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"x" * 99 + b"\n" + b"y" * 300)
    lines = InputLines(path)
    assert lines.fraction_read() is None
    reading = iter(lines)
    next(reading)
    assert lines.fraction_read() == 0.25
    next(reading)
    assert lines.fraction_read() == 1.0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    fractions = iter(0.01 * number for number in range(1, 101))
    assert list(with_progress(range(100), fraction=lambda: next(fractions))) == list(range(100))
    shown = re.sub("\x1b[^a-zA-Z]*[a-zA-Z]", "", screen.getvalue())  # without colors
    assert re.search(r"100 sentences [\d,]+/s .* left: 0:00:00", shown)
