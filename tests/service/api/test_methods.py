"""HTTP methods, and requests from pages of other servers."""

from __future__ import annotations

import httpx
import pytest


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/translate", {"POST"}),
        ("/languages", {"GET", "HEAD"}),
        ("/v1/files/x", {"GET", "HEAD", "DELETE"}),
    ],
)
def test_the_header_allow(http: httpx.Client, path: str, allowed: set[str]) -> None:
    for method, status in (("PATCH", 405), ("OPTIONS", 200)):
        answer = http.request(method, path)
        assert answer.status_code == status
        assert set(answer.headers["allow"].split(", ")) == allowed | {"OPTIONS"}


def test_options_of_an_unknown_path(http: httpx.Client) -> None:
    assert http.options("/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/translate", "/v1/translate", "/translate_file", "/v1/files/x"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_preflight(http: httpx.Client, path: str, method: str) -> None:
    headers = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = http.options(path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type"} <= set(allowed)
    assert answer.headers["access-control-max-age"] == "1728000"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [("GET", "/languages"), ("POST", "/translate"), ("GET", "/nothing")])
def test_pages_of_other_servers_may_read_answers(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path, headers={"Origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["/", "/health", "/languages", "/spec", "/ready"])
def test_head(http: httpx.Client, path: str) -> None:
    head, get = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))


def test_head_of_a_route_without_get(http: httpx.Client) -> None:
    assert http.head("/translate").status_code == 405
