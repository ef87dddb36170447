"""The page of the service in a browser: opened and monitored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # may not be installed
    from playwright.sync_api import BrowserContext, Dialog, FilePayload, Page
    from stand_in import Script, StandIn

TIMEOUT = 1800
"""Timeout in seconds, only so that no test hangs forever."""


class OpenService(Protocol):
    """Opens the page, served by a stand-in that does what the script says."""

    def __call__(
        self,
        script: Script,
        *,
        query: str = "",
        locale: str = "en-US",
        width: int = 1240,
        touch: bool = False,
        clock: bool = False,
        dark: bool = False,
    ) -> Page: ...


def upload(page: Page, name: str, content: bytes = b"x") -> None:
    """Chooses a file to translate.

    Args:
        page: The page, which shows its files.
        name: Name of the file.
        content: Content of the file.
    """
    file: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.set_input_files("#file", [file])


class MonitoredContext:
    """A browser context with one page, all errors that the page reported, and requests to other servers.

    The browser itself reports every failed request. These are no errors of the page if the script says that they are
    expected, as it must for failures that the stand-in answers with.
    """

    def __init__(self, context: BrowserContext, server: StandIn) -> None:
        self.context, self.server = context, server
        self.faults: list[str] = []
        context.set_default_timeout(1000 * TIMEOUT)
        self.page = context.new_page()
        self.page.on("console", lambda message: self._note(message.text))
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self._note_request(request.url))

    def _note(self, text: str) -> None:
        expected = self.server.script.expected
        if not (text.startswith("Failed to load resource") and any(part in text for part in expected)):
            self.faults.append(text)

    def _note_request(self, url: str) -> None:
        own = self.server.address
        if not url.startswith((own, f"blob:{own}", "data:")):
            self._note(f"request: {url}")

    def _dismiss(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()
