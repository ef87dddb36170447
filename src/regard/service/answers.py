"""Errors as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse


def error_answer(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Makes the HTTP response for an error: a JSON object with the keys `error` and `code`.

    Args:
        status: HTTP status.
        message: A sentence for people.
        code: Kind of the error, for programs.
        headers: Further headers of the response.

    Returns:
        The response.
    """
    return JSONResponse({"error": message, "code": code}, status_code=status, headers=dict(headers or {}))
