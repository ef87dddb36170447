"""The service refuses what is made to harm it, each with its status, and goes on serving others."""

from __future__ import annotations

import io
import json
import resource
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from served import MODELS, WAIT, Served, read_all, serving, status_of

HEADERS_SECONDS, BODY_LIMIT, MAX_CONNECTIONS = 1.5, 300_000, 100
TRANSLATE = b"POST /translate HTTP/1.1\r\nHost: x\r\n"
IDLE = 1_200
"""Idle connections beside a normal client."""
GENEROUS = 20.0
"""Seconds that a busy machine may take for what takes one or two."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with short time limits."""
    limits = {
        "header_seconds": HEADERS_SECONDS,
        "body_seconds": 1.5,
        "body_rate": 1000,
        "idle_seconds": 2,
        "max_connections": MAX_CONNECTIONS,
        "body_limit": BODY_LIMIT,
        "file_limit": BODY_LIMIT,
    }
    settings = [part for name, value in limits.items() for part in ("--set", f"{name}={value}")]
    model = f"en-fr={MODELS / 'transformer'}"
    with serving("--model", model, *settings, directory=tmp_path_factory.mktemp("attacks")) as server:
        yield server


@pytest.fixture(autouse=True)
def _serves_others(server: Served) -> Iterator[None]:
    """After each attack, a normal request is answered, and nothing broke inside."""
    yield
    assert server.translate("a b")[0] == 200
    log = server.whole_log()
    assert "Traceback" not in log
    assert "ASGI" not in log


NOT_HTTP = {
    "bytes": b"\x00\x01\x02\r\n\r\n",
    "terminal escapes": b"G\x1b[31mT / HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the target": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    "line end in a header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
    "space in a header's name": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "two lengths": TRANSLATE + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": TRANSLATE + b"Content-Length: 3, 4\r\n\r\nabcd",
    "a negative length": TRANSLATE + b"Content-Length: -1\r\n\r\n",
    "a length of 5,000 digits": TRANSLATE + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "length and chunks": TRANSLATE + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "broken chunks": TRANSLATE + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "tiny chunks": TRANSLATE + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 20_000,
}


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_not_http_is_refused(server: Served, data: bytes) -> None:
    answer = server.raw(data)
    assert status_of(answer) == 400
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "invalid_http"


def test_an_unknown_transfer_coding_is_refused(server: Served) -> None:
    answer = server.raw(TRANSLATE + b"Transfer-Encoding: gzip, chunked\r\n\r\n")
    assert status_of(answer) == 501


