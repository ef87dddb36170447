"""Limits of connections: what a slow, silent or wasteful client is answered, and when, by the clock of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

pytest.importorskip("uvicorn")  # the extra `serve`

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from regard.service.receiving import MAX_OVERHEAD_BYTES, STOPPING_SECONDS, GuardedProtocol, ReceivingLimits
from regard.service.receiving import guarded_protocol as make_protocol

LIMITS = ReceivingLimits(
    header_seconds=10, body_seconds=15, body_rate=100, idle_seconds=60, max_connections=2, max_ignored=1 << 17
)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when a test says so."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def settle(self) -> None:
        """Runs what is ready."""
        for _ in range(10):
            self.run_until_complete(asyncio.sleep(0))


class Wire(asyncio.Transport):
    """The server's end of a connection: keeps what is written until the client reads."""

    def __init__(self) -> None:
        super().__init__()
        self.sent, self.unread = b"", 0
        self.is_closed = self.is_aborted = self.has_eof = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_eof = True

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of the only answer."""
        head, _, body = self.sent.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), json.loads(body)["code"]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Begins its answer at once if the query says so, and ends it when the whole body is there."""
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    is_early = scope["query_string"] == b"early"
    if is_early:
        await send(start)
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            break
    if not is_early:
        await send(start)
    await send({"type": "http.response.body", "body": b"k" if is_early else b"ok"})


async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without reading the body."""
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class Server:
    """Makes connections that share limits, as one server has."""

    clock: Clock
    statuses: list[int] = field(default_factory=list)
    state: ServerState = field(default_factory=ServerState)

    def __post_init__(self) -> None:
        self.protocol = make_protocol(LIMITS, self.statuses.append)

    def connect(self, application: Callable[..., object] = app) -> tuple[GuardedProtocol, Wire]:
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            timeout_keep_alive=1000,
        )
        connection, wire = self.protocol(config, self.state, {}, self.clock), Wire()
        connection.connection_made(wire)
        return connection, wire

    def wait(self, connection: GuardedProtocol, seconds: float) -> None:
        """Lets time pass, with the checks that the server makes."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + LIMITS.check_seconds)
            connection.check()
        self.clock.settle()


@pytest.fixture
def server() -> Iterator[Server]:
    clock = Clock()
    asyncio.set_event_loop(clock)
    yield Server(clock)
    for task in asyncio.all_tasks(clock):
        task.cancel()
    clock.settle()
    asyncio.set_event_loop(None)
    clock.close()


def receive(server: Server, connection: GuardedProtocol, data: bytes) -> None:
    connection.data_received(data)
    server.clock.settle()


def test_a_silent_connection_is_closed_after_the_time_for_headers(server: Server) -> None:
    connection, wire = server.connect()
    server.wait(connection, 9)
    assert not wire.is_closed
    server.wait(connection, 3)
    assert wire.is_closed
    assert wire.sent == b""


def test_slow_headers_are_refused(server: Server) -> None:
    connection, wire = server.connect()
    for _ in range(12):
        receive(server, connection, b"GET / HTTP/1.1\r\n" if not connection._num_received else b"a: b\r\n")
        server.wait(connection, 1)
    assert wire.refusal == (408, "too_slow")
    assert server.statuses == [408]


def test_a_slow_body_is_refused_and_a_fast_one_is_not(server: Server) -> None:
    for rate, expected in ((50, b"HTTP/1.1 408"), (200, b"HTTP/1.1 200")):
        connection, wire = server.connect()
        receive(server, connection, POST % (20 * rate))
        for _ in range(20):
            receive(server, connection, b"a" * rate)
            server.wait(connection, 1)
        assert wire.sent.startswith(expected)


def test_a_body_that_the_service_does_not_read_is_waited_for(server: Server) -> None:
    connection, wire = server.connect()
    receive(server, connection, POST % 10)
    connection.flow.pause_reading()
    server.wait(connection, 100)
    assert not wire.is_closed


