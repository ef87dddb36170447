"""Fixtures for tests in a real browser: Chromium, if installed, driven by Playwright without network access."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import torch

from regard.inspection.html import render_comparison
from regard.inspection.record import AttentionRecord
from regard.values import Encoding

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


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright.Browser]:
    """One Chromium instance per test session."""
    path = next((command for name in ("chromium", "chromium-browser") if (command := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield launched
        launched.close()


TIMEOUT = 1800
"""Timeout in seconds, only so that no test hangs forever."""


class MonitoredPage:
    """A page opened from a file, with all errors it reported and all requests it made."""

    def __init__(self, page: playwright.Page, path: Path) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda message: self.faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._note(request.url, path.as_uri()))
        page.goto(path.as_uri())

    def _note(self, url: str, own: str) -> None:
        if url != own and not url.startswith("blob:file:///"):  # downloads are generated in the page
            self.faults.append(f"request: {url}")


@pytest.fixture
def open_page(browser: playwright.Browser, tmp_path: Path) -> Iterator[Callable[..., playwright.Page]]:
    """A function that opens records in the browser; on teardown, no page may have reported an error."""
    opened: list[tuple[playwright.BrowserContext, MonitoredPage]] = []

    def open_records(
        *records: AttentionRecord,
        beside: dict[str, list[AttentionRecord]] | None = None,
        title: str = "Attention",
        **context: object,
    ) -> playwright.Page:
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(render_comparison(beside or {"": list(records)}, title=title), encoding="ascii")
        context.setdefault("viewport", {"width": 1240, "height": 900})
        new_context = browser.new_context(**context)
        new_context.set_default_timeout(1000 * TIMEOUT)
        opened.append((new_context, MonitoredPage(new_context.new_page(), path)))
        return opened[-1][1].page

    yield open_records
    for context, _ in opened:
        context.close()
    assert [fault for _, monitored in opened for fault in monitored.faults] == []


def random_record(src: str, tgt: str, *, layers: int = 1, heads: int = 1, seed: int = 1) -> AttentionRecord:
    """Creates a random record of two sentences with `|` between subwords."""
    encodings = []
    for marked in (src, tgt):
        pieces, spans, start = [], [], 0
        for number, word in enumerate(marked.split(" ")):
            start += number > 0
            for inner, piece in enumerate(word.split("|")):
                pieces.append(piece if inner else "▁" + piece)
                spans.append((start, start + len(piece)))
                start += len(piece)
        encodings.append(Encoding(marked.replace("|", ""), tuple(range(len(pieces))), tuple(pieces), tuple(spans)))
    generator = torch.Generator().manual_seed(seed)
    shape = (heads, len(encodings[1].ids) + 1, len(encodings[0].ids) + 1)
    weights = tuple(torch.softmax(3 * torch.randn(shape, generator=generator), dim=-1) for _ in range(layers))
    return AttentionRecord(encodings[0], encodings[1], weights)


class PageReader:
    """Reads the visible content of a page, of its first panel unless stated otherwise."""

    def texts(self, page: playwright.Page, selector: str) -> list[str]:
        """The texts of elements."""
        texts: list[str] = page.eval_on_selector_all(selector, "all => all.map(node => node.textContent)")
        return texts

    def settled(self, page: playwright.Page, script: str, ready: Callable[..., bool]) -> object:
        """Evaluates a script until its result is ready, and returns the result."""
        until = time.monotonic() + TIMEOUT
        while not ready(result := page.evaluate(script)):  # wait_for_function uses eval, which the page forbids
            assert time.monotonic() < until, result
            page.wait_for_timeout(50)
        return result

    def wait_for_frames(self, page: playwright.Page) -> None:
        """Waits for two animation frames, after which the page knows what has scrolled into view."""
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")

    def saved_svg(self, page: playwright.Page) -> ET.Element:
        """The SVG picture that the page saves."""
        with page.expect_download() as download:
            page.click("#svg")
        return ET.parse(download.value.path()).getroot()

    def drawn(self, picture: ET.Element, tag: str) -> list[str]:
        """The texts of all SVG elements with a tag."""
        return [element.text or "" for element in picture.iter(f"{{http://www.w3.org/2000/svg}}{tag}")]

    def matrix(self, page: playwright.Page) -> torch.Tensor:
        """The weights in the cell titles of the saved picture, `(T, S)`."""
        titles = self.drawn(self.saved_svg(page), "title")
        cells = torch.tensor([float(title.rpartition(" ")[2].rstrip("%")) for title in titles])
        return (cells / 100).view(-1, page.locator(".src .word").count())

    def shares(self, page: playwright.Page, side: str) -> torch.Tensor:
        """The weights between the words of a side and the chosen word of the other side."""
        attribute = "word => parseFloat(word.getAttribute('aria-description') ?? '0')"
        return torch.tensor(page.evaluate(f"[...document.querySelectorAll('.{side} .word')].map({attribute})")) / 100

    def cell(self, page: playwright.Page, t: int, s: int) -> tuple[float, float]:
        """Screen position of the center of a cell."""
        x, y = page.evaluate(
            "([t, s]) => { const { plan, offset, matrix } = app.panels[0].matrix, box = matrix.getBoundingClientRect();"
            "return [box.left + plan.left + (s + 0.5) * plan.cell - offset.x,"
            "box.top + plan.top + (t + 0.5) * plan.cell - offset.y]; }",
            [t, s],
        )
        return x, y

    def colors(self, page: playwright.Page, *styles: str) -> list[list[int]]:
        """Converts CSS colors to red, green and blue."""
        script = (
            "styles => styles.map(style => { const node = document.body.appendChild(document.createElement('p'));"
            "node.style.color = style; const pen = document.createElement('canvas').getContext('2d');"
            "pen.fillStyle = getComputedStyle(node).color; pen.fillRect(0, 0, 1, 1); node.remove();"
            "return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); })"
        )
        colors: list[list[int]] = page.evaluate(script, list(styles))
        return colors


@pytest.fixture
def reader() -> PageReader:
    """A reader of page content."""
    return PageReader()


@pytest.fixture
def make_record() -> Callable[..., AttentionRecord]:
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
