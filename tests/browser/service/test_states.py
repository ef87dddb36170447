"""Every state of the service page: accessible by the rules of axe-core, and without overflow in three languages.

The browser is as wide as a phone, a tablet and a desk screen, light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from service_pages import OpenService, upload
from stand_in import Failure, Script

if TYPE_CHECKING:
    from playwright.sync_api import Page

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which `.[dev]` installs")
expect = playwright.expect

State = Callable[["Page", Script], None]
"""Brings a page into a state."""
CAT = "The cat sees a dog."
TRAINING = {"state": "training", "step": 1240, "steps": 3000, "seconds_left": 130, "message": ""}


def type_text(page: Page, text: str = CAT) -> None:
    page.fill("#source", text)
    expect(page.locator("#attention .src .word").first).to_be_visible()


def empty(page: Page, script: Script) -> None:
    expect(page.locator("#examples button").first).to_be_visible()


def recurrent(page: Page, script: Script) -> None:
    page.select_option("#from", "fr")
    type_text(page, "Le chat voit un chien.")


def transformer(page: Page, script: Script) -> None:
    type_text(page)


def several(page: Page, script: Script) -> None:
    type_text(page, f"{CAT} Anna likes this small house.\nBoris sees a black dog!")
    page.locator("#attention .src .word").nth(1).click()


def alternatives(page: Page, script: Script) -> None:
    type_text(page)
    page.locator("#translation .run").nth(2).click()
    expect(page.locator("#alternatives-list button").first).to_be_focused()


def own_translation(page: Page, script: Script) -> None:
    type_text(page)
    page.click("#own-mode")
    page.fill("#own", "Un chien voit le chat.")
    expect(page.locator("#own-score")).to_contain_text("9")


def training(page: Page, script: Script) -> None:
    expect(page.locator("#notice progress")).to_be_visible()


def no_model(page: Page, script: Script) -> None:
    expect(page.locator("#notice")).to_be_visible()


def failing(failure: Failure, count: int = 1) -> State:
    def state(page: Page, script: Script) -> None:
        type_text(page)
        script.failures = [("", failure)] * count
        page.fill("#source", "Boris sees a black dog!")
        expect(page.locator("#notice")).to_be_visible()

    return state


def too_long(page: Page, script: Script) -> None:
    page.fill("#source", CAT * 3)
    expect(page.locator("#notice")).to_be_visible()


def key_needed(page: Page, script: Script) -> None:
    page.fill("#source", CAT)
    expect(page.locator("#key")).to_be_visible()


def file_translation(page: Page, script: Script) -> None:
    page.check("#kind [value=file]", force=True)
    upload(page, "picture.png")
    upload(page, "a story with a long name.txt")
    expect(page.locator("#jobs .state").first).to_contain_text("400")
    script.file = {"state": "done", "done": 400, "total": 400, "error": None}
    upload(page, "a story with a long name.txt")
    expect(page.locator("#jobs .as-button").first).to_be_visible()


def history(page: Page, script: Script) -> None:
    entry = "{ text: 'The cat sees a dog.', translation: 'Le chat voit un chien.', from: 'en', to: 'fr' }"
    page.evaluate(f"localStorage.setItem('regard.history', JSON.stringify([{entry}, {entry}]))")
    page.click("#open-history")
    expect(page.locator("#history-list .entry").first).to_be_visible()


def pivoted(page: Page, script: Script) -> None:
    page.fill("#source", CAT)
    expect(page.locator("#attention-note")).to_be_visible()


RUNNING = {"state": "running", "done": 120, "total": 400, "error": None}
STATES: Mapping[str, tuple[State, Mapping[str, object]]] = {
    "empty": (empty, {}),
    "recurrent": (recurrent, {}),
    "transformer": (transformer, {}),
    "several": (several, {}),
    "alternatives": (alternatives, {}),
    "own translation": (own_translation, {}),
    "training": (training, {"languages": False, "demo": TRAINING}),
    "no model": (no_model, {"languages": False}),
    "offline": (failing(Failure(0), 1000), {"expected": ["net::ERR"]}),
    "busy": (failing(Failure(429, retry_after="1000")), {"expected": ["429"]}),
    "error": (failing(Failure(500)), {"expected": ["500"]}),
    "too long": (too_long, {"settings": {"charLimit": 20}}),
    "key needed": (key_needed, {"key": "secret", "expected": ["403"]}),
    "files": (file_translation, {"file": RUNNING}),
    "history": (history, {}),
    "pivoted": (pivoted, {"path": ["en", "ko", "fr"], "attention": False}),
}
WIDTHS = (360, 768, 1440)
OUTSIDE = """[...document.querySelectorAll('body *')]
    .filter(node => node.checkVisibility() && !node.closest('.tiles, .scroller, .unseen, svg'))
    .filter(node => { const { width, left, right } = node.getBoundingClientRect();
        return width && (left < -1 || right > innerWidth + 1); })
    .map(node => node.outerHTML.slice(0, 80))"""
"""Script that finds elements beyond the edges of the screen."""
CUT = """[...document.querySelectorAll('button, label, h1, h2, .foot span')]
    .filter(node => node.checkVisibility() && node.clientWidth && !node.closest('.tiles'))
    .filter(node => node.scrollWidth > node.clientWidth + 1)
    .map(node => node.outerHTML.slice(0, 80))"""
"""Script that finds labels that do not fit their element."""


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_accessible(open_service: OpenService, script: Script, name: str) -> None:
    reach, changes = STATES[name]
    for field, value in changes.items():
        setattr(script, field, value)
    page = open_service(script)
    reach(page, script)
    # Colors change gradually, and would be judged half-way.
    page.evaluate("document.getAnimations().forEach(animation => animation.finish())")
    violations = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if name == "alternatives":  # closes when the window changes
            alternatives(page, script)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for violation in Axe().run(page).response["violations"]:
                nodes = [node["target"] for node in violation["nodes"]]
                violations.append((width, scheme, violation["id"], nodes))
    assert violations == []


@pytest.mark.parametrize("name", STATES)
def test_every_state_fits_in_every_language(open_service: OpenService, script: Script, name: str) -> None:
    """Nothing sticks out of a phone's screen, and no label is cut off."""
    reach, changes = STATES[name]
    for field, value in changes.items():
        setattr(script, field, value)
    page = open_service(script, width=360)
    reach(page, script)
    for language in ("en", "ko", "fr"):
        page.evaluate(f"setInterface({language!r}); service.relabel()")
        outside, cut = page.evaluate(OUTSIDE), page.evaluate(CUT)
        assert (language, outside, cut) == (language, [], [])
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
