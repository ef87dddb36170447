"""Adds languages and limits to the service's OpenAPI description, which then describes only accepted requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import FastAPI

from regard.service.catalog import Catalog, ModelEntry
from regard.service.detection import LanguageDetector
from regard.service.requests import AUTO
from regard.service.service import TranslationService
from regard.translation.markup.keep import MAX_PATTERN

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]+$"}
_ITEM: Schema = {"type": "string", "pattern": r"^[^\u0000]*$"}
_KEY: Schema = {"description": "API key, a string, if the service requires one and it is not in a header."}
_FILE = "letter.txt"
_FILE_OPTIONS: Schema = {
    "keep": {
        "type": "string",
        "format": "regex",
        "maxLength": MAX_PATTERN,
        "description": "Regular expression for text that is not translated; the field may be repeated.",
    },
    "attributes": {
        "enum": ["true", "false"],
        "description": "Whether to translate the attributes `alt`, `title`, `placeholder` and `aria-label` of HTML.",
    },
    "terms_in_source": {
        "enum": ["true", "false"],
        "description": "Whether terms are written into the source instead of required by the search.",
    },
}


def describe(app: FastAPI, service: TranslationService) -> None:
    """Adds languages, limits and the request bodies of LibreTranslate's routes to an application's OpenAPI description.

    Args:
        app: The application, with all its routes; its method `openapi` is replaced.
        service: The service whose languages and limits are described.
    """
    generate = app.openapi
    described: dict[tuple[ModelEntry, ...], Schema] = {}

    def openapi() -> Schema:
        entries = service.catalog.entries
        if entries not in described:
            app.openapi_schema = None  # that of other models
            document = generate()
            _remove_unused_errors(document)
            _describe_libretranslate(document["paths"], service)
            _describe_v1(document["components"]["schemas"], service)
            described.clear()
            described[entries] = document
        return described[entries]

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation does it


def _remove_unused_errors(document: Schema) -> None:
    """Removes FastAPI's own form of validation errors, which this service does not send."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in json.dumps(operation["responses"].get("422", "")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _describe_libretranslate(paths: Schema, service: TranslationService) -> None:
    directions = directions_of(service.catalog)
    limit = service.settings.alternatives_limit
    texts = (
        f"A text, or a list of at most {service.settings.batch_limit or 'any number of'} texts; together at most "
        f"{service.settings.char_limit or 'any number of'} characters. In a form, `q` is repeated for a list."
    )
    q_json = {"description": texts, "anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _ITEM}]}
    q_form = {"description": texts, "anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _TEXT}]}
    digits = "|".join(map(str, range(limit + 1)))
    number = {"type": "integer", "maximum": limit}
    options_json = {
        "format": {"enum": ["text", "html", "", None], "description": "Format of the text; empty is text."},
        "alternatives": {
            "description": "Number of alternatives; a negative number counts as 0.",
            "anyOf": [number, {"type": "string", "pattern": f"^(|-[0-9]+|0*({digits}))$"}, {"type": "null"}],
        },
    }
    options_form = {"format": {"enum": ["text", "html", ""]}, "alternatives": number}
    paths["/translate"]["post"]["requestBody"] = _body(
        {
            "application/json": _with_directions({"q": q_json, **options_json}, directions),
            "application/x-www-form-urlencoded": _with_directions({"q": q_form, **options_form}, directions),
            "multipart/form-data": _with_directions({"q": _TEXT, **options_form}, directions),
        }
    )
    paths["/detect"]["post"]["requestBody"] = _body(
        {
            "application/json": _object({"q": q_json}, ["q"]),
            "application/x-www-form-urlencoded": _object({"q": q_form}, ["q"]),
            "multipart/form-data": _object({"q": _TEXT}, ["q"]),
        }
    )
    for path in ("/translate_file", "/v1/files") if service.settings.files else ():
        paths[path]["post"]["requestBody"] = _file_body(directions, service.glossaries.names)


def directions_of(catalog: Catalog) -> list[tuple[str, list[str]]]:
    """The source languages of a service, and the target languages that each can be translated to.

    Args:
        catalog: The models of the service.

    Returns:
        Per source language, its code and the codes of its target languages. If languages can be detected, the last
        entry is `auto`, with the target languages into which texts in every source language can be translated.
    """
    languages = [language for language in catalog.languages() if language.targets]
    directions = [(language.code, list(language.targets)) for language in languages]
    reached = [target for target in catalog.targets if all(target in (code, *targets) for code, targets in directions)]
    if reached and LanguageDetector.is_installed():
        directions.append((AUTO, reached))
    return directions


def _with_directions(properties: Schema, directions: Iterable[tuple[str, list[str]]]) -> Schema:
    schema = _object(properties, [next(iter(properties))])
    schema["anyOf"] = [
        {
            "type": "object",
            "properties": {"source": {"enum": [source]}, "target": {"enum": targets}},
            "required": ["source", "target"],
        }
        for source, targets in directions or [("", [""])]  # before the first model is there, no language is accepted
    ]
    schema["description"] = "Codes may also be spelled otherwise, such as pb or PT_br for pt-BR."
    return schema


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": {**properties, "api_key": _KEY}, "required": required}


def _body(schemas: Schema) -> Schema:
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in schemas.items()}}


def _file_body(directions: Iterable[tuple[str, list[str]]], glossaries: Sequence[str]) -> Schema:
    glossary = {"enum": ["", *glossaries], "description": "Name of a glossary of the service; empty is none."}
    file = {"type": "string", "format": "binary"}
    schema = _with_directions({"file": file, "glossary": glossary, **_FILE_OPTIONS}, directions)
    body = _body({"multipart/form-data": schema})
    name = {"schema": {"type": "string"}, "example": f'form-data; name="file"; filename="{_FILE}"'}
    body["content"]["multipart/form-data"]["encoding"] = {"file": {"headers": {"Content-Disposition": name}}}
    return body


def _describe_v1(schemas: Schema, service: TranslationService) -> None:
    settings = service.settings
    codes = {
        "source": {"enum": [*service.catalog.sources, AUTO, None]},
        "target": {"enum": [*service.catalog.targets, None]},
    }
    limits = {"beam": settings.beam_limit, "n_best": 1 + settings.alternatives_limit}
    for name in ("TranslateRequest", "StreamRequest", "ScoreRequest", "AlignRequest", "AlternativesRequest"):
        properties = schemas[name]["properties"]
        for language, schema in codes.items():
            properties[language] = {**schema, "description": properties[language].get("description", "Language code.")}
        for option, limit in limits.items():
            for part in properties.get(option, {}).get("anyOf", [properties.get(option, {})]):
                if part.get("type") == "integer":
                    part["maximum"] = limit
    schemas["Sampling"]["properties"]["num_samples"]["maximum"] = limits["n_best"]
