"""A real browser, where there is one: Debian's chromium, driven by Playwright, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from regard.inspection.html import render
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
        if url != own:
            self.faults.append(f"request: {url}")


@pytest.fixture
def open_page(browser: playwright.Browser, tmp_path: Path) -> Iterator[Callable[..., playwright.Page]]:
    """What opens records in a browser; afterwards no page may have complained."""
    opened: list[tuple[playwright.BrowserContext, Watched]] = []

    def open_records(*records: AttentionRecord, title: str = "Attention", **context: object) -> playwright.Page:
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(render(records, title=title), encoding="ascii")
        context.setdefault("viewport", {"width": 1240, "height": 900})
        made = browser.new_context(**context)
        opened.append((made, Watched(made.new_page(), path)))
        return opened[-1][1].page

    yield open_records
    for context, _ in opened:
        context.close()
    assert [fault for _, watched in opened for fault in watched.faults] == []


def make_record(src: str, tgt: str, *, layers: int = 1, heads: int = 1, seed: int = 1) -> AttentionRecord:
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


@pytest.fixture
def two_heads() -> AttentionRecord:
    """One layer of two heads."""
    return make_record("a b", "c d", heads=2)


@pytest.fixture
def day() -> AttentionRecord:
    """One matrix, as an RNN has it."""
    return make_record("How was your day|?", "Comment s'|est pass|ée ta journ|ée ?")


@pytest.fixture
def transformer() -> AttentionRecord:
    """Four layers of four heads, and Korean."""
    return make_record("My sister reads a book|.", "여동생|은 책|을 읽|어요|.", layers=4, heads=4)


@pytest.fixture
def sixty() -> AttentionRecord:
    """Sixty words a side, eight layers of eight heads."""
    src, tgt = (" ".join(f"{stem}{number}" for number in range(60)) for stem in ("word", "mot"))
    return make_record(src, tgt, layers=8, heads=8)
