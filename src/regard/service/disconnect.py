"""Runs work for an HTTP client, and stops the work when the client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from fastapi import Request

from regard.service.errors import ServiceError
from regard.service.service import TranslationService

ResultT = TypeVar("ResultT")


async def while_connected(
    request: Request, service: TranslationService, work: Coroutine[object, None, ResultT]
) -> ResultT:
    """Runs a coroutine for a client, and cancels it if the client disconnects or the deadline passes.

    Args:
        request: The client's request, whose body must already have been read.
        service: The service, whose setting `deadline` limits the time.
        work: Coroutine that does the work.

    Returns:
        The result of the coroutine.

    Raises:
        ServiceError: The client has disconnected, or the deadline has passed.
    """
    task = asyncio.ensure_future(service.within_deadline(asyncio.ensure_future(work)))
    watcher = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ServiceError("the client has left", status=499, code="client_left")
        return task.result()
    finally:
        for future in (task, watcher):
            future.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)


async def _left(request: Request) -> None:
    """Returns when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
