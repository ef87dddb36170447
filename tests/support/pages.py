"""The attention page in a browser: opened, monitored and read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from xml.etree import ElementTree as ET

import torch

from regard.inspection.record import AttentionRecord

if TYPE_CHECKING:  # may not be installed
    from playwright.sync_api import Dialog, FloatRect, Locator, Page, ViewportSize

Scheme = Literal["light", "dark"]


class OpenPage(Protocol):
    """Opens records in the browser, side by side if they are of several models."""

    def __call__(
        self,
        *records: AttentionRecord,
        beside: Mapping[str, list[AttentionRecord]] | None = None,
        title: str = "Attention",
        color_scheme: Scheme | None = None,
        has_touch: bool = False,
        viewport: ViewportSize | None = None,
    ) -> Page: ...


TIMEOUT = 1800
"""Timeout in seconds, only so that no test hangs forever."""


class MonitoredPage:
    """A page opened from a file, with all errors it reported and all requests it made."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda message: self.faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: self._note(request.url, path.as_uri()))
        page.goto(path.as_uri())

    def _dismiss(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, url: str, own: str) -> None:
        if url != own and not url.startswith("blob:file:///"):  # downloads are generated in the page
            self.faults.append(f"request: {url}")


class PageReader:
    """Reads the visible content of a page, of its first panel unless stated otherwise."""

    def texts(self, page: Page, selector: str) -> list[str]:
        """The texts of elements."""
        texts: list[str] = page.eval_on_selector_all(selector, "all => all.map(node => node.textContent)")
        return texts

    def text(self, page: Page, selector: str) -> str:
        """The text of the first element."""
        text = page.text_content(selector)
        assert text is not None
        return text

    def box(self, element: Locator) -> FloatRect:
        """Position and size of an element that is drawn, in pixels."""
        box = element.bounding_box()
        assert box is not None
        return box

    def settled(self, page: Page, script: str, ready: Callable[..., bool]) -> object:
        """Evaluates a script until its result is ready, and returns the result."""
        until = time.monotonic() + TIMEOUT
        while not ready(result := page.evaluate(script)):  # wait_for_function uses eval, which the page forbids
            assert time.monotonic() < until, result
            page.wait_for_timeout(50)
        return result

    def wait_for_frames(self, page: Page) -> None:
        """Waits for two animation frames, after which the page knows what has scrolled into view."""
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")

    def saved_svg(self, page: Page) -> ET.Element:
        """The SVG picture that the page saves."""
        with page.expect_download() as download:
            page.click("#svg")
        return ET.parse(download.value.path()).getroot()

    def drawn(self, picture: ET.Element, tag: str) -> list[str]:
        """The texts of all SVG elements with a tag."""
        return [element.text or "" for element in picture.iter(f"{{http://www.w3.org/2000/svg}}{tag}")]

    def matrix(self, page: Page) -> torch.Tensor:
        """The weights in the cell titles of the saved picture, `(T, S)`."""
        titles = self.drawn(self.saved_svg(page), "title")
        cells = torch.tensor([float(title.rpartition(" ")[2].rstrip("%")) for title in titles])
        return (cells / 100).view(-1, page.locator(".src .word").count())

    def shares(self, page: Page, side: str) -> torch.Tensor:
        """The weights between the words of a side and the chosen word of the other side."""
        attribute = "word => parseFloat(word.getAttribute('aria-description') ?? '0')"
        return torch.tensor(page.evaluate(f"[...document.querySelectorAll('.{side} .word')].map({attribute})")) / 100

    def cell(self, page: Page, t: int, s: int) -> tuple[float, float]:
        """Screen position of the center of a cell."""
        x, y = page.evaluate(
            "([t, s]) => { const { plan, offset, matrix } = app.panels[0].matrix, box = matrix.getBoundingClientRect();"
            "return [box.left + plan.left + (s + 0.5) * plan.cell - offset.x,"
            "box.top + plan.top + (t + 0.5) * plan.cell - offset.y]; }",
            [t, s],
        )
        return x, y

    def colors(self, page: Page, *styles: str) -> list[list[int]]:
        """Converts CSS colors to red, green and blue."""
        script = (
            "styles => styles.map(style => { const node = document.body.appendChild(document.createElement('p'));"
            "node.style.color = style; const pen = document.createElement('canvas').getContext('2d');"
            "pen.fillStyle = getComputedStyle(node).color; pen.fillRect(0, 0, 1, 1); node.remove();"
            "return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); })"
        )
        colors: list[list[int]] = page.evaluate(script, list(styles))
        return colors
