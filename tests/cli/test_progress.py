"""Progress bars: stage, count, estimate and output, and nothing outside a terminal."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from regard.cli.progress import progress_of_stages, with_progress


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


@pytest.mark.parametrize("knows_total", [True, False])
def test_items_are_counted_with_an_estimate(monkeypatch: pytest.MonkeyPatch, *, knows_total: bool) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    fractions = iter([None, 0.21, 0.29, 0.42, 0.5])  # as of blocks of a compressed file: never the same size
    items = with_progress(range(5), total=10 if knows_total else None, fraction=lambda: next(fractions))
    for _ in items:
        time.sleep(0.15)
    text = shown(terminal)
    assert ("5 of 10 sentences" if knows_total else "5 sentences") in text
    assert re.search(r" \d+/s", text)
    assert re.fullmatch(r"0:00:\d\d", re.findall(r"left: (\S+)", text)[-1])
