"""Work for a client that may leave: it stops when the client does."""

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
    """Runs work for a client, within the deadline and only while the client is connected.

    Args:
        request: The client's request, whose body has been read.
        service: The service, for its deadline.
        work: Coroutine that does the work.

    Returns:
        The result of the coroutine.

    Raises:
        ServiceError: The client has left, or the deadline has passed.
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
