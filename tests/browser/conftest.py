"""Fixtures for tests in a real browser: Chromium, if installed, driven by Playwright without network access."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages import TIMEOUT, MonitoredPage, OpenPage, PageReader, Scheme
from records import MakeRecord, random_record

from regard.inspection.html import render_comparison
from regard.inspection.record import AttentionRecord

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which `.[dev]` installs")

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium per module: while it runs, no test of its process can start an event loop."""
    path = next((command for name in ("chromium", "chromium-browser") if (command := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """A function that opens records in the browser; on teardown, no page may have reported an error."""
    opened: list[tuple[BrowserContext, MonitoredPage]] = []

    def open_records(
        *records: AttentionRecord,
        beside: Mapping[str, list[AttentionRecord]] | None = None,
        title: str = "Attention",
        color_scheme: Scheme | None = None,
        has_touch: bool = False,
        viewport: ViewportSize | None = None,
    ) -> Page:
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(render_comparison(beside or {"": list(records)}, title=title), encoding="ascii")
        new_context = browser.new_context(
            color_scheme=color_scheme, has_touch=has_touch, viewport=viewport or {"width": 1240, "height": 900}
        )
        new_context.set_default_timeout(1000 * TIMEOUT)
        opened.append((new_context, MonitoredPage(new_context.new_page(), path)))
        return opened[-1][1].page

    yield open_records
    for context, _ in opened:
        context.close()
    assert [fault for _, monitored in opened for fault in monitored.faults] == []


@pytest.fixture
def reader() -> PageReader:
    """A reader of page content."""
    return PageReader()


@pytest.fixture
def make_record() -> MakeRecord:
    """A function that creates a random record of two sentences."""
    return random_record


@pytest.fixture
def two_heads() -> AttentionRecord:
    """One layer of two heads."""
    return random_record("a b", "c d", heads=2)


@pytest.fixture
def day() -> AttentionRecord:
    """One layer of one head, as in an RNN."""
    return random_record("How was your day|?", "Comment s'|est pass|ée ta journ|ée ?")


@pytest.fixture
def transformer() -> AttentionRecord:
    """Four layers of four heads, with a Korean target."""
    return random_record("My sister reads a book|.", "여동생|은 책|을 읽|어요|.", layers=4, heads=4)


@pytest.fixture
def sixty() -> AttentionRecord:
    """Sixty words per side, eight layers of eight heads."""
    src, tgt = (" ".join(f"{stem}{number}" for number in range(60)) for stem in ("word", "mot"))
    return random_record(src, tgt, layers=8, heads=8)