def test_a_connection_is_closed_when_no_further_request_comes(server: Server) -> None:
    connection, wire = server.connect()
    receive(server, connection, GET)
    assert wire.sent.startswith(b"HTTP/1.1 200")
    server.wait(connection, 55)
    assert not wire.is_closed
    server.wait(connection, 10)
    assert wire.is_closed
    assert not wire.is_aborted


@pytest.mark.parametrize(("rate", "is_cut_off"), [(50, True), (200, False)])
def test_a_client_that_reads_too_slowly_is_cut_off(server: Server, rate: int, is_cut_off: bool) -> None:
    connection, wire = server.connect()
    connection.data_received(GET)
    wire.unread = 100_000
    connection.pause_writing()
    for _ in range(20):
        wire.unread -= rate
        server.wait(connection, 1)
    assert wire.is_aborted is is_cut_off


def test_a_refused_client_has_little_time_to_read_why(server: Server) -> None:
    connection, wire = server.connect()
    receive(server, connection, b"\0\r\n\r\n")
    assert wire.refusal == (400, "invalid_http")
    assert wire.has_eof
    connection.data_received(b"more")  # is ignored
    server.wait(connection, 1)
    assert not wire.is_closed
    server.wait(connection, 4)
    assert wire.is_aborted


def test_chunks_that_are_too_small_are_refused(server: Server) -> None:
    connection, wire = server.connect()
    receive(server, connection, CHUNKED)
    receive(server, connection, b"1\r\na\r\n" * (MAX_OVERHEAD_BYTES // 3))
    assert wire.refusal == (400, "invalid_http")


def test_an_answer_that_has_begun_is_cut_off_instead_of_refused(server: Server) -> None:
    connection, wire = server.connect()
    receive(server, connection, CHUNKED.replace(b"/ ", b"/?early "))
    receive(server, connection, b"1\r\na\r\n" * (MAX_OVERHEAD_BYTES // 3))
    assert wire.is_aborted
    assert wire.sent.count(b"HTTP/1.1") == 1


def test_a_body_that_is_ignored_is_not_read_forever(server: Server) -> None:
    connection, wire = server.connect(hasty)
    receive(server, connection, POST % (1 << 30))
    assert wire.sent.startswith(b"HTTP/1.1 404")
    receive(server, connection, b"a" * LIMITS.max_ignored)
    assert not wire.is_closed
    receive(server, connection, b"a")
    assert wire.is_aborted


def test_a_further_connection_closes_the_one_that_has_waited_longest(server: Server) -> None:
    (_, first), (busy, second) = server.connect(), server.connect()
    receive(server, busy, POST % 10)
    _, third = server.connect()
    assert (first.is_aborted, second.is_closed, third.is_closed) == (True, False, False)


def test_a_further_connection_is_refused_if_all_are_busy(server: Server) -> None:
    for _ in range(LIMITS.max_connections):
        receive(server, server.connect()[0], POST % 10)
    connection, wire = server.connect()
    assert wire.refusal == (503, "too_many_connections")
    assert b"retry-after: 5" in wire.sent.lower()
    assert wire.is_closed
    assert connection not in server.state.connections


def test_a_service_that_stops_waits_for_a_request_that_is_on_the_way(server: Server) -> None:
    connection, wire = server.connect()
    connection.shutdown()
    assert not wire.is_closed
    server.clock.now += STOPPING_SECONDS + 0.1
    server.clock.settle()
    assert wire.is_closed


def test_a_service_that_stops_closes_refused_connections_and_finishes_answers(server: Server) -> None:
    refused, wire = server.connect()
    receive(server, refused, b"\0\r\n\r\n")
    refused.shutdown()
    assert wire.is_closed
    busy, wire = server.connect()
    receive(server, busy, POST % 2)
    busy.shutdown()
    receive(server, busy, b"ab")
    assert wire.sent.startswith(b"HTTP/1.1 200")
    assert wire.is_closed


def test_a_lost_connection_no_longer_counts(server: Server) -> None:
    connection, _ = server.connect()
    connection.connection_lost(None)
    server.connect()
    _, wire = server.connect()
    assert wire.sent == b""
    assert len(server.state.connections) == LIMITS.max_connections
