"""Reads the parameters of a request, from its JSON body, form, multipart body or query."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from regard.service.errors import ServiceError

MAX_FIELDS = 1_000
"""Most fields of a form or query."""
MAX_PARTS = 20
"""Most parts of a multipart body that are no files."""
_CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1")

LISTS = ("q", "keep")
"""Fields of forms and queries that may be repeated."""
Value = object
"""Value of a parameter: any JSON value, or an uploaded file."""


@asynccontextmanager
async def open_parameters(request: Request) -> AsyncIterator[dict[str, Value]]:
    """Context manager that reads the parameters of a request, and closes uploaded files at the end of the block.

    If the body is JSON, only the body is read. Otherwise, the fields of a form in the body and those of the query are
    read; a field of the query takes precedence. A repeated field `q` or `keep` becomes a list; of any other repeated
    field, the first value is used.

    Args:
        request: The request, with any method and any type of content.

    Yields:
        Value of each parameter by name: any JSON value, a string (perhaps empty), a list of strings, or an uploaded
        file.

    Raises:
        ServiceError: The body is damaged, not in UTF-8, or JSON but not an object; or there are too many fields.
    """
    try:
        yield await _read(request)
    finally:
        await request.close()


async def _read(request: Request) -> dict[str, Value]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/json" or content_type.endswith("+json"):
        body = await request.body()
        if body.strip() or request.method == "POST":
            return _json_object(body)
    query = _fields(request.scope["query_string"].decode("latin-1"))
    if content_type == "multipart/form-data":
        return {**await _multipart(request), **query}
    if content_type in ("", "application/x-www-form-urlencoded"):
        return {**_fields(_decoded(await request.body())), **query}
    return query


def _json_object(body: bytes) -> dict[str, Value]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ServiceError("Invalid JSON format", code="invalid_json") from None
    if not isinstance(value, dict):
        raise ServiceError("Invalid JSON format", code="invalid_json")
    return value


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ServiceError(
            f"Invalid request: expected a body in UTF-8, found an invalid byte at position {error.start + 1}: encode "
            "the body in UTF-8"
        ) from None


def _fields(text: str) -> dict[str, Value]:
    """Fields of a query or a urlencoded body; the line ends of forms become those of texts."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"more than {MAX_FIELDS} fields"
        raise ServiceError(f"Invalid request: the form or query cannot be read: {reason}") from None
    return _collected([(name, value.replace("\r\n", "\n")) for name, value in pairs])


def _collected(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    fields: dict[str, list[Value]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values if name in LISTS and len(values) > 1 else values[0] for name, values in fields.items()}


async def _multipart(request: Request) -> Mapping[str, Value]:
    charset = re.search(r"charset=\s*\"?([^\s\";,]*)", request.headers["content-type"], re.IGNORECASE)
    if charset is not None and charset[1].lower() not in _CHARSETS:  # some of Python's take quadratic time
        raise ServiceError(
            f"Invalid request: the charset of the multipart body must be utf-8, got {charset[1]!r:.80}",
            code="unsupported_charset",
        )
    try:
        form = await request.form(max_files=1, max_fields=MAX_PARTS, max_part_size=16 << 20)
    except (MultiPartException, ValueError, KeyError, UnicodeError) as error:
        raise ServiceError(f"Invalid request: the multipart body cannot be read: {_reason(error)}") from None
    return _collected([(name, _unified(value)) for name, value in form.multi_items()])


def _unified(value: UploadFile | str) -> Value:
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, MultiPartException) else type(error).__name__
