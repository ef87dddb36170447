"""Time limits for receiving requests, which uvicorn does not have, and a limit on connections.

A client that sends one byte at a time, or nothing, would otherwise hold a connection forever.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle

MAX_HEADER_BYTES = 16 << 10
"""Most bytes of a request line and its headers."""


@dataclass(frozen=True, slots=True)
class ReceivingLimits:
    """Limits of a connection.

    Attributes:
        header_seconds: Time for the headers of a request, from the first byte, or from the start of the connection.
        body_seconds: Time after which a body must arrive at `body_rate`.
        body_rate: Smallest rate of a body, in bytes per second.
        max_connections: Most connections at once.
    """

    header_seconds: float = 10.0
    body_seconds: float = 15.0
    body_rate: float = 1_000.0
    max_connections: int = 500


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP protocol with limits; all its errors are JSON."""

    limits = ReceivingLimits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn declares it
        """Starts the time for the first request, or refuses the connection.

        Args:
            transport: The connection.
        """
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._num_received, self._started = 0, self.loop.time()
        if len(self.connections) > self.limits.max_connections and not self._close_idle():
            self._refuse(503, "the server has too many connections", "too_many_connections")
            return
        self._watch(self.limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer.

        Args:
            exc: Why the connection was lost; None if it was closed.
        """
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads data, and watches how long the rest takes.

        Args:
            data: The bytes.
        """
        waited = self._waits_for_headers
        if waited and self._timer is None:  # the first bytes of a further request
            self._watch(self.limits.header_seconds)
        self._num_received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if waited and not self._waits_for_headers:
            self._num_received, self._started = 0, self.loop.time()
            self._watch(self.limits.body_seconds)
        if self.conn.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED):
            self._unwatch()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP request, or has too long headers.

        Args:
            msg: uvicorn's message.
        """
        self._refuse(400, msg, "invalid_http")

    @property
    def _waits_for_headers(self) -> bool:
        return self.conn.their_state is h11.IDLE

    @property
    def _current_cycle(self) -> RequestResponseCycle | None:
        """The request that is answered, or the last one; None before the first."""
        return self.cycle

    def _watch(self, seconds: float) -> None:
        self._unwatch()
        self._timer = self.loop.call_later(seconds, self._expire)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        """Ends a connection whose request takes too long; a body that arrives fast enough has more time."""
        self._timer = None
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.SEND_BODY:
            seconds = self.loop.time() - self._started
            if self._num_received >= self.limits.body_rate * seconds:
                self._watch(self.limits.body_seconds)
                return
            self._refuse(408, "the body of the request arrived too slowly", "too_slow")
        elif self._num_received:
            self._refuse(408, "the headers of the request arrived too slowly", "too_slow")
        else:
            self.transport.close()

    def _close_idle(self) -> bool:
        """Closes a connection that waits for a request, to make room for another one; returns whether there was one."""
        for connection in list(self.connections):
            if isinstance(connection, GuardedProtocol) and connection is not self and connection._is_idle:
                connection.transport.close()
                self.connections.discard(connection)
                return True
        return False

    @property
    def _is_idle(self) -> bool:
        cycle = self._current_cycle
        return self._waits_for_headers and (cycle is None or cycle.response_complete)

    def _refuse(self, status: int, message: str, code: str) -> None:
        """Answers with an error and closes the connection."""
        body = json.dumps({"error": message, "code": code}).encode()
        cycle = self._current_cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()
            return
        lines = [
            f"HTTP/1.1 {status} {STATUS_PHRASES[status].decode()}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
            *(["retry-after: 1"] if status == 503 else []),
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()


def guarded_protocol(limits: ReceivingLimits) -> type[GuardedProtocol]:
    """A protocol class with other limits.

    Args:
        limits: The limits.

    Returns:
        A class for uvicorn's option `http`.
    """
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits})
