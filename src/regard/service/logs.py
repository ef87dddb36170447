"""The log of the service: one JSON object per line, without the texts of users and without keys."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import datetime, timezone

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.service.client import CLIENT
from regard.service.metrics import Metrics

_LOG = logging.getLogger("regard.service")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
MAX_PATH = 200
"""Most characters of a path that are logged."""


class JSONFormatter(logging.Formatter):
    """Formats a record as a JSON object; control characters are escaped, so that a terminal cannot be misled."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record.

        Args:
            record: The record; its extra fields become fields of the object.

        Returns:
            One line of ASCII.
        """
        when = datetime.fromtimestamp(record.created, timezone.utc)
        fields: dict[str, object] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        fields.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=True, default=str)


class TerminalFormatter(JSONFormatter):
    """Formats a record as a short line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record.

        Args:
            record: The record.

        Returns:
            A line of ASCII: time, event and fields; an exception on further lines.
        """
        fields = json.loads(super().format(record))
        exception = fields.pop("exception", "")
        clock = fields.pop("time")[11:19]
        fields.pop("level")
        values = " ".join(json.dumps(value) if name == "path" else str(value) for name, value in fields.items())
        line = json.dumps(values, ensure_ascii=True)[1:-1].replace('\\"', '"')
        return f"{clock} {line}" + (f"\n{exception}" if exception else "")


def start_logging() -> None:
    """Sends the logs of the service and of uvicorn to standard error: JSON, or short lines on a terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerminalFormatter() if sys.stderr.isatty() else JSONFormatter())
    for name, level in (("regard.service", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class RequestLog:
    """ASGI middleware that logs and measures each request.

    Args:
        app: The application.
        metrics: Receives the measurements.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request.

        Args:
            scope: The request.
            receive: Receives parts of its body.
            send: Sends the response.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        finally:
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.add_request(route, scope["method"], status, seconds)
            client = scope.get("client") or ("unknown",)
            _LOG.info(
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"][:MAX_PATH],
                    "status": status,
                    "ms": round(1000 * seconds, 1),
                    "client": scope.get(CLIENT, f"address:{client[0]}"),
                },
            )
