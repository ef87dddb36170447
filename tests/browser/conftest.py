"""A real browser, where there is one: Debian's chromium, driven by Playwright, without a network."""

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
    """One chromium for all tests of a session."""
    path = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield launched
        launched.close()


PATIENCE = 1800
"""Seconds after which a test gives up; only so that nothing waits for ever."""


class Watched:
    """A page that was opened from a file, and all that it complained of or asked the network for."""

    def __init__(self, page: playwright.Page, path: Path) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda message: self.faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._note(request.url, path.as_uri()))
        page.goto(path.as_uri())

    def _note(self, url: str, own: str) -> None:
        if url != own and not url.startswith("blob:file:///"):  # what is saved was made in the page
            self.faults.append(f"request: {url}")


@pytest.fixture
def open_page(browser: playwright.Browser, tmp_path: Path) -> Iterator[Callable[..., playwright.Page]]:
    """What opens records in a browser; afterwards no page may have complained."""
    opened: list[tuple[playwright.BrowserContext, Watched]] = []

    def open_records(
        *records: AttentionRecord,
        beside: dict[str, list[AttentionRecord]] | None = None,
        title: str = "Attention",
        **context: object,
    ) -> playwright.Page:
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(render_comparison(beside or {"": list(records)}, title=title), encoding="ascii")
        context.setdefault("viewport", {"width": 1240, "height": 900})
        made = browser.new_context(**context)
        made.set_default_timeout(1000 * PATIENCE)
        opened.append((made, Watched(made.new_page(), path)))
        return opened[-1][1].page

    yield open_records
    for context, _ in opened:
        context.close()
    assert [fault for _, watched in opened for fault in watched.faults] == []


def random_record(src: str, tgt: str, *, layers: int = 1, heads: int = 1, seed: int = 1) -> AttentionRecord:
    """Random weights over two sentences whose words are cut by `|`."""
    encodings = []
    for cuts in (src, tgt):
        pieces, spans, place = [], [], 0
        for number, word in enumerate(cuts.split(" ")):
            place += number > 0
            for inner, piece in enumerate(word.split("|")):
                pieces.append(piece if inner else "▁" + piece)
                spans.append((place, place + len(piece)))
                place += len(piece)
        encodings.append(Encoding(cuts.replace("|", ""), tuple(range(len(pieces))), tuple(pieces), tuple(spans)))
    generator = torch.Generator().manual_seed(seed)
    shape = (heads, len(encodings[1].ids) + 1, len(encodings[0].ids) + 1)
    weights = tuple(torch.softmax(3 * torch.randn(shape, generator=generator), dim=-1) for _ in range(layers))
    return AttentionRecord(encodings[0], encodings[1], weights)


class Look:
    """What is to be seen on a page, of its first panel unless told otherwise."""

    def texts(self, page: playwright.Page, selector: str) -> list[str]:
        """The texts of elements."""
        found: list[str] = page.eval_on_selector_all(selector, "all => all.map(one => one.textContent)")
        return found

    def settled(self, page: playwright.Page, script: str, ready: Callable[..., bool]) -> object:
        """What a script gives as soon as it is ready."""
        until = time.monotonic() + PATIENCE
        while not ready(found := page.evaluate(script)):  # wait_for_function evaluates text, which the page forbids
            assert time.monotonic() < until, found
            page.wait_for_timeout(50)
        return found

    def drawn_again(self, page: playwright.Page) -> None:
        """Waits until the browser has drawn the page twice, and so has told it what came into sight."""
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")

    def saved_svg(self, page: playwright.Page) -> ET.Element:
        """The picture that the page saves."""
        with page.expect_download() as download:
            page.click("#svg")
        return ET.parse(download.value.path()).getroot()

    def drawn(self, picture: ET.Element, tag: str) -> list[str]:
        """The texts of a picture's elements."""
        return [one.text or "" for one in picture.iter(f"{{http://www.w3.org/2000/svg}}{tag}")]

    def matrix(self, page: playwright.Page) -> torch.Tensor:
        """The weights that the saved picture's cells tell, `(T, S)`."""
        told = self.drawn(self.saved_svg(page), "title")
        cells = torch.tensor([float(one.rpartition(" ")[2].rstrip("%")) for one in told])
        return (cells / 100).view(-1, page.locator(".src .word").count())

    def shares(self, page: playwright.Page, side: str) -> torch.Tensor:
        """What each word of a side is said to have got from the chosen word of the other."""
        attribute = "one => parseFloat(one.getAttribute('aria-description') ?? '0')"
        return torch.tensor(page.evaluate(f"[...document.querySelectorAll('.{side} .word')].map({attribute})")) / 100

    def cell(self, page: playwright.Page, t: int, s: int) -> tuple[float, float]:
        """Where the middle of a cell is on the screen."""
        x, y = page.evaluate(
            "([t, s]) => { const { plan, offset, matrix } = app.panels[0].matrix, box = matrix.getBoundingClientRect();"
            "return [box.left + plan.left + (s + 0.5) * plan.cell - offset.x,"
            "box.top + plan.top + (t + 0.5) * plan.cell - offset.y]; }",
            [t, s],
        )
        return x, y

    def colors(self, page: playwright.Page, *styles: str) -> list[list[int]]:
        """What CSS colors are in red, green and blue."""
        script = (
            "styles => styles.map(style => { const one = document.body.appendChild(document.createElement('p'));"
            "one.style.color = style; const pen = document.createElement('canvas').getContext('2d');"
            "pen.fillStyle = getComputedStyle(one).color; pen.fillRect(0, 0, 1, 1); one.remove();"
            "return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); })"
        )
        found: list[list[int]] = page.evaluate(script, list(styles))
        return found


@pytest.fixture
def look() -> Look:
    """What reads a page."""
    return Look()


@pytest.fixture
def make_record() -> Callable[..., AttentionRecord]:
    """What makes a random record of two sentences."""
    return random_record


@pytest.fixture
def two_heads() -> AttentionRecord:
    """One layer of two heads."""
    return random_record("a b", "c d", heads=2)


@pytest.fixture
def day() -> AttentionRecord:
    """One matrix, as an RNN has it."""
    return random_record("How was your day|?", "Comment s'|est pass|ée ta journ|ée ?")


@pytest.fixture
def transformer() -> AttentionRecord:
    """Four layers of four heads, and Korean."""
    return random_record("My sister reads a book|.", "여동생|은 책|을 읽|어요|.", layers=4, heads=4)


@pytest.fixture
def sixty() -> AttentionRecord:
    """Sixty words a side, eight layers of eight heads."""
    src, tgt = (" ".join(f"{stem}{number}" for number in range(60)) for stem in ("word", "mot"))
    return random_record(src, tgt, layers=8, heads=8)
