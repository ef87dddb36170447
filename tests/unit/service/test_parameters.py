"""Parameters of requests: where they are read from, and what becomes of uploaded files."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest

pytest.importorskip("fastapi")  # the extra `serve`

from fastapi import Request
from starlette import formparsers
from starlette.types import Message

from regard.service.errors import ServiceError
from regard.service.parameters import Value, open_parameters


def read(body: bytes, content_type: str, *, method: str = "POST", query: bytes = b"") -> dict[str, Value]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def parameters() -> dict[str, Value]:
        headers = [(b"content-type", content_type.encode())]
        scope = {"type": "http", "method": method, "query_string": query, "headers": headers}
        async with open_parameters(Request(scope, receive)) as values:
            return values

    return asyncio.run(parameters())


def multipart(*parts: str) -> tuple[bytes, str]:
    body = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--x--\r\n"
    return body.encode(), "multipart/form-data; boundary=x"


def test_json_counts_alone_and_a_form_together_with_the_query() -> None:
    assert read(b'{"q": "a"}', "application/json", query=b"source=en") == {"q": "a"}
    assert read(b"q=a&q=b", "application/x-www-form-urlencoded", query=b"source=en") == {
        "q": ["a", "b"],
        "source": "en",
    }
    assert read(b" ", "application/json", method="GET", query=b"q=a") == {"q": "a"}
    assert read(b"a,b", "text/csv", query=b"q=a") == {"q": "a"}


def test_texts_of_a_multipart_body_have_plain_line_ends() -> None:
    assert read(*multipart('name="q"\r\n\r\na\r\nb')) == {"q": "a\nb"}


def test_uploaded_files_are_closed_also_when_the_request_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[SpooledTemporaryFile[bytes]] = []

    def open_file(*arguments: Any, **options: Any) -> SpooledTemporaryFile[bytes]:  # noqa: ANN401
        opened.append(SpooledTemporaryFile(*arguments, **options))  # noqa: SIM115
        return opened[-1]

    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", open_file)
    assert set(read(*multipart('name="q"; filename="a.txt"\r\n\r\na'))) == {"q"}
    assert [file.closed for file in opened] == [True]


def test_a_charset_that_takes_long_to_read_is_refused() -> None:
    body, content_type = multipart('name="q"\r\n\r\na')
    with pytest.raises(ServiceError, match="must be utf-8"):
        read(body, f"{content_type}; charset=punycode")
    assert read(body, f'{content_type}; charset="UTF-8"') == {"q": "a"}
