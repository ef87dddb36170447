"""Files of the service's web page; it shares some of them with the attention page of `regard.inspection`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_SHARED_SCRIPTS = (
    "texts.js",
    "numbers.js",
    "colors.js",
    "pens.js",
    "matrix.js",
    "sentences.js",
    "heads.js",
    "ranking.js",
    "panel.js",
    "display.js",
    "saving.js",
)
_OWN_SCRIPTS = (
    "strings.js",
    "storage.js",
    "interface.js",
    "api.js",
    "pickers.js",
    "output.js",
    "terms.js",
    "alternatives.js",
    "own.js",
    "attention.js",
    "notice.js",
    "history.js",
    "files.js",
    "service.js",
)
"""Scripts in dependency order; the shared ones come first."""
PAGE = "index.html"
"""Name of the page itself, which is served at `/`."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy of the page."""
_SHARED = ("regard.inspection", (*_SHARED_SCRIPTS, "page.css"))
_OWN = (__package__, (*_OWN_SCRIPTS, "service.css", "icon.svg", PAGE))
_PACKAGES = {name: package for package, names in (_SHARED, _OWN) for name in names}
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
NAMES = tuple(_PACKAGES)
"""Names of all files."""


@cache
def asset(name: str) -> tuple[bytes, str]:
    """Reads a file of the service's web page, such as a script or a style sheet.

    Args:
        name: Name of the file, such as `index.html`; one of `NAMES`.

    Returns:
        The content of the file, and its media type.

    Raises:
        KeyError: There is no file of this name.
    """
    content = _read(_PACKAGES[name], name)
    if name == PAGE:
        tags = (f'<script defer src="page/{script}"></script>' for script in (*_SHARED_SCRIPTS, *_OWN_SCRIPTS))
        content = content.replace(b"{{scripts}}", "\n".join(tags).encode("ascii"))
        content = content.replace(b"{{panel}}", _read("regard.inspection", "panel.html"))
    return content, _MEDIA_TYPES[name.rpartition(".")[2]]


def _read(package: str, name: str) -> bytes:
    return (files(package) / "page" / name).read_bytes()