def test_a_compressed_body_is_refused(server: Served) -> None:
    status, _, body = server.request("POST", "/translate", b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert (status, json.loads(body)["code"]) == (415, "compressed_body")


@pytest.mark.parametrize(
    "headers",
    [b"A: " + b"b" * 30_000, b"A: " + b"b" * 2_000_000, b"A: b\r\n" * 50_000],
    ids=["one header of 30 kB", "one header of 2 MB", "50,000 headers"],
)
def test_too_large_headers_are_refused(server: Served, headers: bytes) -> None:
    answer = server.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n")
    assert status_of(answer) == 431


def test_headers_just_below_the_limit_are_accepted(server: Served) -> None:
    assert server.get("/health", A="b" * 15_000)[0] == 200


def test_a_larger_body_is_refused_and_the_client_can_read_why(server: Served) -> None:
    status, _, body = server.request("POST", "/translate", b"q=" + b"a" * 20 * BODY_LIMIT)
    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_a_body_of_the_largest_size_is_read(server: Served) -> None:
    body = b"q=" + b"a" * (BODY_LIMIT - 2)
    assert server.request("POST", "/translate", body)[0] == 400  # for its characters, not for its size


def test_a_larger_body_in_chunks_is_refused(server: Served) -> None:
    chunks = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    data = TRANSLATE + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks * 40 + b"0\r\n\r\n"
    assert status_of(server.raw(data)) == 413


def test_a_larger_body_is_not_asked_for(server: Served) -> None:
    answer = server.raw(TRANSLATE + b"Expect: 100-continue\r\nContent-Length: 900000\r\n\r\n")
    assert status_of(answer) == 413


def test_a_body_that_is_asked_for_is_read(server: Served) -> None:
    body = b"q=a&source=en&target=fr"
    head = TRANSLATE + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    with server.connect() as connection:
        connection.sendall(head)
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert status_of(read_all(connection)) == 200


def test_a_body_that_nobody_reads_is_not_read_forever(server: Served) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n\r\n")
        sent = 0
        with suppress(ConnectionError):
            while sent < 1 << 30:
                sent += connection.send(b"a" * (1 << 20))
        assert sent < 1 << 28


def test_slow_headers_are_refused(server: Served) -> None:
    with server.connect() as connection:
        start = time.monotonic()
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        with suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(b"A: b\r\n")
                time.sleep(0.2)
        assert status_of(read_all(connection)) in (408, 0)  # 0: what was sent afterwards reset the connection
        assert time.monotonic() - start < GENEROUS
    assert any(entry["status"] == 408 for entry in server.events("refused"))


def test_a_slow_body_is_refused(server: Served) -> None:
    with server.connect() as connection:
        connection.sendall(TRANSLATE + b"Content-Length: 10000\r\n\r\nq=" + b"a" * 3000)  # a fast start does not help
        assert status_of(read_all(connection)) == 408


def test_a_body_that_is_slow_but_fast_enough_is_accepted(server: Served) -> None:
    body = b"q=a&source=en&target=fr&comment=" + b"c" * 20_000
    with server.connect() as connection:
        connection.sendall(TRANSLATE + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 1500):  # longer in all than a slow body is waited for
            connection.sendall(body[start : start + 1500])
            time.sleep(0.25)
        assert status_of(read_all(connection)) == 200


def test_a_silent_connection_is_closed(server: Served) -> None:
    with server.connect() as connection:
        assert read_all(connection) == b""


def test_a_connection_is_closed_when_no_further_request_comes(server: Served) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        start = time.monotonic()
        assert status_of(read_all(connection)) == 200
        assert 1.0 < time.monotonic() - start < GENEROUS


def test_a_client_that_does_not_read_is_cut_off(server: Served) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(WAIT)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        time.sleep(5.0)
        num_received = len(read_all(connection))
    whole = len(server.get("/openapi.json")[2])
    assert num_received < 200 * whole


def test_pipelined_requests_are_answered_in_order(server: Served) -> None:
    first = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = server.raw(first * 50 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 50
    assert answer.rindex(b"HTTP/1.1 200") < answer.index(b"HTTP/1.1 404")


def test_a_refused_request_hides_no_further_one(server: Served) -> None:
    hidden = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = server.raw(TRANSLATE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden)
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "target", [b"http://evil.example/health", b"*", b"evil.example:443", b"//evil.example/", b"/%00"]
)
@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"CONNECT", b"TRACE"])
def test_odd_targets_are_not_found(server: Served, method: bytes, target: bytes) -> None:
    answer = server.raw(method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status_of(answer) in (200, 400, 404, 405)
    assert b"evil" not in answer


@pytest.mark.parametrize("host", [b"[", b"a b", b"x?q=1#", b"<script>", b"\xff", b":99999"])
def test_an_odd_host_breaks_nothing(server: Served, host: bytes) -> None:
    data = b"POST /translate?q=a&source=en&target=fr HTTP/1.1\r\nHost: " + host
    answer = server.raw(data + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert status_of(answer) in (200, 400)


def test_many_idle_connections_keep_nobody_out(server: Served) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = IDLE + 200
    if soft < limit and hard != resource.RLIM_INFINITY and hard < limit:
        pytest.skip(f"at most {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
    try:
        with ExitStack() as stack:
            for number in range(IDLE):
                connection = stack.enter_context(server.connect())
                if number % 2:
                    connection.sendall(b"GET / HTTP/1.1\r\n")
                if number % 100 == 0:
                    assert server.translate("a b")[0] == 200
            assert server.translate("a b")[0] == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_beyond_the_limit_are_refused_if_all_are_busy(tmp_path: Path) -> None:
    arguments = ["--model", f"en-fr={MODELS / 'transformer'}", "--set", "max_connections=3"]
    with serving(*arguments, directory=tmp_path) as server, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(server.connect()).sendall(TRANSLATE + b"Content-Length: 9\r\n\r\n")
        time.sleep(0.5)
        answer = server.raw(b"")
        assert status_of(answer) == 503
        assert b"retry-after" in answer


def test_memory_stays_flat_when_requests_are_refused(server: Served) -> None:
    def attack() -> None:
        for _ in range(250):
            server.raw(b"GET / HTTP/1.1\r\nA: " + b"b" * 40_000)
            server.request("GET", f"/nowhere/{time.monotonic_ns()}")
            server.request("POST", "/translate", b"q=" + b"a" * 2 * BODY_LIMIT)
            server.request("POST", "/translate", b"{", {"Content-Type": "application/json"})

    attack()
    before = server.memory
    attack()
    assert server.memory - before < 8 << 20


# Content


def test_scripts_come_back_as_text(server: Served) -> None:
    status, headers, body = server.request("POST", "/translate", b"q=<script>alert(1)</script>&source=en&target=fr")
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    json.loads(body)


def test_scripts_in_errors_come_back_as_text(server: Served) -> None:
    for path in ("/%3Cscript%3E", "/download_file/%3Cscript%3E", "/page/%3Cscript%3E"):
        status, headers, _ = server.get(path)
        assert (status, headers["content-type"]) == (404, "application/json")
    status, headers, _ = server.translate("a", target="<script>")
    assert (status, headers["content-type"]) == (400, "application/json")


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "rot13", "zlib", "undefined", "x" * 5000])
def test_odd_character_sets_take_no_time(server: Served, charset: str) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n' + b"a-" * 100_000 + b"\r\n--x--\r\n"
    start = time.monotonic()
    kind = f'multipart/form-data; boundary=x; charset="{charset}"'
    status, _, body = server.request("POST", "/translate", part, {"Content-Type": kind})
    assert (status, json.loads(body)["code"]) == (400, "unsupported_charset")
    assert time.monotonic() - start < GENEROUS


@pytest.mark.parametrize("path", ["/translate", "/v1/translate"])
@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 50_000, b'{"q": ' + b"9" * 100_000 + b"}", b"\xff\xfe", b'"\\ud800"', b"[]" * 100_000],
    ids=["lists", "objects", "a long number", "no UTF-8", "a surrogate", "many values"],
)
def test_odd_json_is_refused(server: Served, path: str, body: bytes) -> None:
    status, _, answer = server.request("POST", path, body, {"Content-Type": "application/json"})
    assert status in (400, 422)
    assert "error" in json.loads(answer)


