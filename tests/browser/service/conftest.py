"""Fixtures for tests of the service page: a stand-in server, and a monitored browser page that it serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from service_pages import TIMEOUT, MonitoredContext, OpenService
from stand_in import Script, StandIn, Translators, golden_translators

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which `.[dev]` installs")


@pytest.fixture(scope="session")
def translators() -> Translators:
    """The stored models of the stand-in, loaded once."""
    return golden_translators()


@pytest.fixture
def script(translators: Translators) -> Script:
    """What the stand-in does: it translates, until a test changes it."""
    return Script(dict(translators))


@pytest.fixture
def open_service(browser: Browser) -> Iterator[OpenService]:
    """A function that opens the page with a stand-in of its own; on teardown, no page may have reported an error."""
    opened: list[tuple[MonitoredContext, StandIn]] = []
    playwright.expect.set_options(timeout=1000 * TIMEOUT)

    def open_page(
        script: Script,
        *,
        query: str = "",
        locale: str = "en-US",
        width: int = 1240,
        touch: bool = False,
        clock: bool = False,
        dark: bool = False,
    ) -> Page:
        server = StandIn(script)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale=locale,
            has_touch=touch,
            color_scheme="dark" if dark else "light",
        )
        monitored = MonitoredContext(context, server)
        opened.append((monitored, server))
        if clock:
            monitored.page.clock.install()
        monitored.page.goto(server.address + query)
        return monitored.page

    yield open_page
    for monitored, server in opened:
        monitored.context.close()
        server.shutdown()
        server.server_close()
    assert [fault for monitored, _ in opened for fault in monitored.faults] == []
