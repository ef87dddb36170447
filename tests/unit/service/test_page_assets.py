"""The files of the service page: all are there, only they are given out, and nothing in them needs another server."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from regard.service.page_assets import NAMES, PAGE, POLICY, asset


class Reader(HTMLParser):
    """Collects tags with their attributes, and the texts of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.inline += data.strip()


def page() -> Reader:
    return Reader(asset(PAGE)[0].decode("utf-8"))


def test_every_file_has_a_media_type() -> None:
    types = {name: asset(name)[1] for name in NAMES}
    assert types[PAGE] == "text/html; charset=utf-8"
    assert types["service.js"] == types["matrix.js"] == "text/javascript; charset=utf-8"
    assert types["page.css"] == types["service.css"] == "text/css; charset=utf-8"
    assert types["icon.svg"] == "image/svg+xml"


@pytest.mark.parametrize(
    "name", ["", "nothing.js", "../page_assets.py", "page/../../__init__.py", "/etc/passwd", "page.html", "\0"]
)
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(KeyError):
        asset(name)


def test_every_file_of_the_page_is_given_out() -> None:
    own = {path.name for path in (files("regard.service") / "page").iterdir()}
    assert own - set(NAMES) == set()


def test_the_page_loads_files_that_exist_and_nothing_else() -> None:
    loaded = [
        attributes.get("src") or attributes.get("href") or ""
        for tag, attributes in page().tags
        if tag in ("script", "link", "img")
    ]
    assert len(loaded) > 20
    assert [address for address in loaded if address.removeprefix("page/") not in NAMES] == []
    scripts = [attributes["src"] for tag, attributes in page().tags if tag == "script"]
    assert [f"page/{name}" for name in NAMES if name.endswith(".js")] == scripts


def test_nothing_is_inline() -> None:
    """The policy allows no inline script, style or handler."""
    reader = page()
    assert reader.inline == ""
    names = {name for _, attributes in reader.tags for name in attributes}
    assert "style" not in names
    assert [name for name in names if name.startswith("on")] == []
    assert "unsafe" not in POLICY


def test_texts_of_users_enter_as_text_only() -> None:
    for name in NAMES:
        if name.endswith(".js"):
            source = asset(name)[0].decode("utf-8")
            assert (
                re.findall(
                    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", source
                )
                == []
            ), name


def test_no_address_of_another_server() -> None:
    for name in NAMES:
        addresses = re.findall(r"https?://[^\s\"']+", asset(name)[0].decode("utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, name
