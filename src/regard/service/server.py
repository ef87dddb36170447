"""Runs the application with uvicorn until a signal ends it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import uvicorn

from regard.service.app import create_app
from regard.service.catalog import Catalog, ModelEntry
from regard.service.decoder import Decoder
from regard.service.queue import FairQueue
from regard.service.service import TranslationService
from regard.service.settings import ServiceSettings
from regard.translation.loading import load
from regard.translation.translator import Translator


def build_service(
    entries: Sequence[ModelEntry],
    settings: ServiceSettings,
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
        precision: Number type of matrix products, as for `regard.load`.
        device: Device, as for `regard.load`.
        threads: Number of decoding threads; that of PyTorch when not given.
        memory_limit: Bytes that loaded models may take; None = no limit.

    Returns:
        The service, not started.
    """

    def open_entry(entry: ModelEntry) -> Translator:
        return load(list(entry.paths), precision=precision, device=device, threads=threads)

    num_threads = threads or torch.get_num_threads()
    queue = FairQueue()
    catalog = Catalog(entries, open_entry, memory_limit=memory_limit)
    return TranslationService(catalog, settings=settings, queue=queue, decoder=Decoder(queue, threads=num_threads))


def serve(service: TranslationService, *, host: str, port: int) -> None:
    """Serves requests until SIGTERM or SIGINT; requests that were accepted are answered before it returns.

    Args:
        service: The service.
        host: Address to listen at.
        port: Port to listen at.
    """
    config = uvicorn.Config(
        create_app(service), host=host, port=port, log_config=None, access_log=False, server_header=False, lifespan="on"
    )
    uvicorn.Server(config).run()
