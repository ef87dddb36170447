"""Who sends a request: an API key, or an address."""

from __future__ import annotations

from fastapi import Request

CLIENT = "regard.client"
"""Key of the ASGI scope under which the guard of the service stores the client."""


def client_of(request: Request) -> str:
    """The client that a request counts for.

    Args:
        request: The request.

    Returns:
        What the guard of the service has found out; without it, the address of the connection.
    """
    client = request.scope.get(CLIENT)
    if isinstance(client, str):
        return client
    return request.client.host if request.client is not None else "unknown"