def test_many_parts_and_fields_are_refused(server: Served) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\na\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert server.request("POST", "/translate", part * 2000 + b"--x--\r\n", kind)[0] == 400
    assert server.request("POST", "/translate", b"q=a&" * 20_000)[0] == 400


# Files


def upload(server: Served, name: str, content: bytes, **fields: str) -> tuple[int, dict[str, str], bytes]:
    """Sends a file to be translated."""
    parts = {"source": "en", "target": "fr", **fields}
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in parts.items()
    )
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return server.request(
        "POST",
        "/translate_file",
        body + head + content + b"\r\n--x--\r\n",
        {"Content-Type": "multipart/form-data; boundary=x"},
    )


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd.txt",
        "..\\\\..\\\\a.txt",
        "/etc/a.txt",
        "a\x1b[31m.txt",
        "a/../b.txt",
        "%2e%2e%2fa.txt",
        "é'.txt",
    ],
)
def test_names_of_files_lead_nowhere(server: Served, name: str) -> None:
    status, _, body = upload(server, name, b"a b")
    assert status == 200
    path = "/" + json.loads(body)["translatedFileUrl"].split("/", 3)[3]
    assert path.startswith("/download_file/")
    assert path.count("/") == 2
    status, headers, _ = server.get(path)
    assert status == 200
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert headers["content-disposition"].isprintable()


