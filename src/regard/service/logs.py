"""The log of the service: one JSON object per line, without the texts of users and without keys."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import threading
import time
import traceback
import warnings
from datetime import datetime, timezone
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.service.answers import error_answer
from regard.service.client import CLIENT
from regard.service.metrics import Metrics

_LOG = logging.getLogger("regard.service")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
MAX_PATH = 100
"""Most characters of a path that are logged."""
_OWN = ("regard.service", "uvicorn.error")
# Loggers whose messages contain no text of users; of others only the pattern of the message is shown.
_KEYS = re.compile(r"regard-[\w-]+")
_PROBES = ("/health", "/ready", "/metrics")
# Routes that are asked every few seconds: measured, and logged only if they fail.


class JSONFormatter(logging.Formatter):
    """Formats a log record as JSON; control characters are escaped, so that they cannot affect a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a log record as a JSON object.

        Args:
            record: The record; the fields given as `extra` in the logging call become fields of the JSON object.

        Returns:
            The JSON object, on one line, in ASCII.
        """
        return json.dumps(_fields(record), ensure_ascii=True, default=str)


class TerminalFormatter(logging.Formatter):
    """Formats a log record as a short line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a log record as a short line for people.

        Args:
            record: The record.

        Returns:
            A line of ASCII: time, message and fields given as `extra`. For an exception, further lines with the file,
            line and function of each frame of the traceback.
        """
        fields = _fields(record)
        places = [json.dumps(place)[1:-1] for place in fields.pop("places", ())]
        clock = fields.pop("time")[11:19]
        fields.pop("level")
        values = " ".join(json.dumps(value) if name == "path" else str(value) for name, value in fields.items())
        line = json.dumps(values, ensure_ascii=True)[1:-1].replace('\\"', '"')
        return "\n  ".join([f"{clock} {line}", *places])


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Time, level, event and further fields of a record. Exceptions lose their messages, which may quote texts."""
    when = datetime.fromtimestamp(record.created, timezone.utc)
    fields: dict[str, Any] = {
        "time": when.isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage() if record.name in _OWN else str(record.msg),
    }
    fields.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields["exception"] = " < ".join(type(cause).__name__ for cause in _chain(error))
        fields["places"] = [
            f"{place.filename}:{place.lineno} in {place.name}"
            for cause in _chain(error)
            for place in traceback.extract_tb(cause.__traceback__)
        ]
    return fields


def _chain(error: BaseException) -> list[BaseException]:
    """An exception, and those that led to it."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def start_logging() -> None:
    """Sends all logs to standard error: JSON, or short lines on a terminal.

    From other packages, only warnings and errors are logged, and without the arguments of their messages, which may
    contain texts of users. Uncaught exceptions of threads are logged as well.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerminalFormatter() if sys.stderr.isatty() else JSONFormatter())
    for name, level in (("", logging.WARNING), ("regard.service", logging.INFO), ("uvicorn.error", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    warnings.showwarning = _log_warning
    threading.excepthook = _log_uncaught


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Logs a warning without its message, as Python's `warnings.showwarning` calls it."""
    _LOG.warning("warning", extra={"category": category.__name__, "place": f"{filename}:{lineno}"})


def _log_uncaught(args: threading.ExceptHookArgs) -> None:
    name = "" if args.thread is None else args.thread.name
    _LOG.error("thread ended", exc_info=args.exc_value, extra={"thread_name": name})


class RequestLog:
    """ASGI middleware that logs and measures each request.

    Args:
        app: The application.
        metrics: Receives the measurements.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the application; then logs it, with the status and the time that it took.

        Args:
            scope: ASGI scope of the request.
            receive: Receives parts of the request's body.
            send: Sends the response.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-content-type-options", b"nosniff"))
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:  # the service stops, and has waited long enough
            if not status:
                stopping = error_answer(503, "the service is shutting down", "shutting_down", {"Retry-After": "5"})
                await stopping(scope, receive, watched_send)
            raise
        finally:
            self._add(scope, status or 500, time.perf_counter() - start)

    def _add(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None)
        self._metrics.add_request(route or "other", scope["method"], status, seconds)
        if route in _PROBES and status == 200:
            return
        client = scope.get("client") or ("unknown",)
        _LOG.info(
            "request",
            extra={
                "method": scope["method"][:MAX_PATH],
                "path": route or _KEYS.sub("regard-...", scope["path"])[:MAX_PATH],
                "status": status,
                "ms": round(1000 * seconds, 1),
                "client": scope.get(CLIENT, f"address:{client[0]}"),
            },
        )
