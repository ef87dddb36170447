"""The description of LibreTranslate's routes in Swagger 2.0, which some clients read before they use a service."""

from __future__ import annotations

_STRING: dict[str, object] = {"type": "string"}
_PARAMETERS = {
    "q": "Text to translate, or a list of texts in JSON.",
    "source": "Code of the source language, or auto.",
    "target": "Code of the target language.",
    "format": "Format of the text: text or html.",
    "alternatives": "Number of alternative translations.",
    "api_key": "API key, if the server requires one.",
    "s": "Suggested translation.",
    "file": "File to translate.",
}
_ROUTES = {
    "/translate": ("post", "Translate a text", ("q", "source", "target", "format", "alternatives", "api_key")),
    "/detect": ("post", "Detect the language of a text", ("q", "api_key")),
    "/languages": ("get", "List the languages", ()),
    "/translate_file": ("post", "Translate a file", ("file", "source", "target", "api_key")),
    "/suggest": ("post", "Suggest a translation", ("q", "s", "source", "target")),
    "/frontend/settings": ("get", "Settings of the server", ()),
    "/health": ("get", "Whether the server answers", ()),
}
_REQUIRED = ("q", "source", "target", "s", "file")


def swagger(title: str, version: str) -> dict[str, object]:
    """Describes LibreTranslate's routes, as this service has them, as a Swagger 2.0 document.

    Args:
        title: Title of the service.
        version: Version of the service.

    Returns:
        The document as a JSON object.
    """
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": version, "description": "Compatible with the API of LibreTranslate 1.9.6."},
        "basePath": "/",
        "schemes": ["http", "https"],
        "consumes": ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
        "produces": ["application/json"],
        "paths": {path: {method: _operation(summary, names)} for path, (method, summary, names) in _ROUTES.items()},
    }


def _operation(summary: str, names: tuple[str, ...]) -> dict[str, object]:
    return {
        "summary": summary,
        "parameters": [_parameter(name) for name in names],
        "responses": {
            "200": {"description": "The answer"},
            "400": {"description": "The request is invalid", "schema": _ERROR},
            "403": {"description": "The API key is unknown", "schema": _ERROR},
            "429": {"description": "Too many requests", "schema": _ERROR},
        },
    }


_ERROR: dict[str, object] = {"type": "object", "properties": {"error": _STRING}}


def _parameter(name: str) -> dict[str, object]:
    kind = {"file": "file", "alternatives": "integer"}.get(name, "string")
    return {
        "name": name,
        "in": "formData",
        "type": kind,
        "required": name in _REQUIRED,
        "description": _PARAMETERS[name],
    }