@pytest.mark.parametrize("name", ["a.exe", "", "..", "txt", "a.txt\x00.exe", "a.txt/"])
def test_other_files_are_refused(server: Served, name: str) -> None:
    assert upload(server, name, b"a b")[0] in (200, 400) if name == "a.txt/" else upload(server, name, b"a b")[0] == 400


@pytest.mark.parametrize(
    "path",
    ["/download_file/", "/download_file/..", "/download_file/../../etc/passwd", "/download_file/..%2f..%2fetc%2fpasswd",
     "/download_file/%2e%2e", "/download_file/.txt", "/download_file/a.txt", "/v1/files", "/v1/files/", "/v1/files/..",
     "/page/../server.py", "/page/..%2fserver.py", "/page/%00", "/page/.", "/page/"],
)  # fmt: skip
def test_paths_lead_nowhere(server: Served, path: str) -> None:
    status, _, body = server.request("GET", path)
    assert status in (404, 405)
    assert b"root:" not in body
    assert b"import" not in body


def _archive(parts: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return data.getvalue()


_LAUGHS = b'<!DOCTYPE a [<!ENTITY a0 "ha">' + b"".join(
    b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12)
)
_BOMBS: dict[str, Callable[[], bytes]] = {
    "one part of 150 MB": lambda: _archive({"word/document.xml": b"<w:t>" + b"a" * (150 << 20)}),
    "many parts": lambda: _archive({f"word/{number}.xml": b"" for number in range(2_000)}),
    "entities of entities": lambda: _archive({"word/document.xml": _LAUGHS + b"]><w:t>&a11;</w:t>"}),
    "deep elements": lambda: _archive({"word/document.xml": b"<w:p>" * 200_000}),
    "paths": lambda: _archive({"../../../tmp/regard-escaped": b"x", "/tmp/regard-escaped": b"x"}),
    "no archive": lambda: b"PK" + b"\0" * 1000,
    "a cut archive": lambda: _archive({"word/document.xml": b"<w:t>a</w:t>"})[:-30],
}


@pytest.mark.parametrize("bomb", _BOMBS.values(), ids=_BOMBS)
@pytest.mark.parametrize("extension", [".docx", ".odt", ".epub", ".pptx"])
def test_archives_that_harm_are_refused(server: Served, bomb: Callable[[], bytes], extension: str) -> None:
    data = bomb()
    assert len(data) < BODY_LIMIT
    before, start = server.memory, time.monotonic()
    status, _, answer = upload(server, f"a{extension}", data)
    if status == 200:  # what is in it does no harm, and is not expanded
        assert bomb in (_BOMBS["entities of entities"], _BOMBS["deep elements"])
        path = "/" + json.loads(answer)["translatedFileUrl"].split("/", 3)[3]
        assert len(server.get(path)[2]) < 2 * BODY_LIMIT
    else:
        assert status in (400, 409)
        assert "internal" not in json.loads(answer)["error"]
    assert server.memory - before < 100 << 20
    assert time.monotonic() - start < GENEROUS
    assert not Path("/tmp/regard-escaped").exists()


def test_files_cannot_be_guessed(server: Served) -> None:
    ids = {json.loads(upload(server, "a.txt", b"a")[2])["translatedFileUrl"].split("/")[-1][:22] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(name) == 22 for name in ids)  # 128 random bits
    for name in ids:
        assert server.get(f"/v1/files/{name[:-1]}")[0] == 404
        assert name not in server.whole_log()


def test_a_larger_file_is_refused(server: Served) -> None:
    assert upload(server, "a.txt", b"a" * (BODY_LIMIT + 5000))[0] == 413


def test_terminal_escapes_do_not_reach_the_log(server: Served) -> None:
    server.get("/%1b%5b31m%0d%0aforged")
    server.raw(b"GET / HTTP/1.1\r\nHost: x\r\nA: \x1b]0;title\x07\r\nConnection: close\r\n\r\n")
    server.translate("\x1b[2J", source="\x1b[31m")
    lines = server.whole_log()
    assert all(character == "\n" or character.isprintable() for character in lines)
    assert any(entry["path"] == "/\x1b[31m\r\nforged" for entry in server.events("request"))
