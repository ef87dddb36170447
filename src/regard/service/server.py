"""Runs the application with uvicorn until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import cast

import torch
import uvicorn
from starlette.types import ASGIApp

from regard.errors import ConfigError
from regard.service.access import Access
from regard.service.app import create_app
from regard.service.catalog import Catalog, ModelEntry
from regard.service.decoder import Decoder
from regard.service.demo import Demo
from regard.service.glossaries import Glossaries, NamedGlossary
from regard.service.jobs import Batch
from regard.service.logs import start_logging
from regard.service.metrics import Metrics
from regard.service.queue import FairQueue
from regard.service.receiving import MAX_HEADER_BYTES, GuardedProtocol, ReceivingLimits, guarded_protocol
from regard.service.service import TranslationService
from regard.service.settings import ServiceSettings
from regard.translation.loading import load
from regard.translation.translator import Translator

_LOG = logging.getLogger("regard.service")
BACKLOG = 512
"""Connections that the system holds before the service accepts them."""
ACCEPT_SECONDS = 0.05
"""Time to accept those when the service stops."""
GRACE_SECONDS = 1
"""Seconds beyond the deadline of requests after which a service that stops does not wait for them."""


def build_service(
    entries: Sequence[ModelEntry],
    settings: ServiceSettings,
    metrics: Metrics,
    *,
    precision: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory_limit: int | None = None,
    glossaries: Sequence[NamedGlossary] = (),
) -> TranslationService:
    """Builds a translation service: catalog of models, queue and decoding threads.

    Args:
        entries: Models that the service may load.
        settings: Limits of the service.
        metrics: Receives size and time of each decoded batch.
        precision: Number type of matrix products, as for `regard.load`.
        device: Device, as for `regard.load`.
        threads: Number of decoding threads; by default, PyTorch's number of threads.
        memory_limit: Bytes that loaded models may take; None = no limit.
        glossaries: Named glossaries, which are read now for the directions of the models.

    Returns:
        The service; `start` has not been called yet.

    Raises:
        RegardError: A glossary cannot be read.
    """

    def open_entry(entry: ModelEntry) -> Translator:
        return load(list(entry.paths), precision=precision, device=device, threads=threads)

    def add_batch(batch: Batch, seconds: float) -> None:
        metrics.add_batch(batch.size, seconds)

    queue = FairQueue(settings.queue_limit)
    catalog = Catalog(entries, open_entry, memory_limit=memory_limit)
    decoder = Decoder(queue, threads=threads or torch.get_num_threads(), on_batch=add_batch)
    named = Glossaries(glossaries)
    named.load((entry.source, entry.target) for entry in catalog.entries)
    return TranslationService(catalog, settings=settings, queue=queue, decoder=decoder, glossaries=named)


def serve(
    service: TranslationService,
    *,
    access: Access,
    metrics: Metrics,
    host: str,
    port: int,
    demo: Path | None = None,
) -> None:
    """Serves requests until SIGTERM or SIGINT; requests that were accepted are answered before it returns.

    SIGHUP loads all models and glossaries again from their files, while requests go on.

    Args:
        service: The service that translates.
        access: Checks the API key and the rate limit of each request.
        metrics: Receives the measurements.
        host: Address to listen at.
        port: Port to listen at; 0 = any free one.
        demo: Directory of the demonstration model, a small English-French model that is trained there if it does not
            exist; None = no such model.

    Raises:
        ConfigError: The address cannot be used.
    """
    start_logging()
    listener = _listen(host, port)

    async def add(entry: ModelEntry) -> None:
        service.catalog.add(entry)
        async with service.catalog.using(entry):  # loads it before a request needs it
            _LOG.info("the demonstration is ready", extra={"model": entry.name})

    demonstration = None if demo is None else Demo(demo, add)
    app = create_app(service, access=access, metrics=metrics, demo=demonstration)
    asyncio.run(_serve(_server(app, service.settings, metrics), service, listener))
    if service.is_decoding:  # a batch that cannot be stopped: the interpreter must not wait for it, nor end around it
        logging.shutdown()
        os._exit(0)


class _Server(uvicorn.Server):
    """uvicorn's server, which ends with exit status 0, and takes in who has connected before it stops."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Asks the server to stop, or at a second SIGINT to stop at once.

        uvicorn's own method also keeps the signal, and raises it again when the server has stopped.

        Args:
            sig: Number of the signal.
            frame: Stack frame in which the signal arrived.
        """
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops the server.

        Args:
            sockets: The sockets that it listens at.
        """
        _LOG.info("stopping", extra={"requests": len(self.server_state.tasks)})
        for listener in sockets or []:
            listener.listen(0)  # no more may join the connections that wait to be accepted
        await asyncio.sleep(ACCEPT_SECONDS)
        await super().shutdown(sockets)


def _server(app: ASGIApp, settings: ServiceSettings, metrics: Metrics) -> _Server:
    """A server of an application, with the limits on connections that the settings give."""
    limits = _receiving_limits(settings)
    config = uvicorn.Config(
        app,
        http=guarded_protocol(limits, metrics.add_refusal),
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_keep_alive=math.ceil(limits.idle_seconds),
        timeout_graceful_shutdown=math.ceil(settings.deadline) + GRACE_SECONDS,
    )
    return _Server(config)


async def _check_connections(server: uvicorn.Server, limits: ReceivingLimits) -> None:
    """Ends connections whose clients take too long, as long as the server runs."""
    while True:
        await asyncio.sleep(limits.check_seconds)
        for connection in list(server.server_state.connections):
            cast("GuardedProtocol", connection).check()  # all are of the class that the configuration names


async def _serve(server: _Server, service: TranslationService, listener: socket.socket) -> None:
    loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def reload() -> None:
        loop.run_in_executor(None, service.glossaries.reload)
        task = asyncio.ensure_future(service.catalog.reload())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    # Windows has neither; a thread other than the main thread receives no signals.
    with contextlib.suppress(NotImplementedError, AttributeError, RuntimeError):
        loop.add_signal_handler(signal.SIGHUP, reload)
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    models = ", ".join(entry.name for entry in service.catalog.entries)
    _LOG.info("listening", extra={"url": f"http://{name}:{port}", "models": models})
    checks = asyncio.ensure_future(_check_connections(server, _receiving_limits(service.settings)))
    try:
        await server.serve(sockets=[listener])
    finally:
        checks.cancel()
    _LOG.info("stopped")


def _receiving_limits(settings: ServiceSettings) -> ReceivingLimits:
    return ReceivingLimits(
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        body_rate=settings.body_rate,
        idle_seconds=settings.idle_seconds,
        max_connections=settings.max_connections,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}; choose another --port or --host"
        ) from None
    return listener
