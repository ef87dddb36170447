"""Time limits of connections, which uvicorn does not have, and a limit on their number.

A client that sends one byte at a time, sends nothing, or does not read its answer would otherwise hold a connection,
and what it has in memory, forever.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle

_LOG = logging.getLogger("regard.service")
MAX_HEADER_BYTES = 16 << 10
"""Most bytes of a request line and its headers, if they come in small pieces; otherwise `PIECE` more may pass."""
MAX_OVERHEAD_BYTES = 16 << 10
"""Bytes that the framing of a chunked body may take beyond the size of its content."""
PIECE = 8 << 10
"""Bytes that are parsed at once, so that the limits are looked at in between: each tiny chunk takes long to parse."""
CHECKS = 10
"""Times that each limit is looked at while it runs."""
STOPPING_SECONDS = 0.2
"""Time for a request that was sent before the client could know that the service stops."""
_PhaseName = Literal["idle", "headers", "body", "work", "sending", "closing"]
_SMALL_CHUNK = 16
# Bytes between line ends, below which a body that is ignored is not worth parsing.
_LINGER_SECONDS = 2.0
# Time in which a client that was refused while it was sending may read the answer.
_REASONS = {
    400: ("Invalid HTTP request received.", "invalid_http"),
    431: (f"the headers of the request are larger than {MAX_HEADER_BYTES:,} bytes", "headers_too_large"),
    501: ("the transfer coding is not supported", "invalid_http"),
}


@dataclass(frozen=True, slots=True)
class ReceivingLimits:
    """Limits of a connection.

    Attributes:
        header_seconds: Most seconds from the first byte of a request to the end of its headers; also from the start of
            a connection to the first byte of its first request.
        body_seconds: Length of the periods, in seconds, over which the speed of a client is measured while it sends a
            body or reads an answer. The connection ends at the first period with a mean speed below `body_rate`.
        body_rate: Smallest allowed mean speed over a period of `body_seconds`, in bytes per second.
        idle_seconds: Seconds for which a connection stays open after an answer while no further request comes.
        max_connections: Most open connections. A new connection beyond them closes the connection that has waited
            longest for a request.
        max_ignored: Most bytes of a body that are read and ignored after its request was refused, so that the client
            has time to read the error; then the connection is closed.
    """

    header_seconds: float = 10.0
    body_seconds: float = 15.0
    body_rate: float = 1_000.0
    idle_seconds: float = 75.0
    max_connections: int = 500
    max_ignored: int = 64 << 20

    @property
    def check_seconds(self) -> float:
        """Seconds between two calls of `GuardedProtocol.check`, which ends connections that exceed the limits."""
        return min(1.0, min(self.header_seconds, self.body_seconds, self.idle_seconds) / CHECKS)


@dataclass(frozen=True, slots=True)
class _Phase:
    """What a connection is doing.

    Attributes:
        name: What the connection waits for, or does.
        request: The current or last request of the connection; None before the first.
        part: How often the answer had to wait until the client read.
    """

    name: _PhaseName
    request: RequestResponseCycle | None
    part: int


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP protocol with limits on time, speed and number of connections; all its errors are JSON.

    `check` must be called every `ReceivingLimits.check_seconds` for each connection.
    """

    limits = ReceivingLimits()
    listeners: ClassVar[tuple[Callable[[int], None], ...]] = ()  # called with the status of each refusal
    _waiting: ClassVar[dict[GuardedProtocol, None]] = {}  # connections without a request, longest first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn declares it
        """Starts the timeout for the first request of a new connection, if there are not too many connections.

        If there are more than `max_connections`, the connection that has waited longest for a request is closed. If no
        connection waits for a request, the new one is refused with status 503.

        Args:
            transport: The new connection.
        """
        super().connection_made(transport)
        self._num_received, self._num_pauses, self._is_refused = 0, 0, False
        self._num_overhead, self._num_ignored = 0, 0
        self._phase, self._since, self._amount = self._current_phase(), self.loop.time(), 0
        if len(self.connections) > self.limits.max_connections and not self._close_waiting():
            self._refuse(503, "the server has too many connections", "too_many_connections")
            self.connections.discard(self)
            return
        self._note_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Removes the closed connection from those that wait for a request.

        Args:
            exc: Why the connection was lost; None if it was closed.
        """
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses received data in pieces of `PIECE` bytes, and refuses bodies that exceed the limits.

        A body in very small chunks is refused. If a request was refused already and more than `max_ignored` bytes of
        its body come, the connection is closed.

        Args:
            data: The received bytes.
        """
        for start in range(0, len(data), PIECE):
            self._num_received += min(PIECE, len(data) - start)
            if self._is_refused or self.transport.is_closing():
                return  # what comes is read, so that the client can read why before the connection is reset
            self._receive_piece(data[start : start + PIECE])
        self._note_waiting()

    def on_response_complete(self) -> None:
        """Called at the end of an answer: from now on the connection counts as waiting for its next request."""
        super().on_response_complete()
        self._note_waiting()

    def pause_writing(self) -> None:
        """Called when the send buffer is full: starts the timeout within which the client must read the answer."""
        self._num_pauses += 1
        super().pause_writing()

    def send_400_response(self, msg: str) -> None:
        """Answers input that is not a valid HTTP request, or has too large headers, with a JSON error.

        Args:
            msg: uvicorn's message; ignored, because the error that h11 raised says more exactly what is wrong.
        """
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        message, code = _REASONS.get(status, _REASONS[400])
        self._refuse(status if status in _REASONS else 400, message, code)

    def shutdown(self) -> None:
        """Closes the connection after the current response; if there is none, after a short wait for a request."""
        if self._is_refused:
            self.transport.close()
        elif self._is_answering:
            super().shutdown()
        else:
            self.loop.call_later(STOPPING_SECONDS, super().shutdown)

    def check(self) -> None:
        """Ends the connection if the client was slower than the limits allow in sending a request or reading an answer.

        Must be called every `ReceivingLimits.check_seconds`.
        """
        now, phase = self.loop.time(), self._current_phase()
        amount = self._progress(phase)
        if phase != self._phase:
            self._phase, self._since, self._amount = phase, now, amount
            return
        seconds = now - self._since
        if phase.name == "work" or seconds < self._limit(phase):
            return
        if phase.name in ("body", "sending", "closing"):
            is_held_up = phase.name == "body" and self.flow.read_paused  # by the service, not by the client
            is_lingering = phase.name == "closing" and self._is_refused
            if is_held_up or (not is_lingering and amount - self._amount >= self.limits.body_rate * seconds):
                self._since, self._amount = now, amount
                return
        self._end(phase)

    def _limit(self, phase: _Phase) -> float:
        limits = self.limits
        if phase.name == "idle":
            return limits.header_seconds if phase.request is None else limits.idle_seconds
        if phase.name == "closing" and self._is_refused:
            return min(_LINGER_SECONDS, limits.body_seconds)
        return limits.header_seconds if phase.name == "headers" else limits.body_seconds

    def _end(self, phase: _Phase) -> None:
        if phase.name == "body":
            self._refuse(408, "the body of the request arrived too slowly", "too_slow")
        elif phase.name == "headers":
            self._refuse(408, "the headers of the request arrived too slowly", "too_slow")
        elif phase.name == "idle":
            self.transport.close()
        else:
            self.transport.abort()

    def _receive_piece(self, piece: bytes) -> None:
        """Parses some bytes, and refuses bodies in tiny chunks, and too much of a body that is ignored."""
        request = self._request
        if self.conn.their_state is not h11.SEND_BODY or request is None:
            super().data_received(piece)
            if self._request is not request:
                self._num_overhead, self._num_ignored = 0, 0
            return
        before = len(request.body)
        is_ignored = request.response_complete
        super().data_received(piece)
        if is_ignored:
            self._num_ignored += len(piece)
            overhead = _SMALL_CHUNK * piece.count(b"\r\n") - len(piece)
        else:
            overhead = len(piece) - 2 * (len(request.body) - before)
        self._num_overhead = max(0, self._num_overhead + overhead)
        is_wasteful = self._num_overhead > MAX_OVERHEAD_BYTES
        if is_ignored and (is_wasteful or self._num_ignored > self.limits.max_ignored):
            self.transport.abort()
        elif is_wasteful and not self.transport.is_closing():
            self._refuse(400, "the chunks of the body are too small", "invalid_http")

    def _note_waiting(self) -> None:
        """Notes whether the connection waits for a request, or for the rest of its headers."""
        is_waiting = self.conn.their_state is h11.IDLE and not self._is_refused and not self.transport.is_closing()
        if is_waiting and not self._is_answering:
            self._waiting.setdefault(self, None)
        else:
            self._waiting.pop(self, None)

    def _current_phase(self) -> _Phase:
        name: _PhaseName = "work"
        if self._is_refused or self.transport.is_closing():
            name = "closing"
        elif self.conn.their_state is h11.IDLE:
            name = "headers" if self.conn.trailing_data[0] else "idle"
        elif self.conn.their_state is h11.SEND_BODY:
            name = "body"
        elif self.flow.write_paused:
            name = "sending"
        return _Phase(name, self._request, self._num_pauses if name == "sending" else 0)

    def _progress(self, phase: _Phase) -> int:
        """Bytes that the client has sent; less those that it has still to read, where an answer is sent."""
        if phase.name in ("sending", "closing"):
            return -self.transport.get_write_buffer_size()
        return self._num_received

    @property
    def _request(self) -> RequestResponseCycle | None:
        """The request that is answered, or the last one; None before the first."""
        return self.cycle

    @property
    def _is_answering(self) -> bool:
        return self._request is not None and not self._request.response_complete

    def _close_waiting(self) -> bool:
        """Closes the connection that has waited longest for a request; returns whether there was one."""
        connection = next(iter(self._waiting), None)
        if connection is None:
            return False
        del self._waiting[connection]
        self.connections.discard(connection)
        connection.transport.abort()
        return True

    def _refuse(self, status: int, message: str, code: str) -> None:
        """Answers with an error, and closes the connection when the client has had time to read it."""
        _LOG.info("refused", extra={"status": status, "code": code, "client": f"address:{(self.client or ['?'])[0]}"})
        for listener in self.listeners:
            listener(status)
        self._waiting.pop(self, None)
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        self._is_refused = True
        if self._is_answering and self.cycle.response_started:
            self.transport.abort()
            return
        body = json.dumps({"error": message, "code": code}).encode()
        lines = [
            f"HTTP/1.1 {status} {STATUS_PHRASES[status].decode()}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            *(["retry-after: 5"] if status == 503 else []),
            "connection: close",
            *(["retry-after: 1"] if status == 503 else []),
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        if status == 503 or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()
        if self._is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def guarded_protocol(limits: ReceivingLimits, on_refused: Callable[[int], None] | None = None) -> type[GuardedProtocol]:
    """Makes a subclass of `GuardedProtocol` with the given limits on time, speed and number of connections.

    Args:
        limits: The limits: time and speed of each connection, and number of connections.
        on_refused: Called with the HTTP status of each request or connection that is refused.

    Returns:
        A class for uvicorn's option `http`.
    """
    listeners = () if on_refused is None else (on_refused,)
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits, "listeners": listeners, "_waiting": {}})
