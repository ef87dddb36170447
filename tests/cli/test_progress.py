"""The progress bar of work in several stages: stage, count, estimate and output, and nothing outside a terminal."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from regard.cli.progress import progress_of_stages


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())


def test_stages_are_shown_with_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_of_stages("clean\x1b[2J.tsv") as report:
        report("reading", 5000, None)
        for number in range(1, 5):
            report("cleaning", 5000 * number, number / 10)
            time.sleep(0.15)
    text = shown(terminal)
    assert "cleaning 20,000 pairs" in text
    assert re.search(r"left: 0:\d\d:\d\d -> clean\\x1b\[2J\.tsv", text), text


def test_nothing_is_shown_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_of_stages("clean.tsv") as report:
        report("cleaning", 5000, 0.5)
    assert stream.getvalue() == ""
