"""Runs the application with uvicorn until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

import torch
import uvicorn

from regard.errors import ConfigError
from regard.service.access import Access
from regard.service.app import create_app
from regard.service.catalog import Catalog, ModelEntry
from regard.service.decoder import Decoder
from regard.service.demo import Demo
from regard.service.jobs import Batch
from regard.service.logs import start_logging
from regard.service.metrics import Metrics
from regard.service.queue import FairQueue
from regard.service.receiving import MAX_HEADER_BYTES, ReceivingLimits, guarded_protocol
from regard.service.service import TranslationService
from regard.service.settings import ServiceSettings
from regard.translation.loading import load
from regard.translation.translator import Translator

_LOG = logging.getLogger("regard.service")
BACKLOG = 512
"""Connections that the system holds before the service accepts them."""


def build_service(
    entries: Sequence[ModelEntry],
    settings: ServiceSettings,
    metrics: Metrics,
    *,
    precision: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory_limit: int | None = None,
) -> TranslationService:
    """Builds a service.

    Args:
        entries: Its models.
        settings: Its limits.
        metrics: Receives the measurements of batches.
        precision: Number type of matrix products, as for `regard.load`.
        device: Device, as for `regard.load`.
        threads: Number of decoding threads; that of PyTorch when not given.
        memory_limit: Bytes that loaded models may take; None = no limit.

    Returns:
        The service, not started.
    """

    def open_entry(entry: ModelEntry) -> Translator:
        return load(list(entry.paths), precision=precision, device=device, threads=threads)

    def add_batch(batch: Batch, seconds: float) -> None:
        metrics.add_batch(batch.size, seconds)

    queue = FairQueue()
    catalog = Catalog(entries, open_entry, memory_limit=memory_limit)
    decoder = Decoder(queue, threads=threads or torch.get_num_threads(), on_batch=add_batch)
    return TranslationService(catalog, settings=settings, queue=queue, decoder=decoder)


def serve(
    service: TranslationService,
    *,
    access: Access,
    metrics: Metrics,
    host: str,
    port: int,
    limits: ReceivingLimits | None = None,
    demo: Path | None = None,
) -> None:
    """Serves requests until SIGTERM or SIGINT; requests that were accepted are answered before it returns.

    SIGHUP loads all models again from their files, while requests go on.

    Args:
        service: The service.
        access: Admits requests.
        metrics: Receives measurements.
        host: Address to listen at.
        port: Port to listen at; 0 = any free one.
        limits: Limits of connections.
        demo: Directory of the demonstration, whose model is trained if it does not exist; None = no demonstration.

    Raises:
        ConfigError: The address cannot be used.
    """
    start_logging()
    listener = _listen(host, port)

    async def add(entry: ModelEntry) -> None:
        service.catalog.add(entry)
        async with service.catalog.using(entry):  # loads it before somebody waits for it
            _LOG.info("the demonstration is ready", extra={"model": entry.name})

    demonstration = None if demo is None else Demo(demo, add)
    config = uvicorn.Config(
        create_app(service, access=access, metrics=metrics, demo=demonstration),
        http=guarded_protocol(limits or ReceivingLimits()),
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=round(service.settings.deadline),
    )
    server = uvicorn.Server(config)
    asyncio.run(_serve(server, service, listener))


async def _serve(server: uvicorn.Server, service: TranslationService, listener: socket.socket) -> None:
    loop, reloads = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def reload() -> None:
        task = asyncio.ensure_future(service.catalog.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has neither
        loop.add_signal_handler(signal.SIGHUP, reload)
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    models = ", ".join(entry.name for entry in service.catalog.entries)
    _LOG.info("listening", extra={"url": f"http://{name}:{port}", "models": models})
    await server.serve(sockets=[listener])
    _LOG.info("stopped")


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
