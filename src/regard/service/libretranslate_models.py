"""Response bodies of the routes compatible with LibreTranslate, for the OpenAPI description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from regard.service.v1_models import ErrorAnswer

Confidence = Annotated[int, Field(ge=0, le=100, description="Probability, 0-100.")]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DetectedCode(_Answer):
    """A detected language.

    Attributes:
        confidence: Probability in percent, 0 to 100.
        language: Code of the language.
    """

    confidence: Confidence
    language: str


class Translated(_Answer):
    """A translated text, or several: if the request's parameter `q` was a list, each field has an item per text.

    Attributes:
        translatedText: The translation.
        alternatives: Other translations, best first; only if they were asked for.
        detectedLanguage: The detected language; only if the source was `auto`.
    """

    translatedText: str | list[str]  # noqa: N815 # as LibreTranslate spells it
    alternatives: list[str] | list[list[str]] = Field(default_factory=list)
    detectedLanguage: DetectedCode | list[DetectedCode] = Field(default_factory=list)  # noqa: N815


class LanguageTargets(_Answer):
    """A source language with its target languages.

    Attributes:
        code: Code of the source language.
        name: English name of the source language.
        targets: Codes of the languages that it can be translated to.
    """

    code: str
    name: str
    targets: list[str]


class NamedLanguage(_Answer):
    """A language that a web page should preselect.

    Attributes:
        code: Code of the language.
        name: English name of the language.
    """

    code: str
    name: str


class Direction(_Answer):
    """The two languages that a web page should preselect.

    Attributes:
        source: Source language.
        target: Target language.
    """

    source: NamedLanguage
    target: NamedLanguage


class FrontendSettings(_Answer):
    """Settings of the service that a web page for translating needs.

    Attributes:
        charLimit: Maximum number of characters in a request; -1 if there is no limit.
        frontendTimeout: Milliseconds from the last keystroke until the page should request a translation.
        apiKeys: Whether the service uses API keys.
        keyRequired: Whether a request needs an API key.
        suggestions: Whether users may submit translations of their own.
        filesTranslation: Whether files are translated.
        supportedFilesFormat: Extensions of the files that are translated.
        language: The languages to preselect.
    """

    charLimit: int  # noqa: N815 # all names as LibreTranslate spells them
    frontendTimeout: int  # noqa: N815
    apiKeys: bool  # noqa: N815
    keyRequired: bool  # noqa: N815
    suggestions: bool
    filesTranslation: bool  # noqa: N815
    supportedFilesFormat: list[str]  # noqa: N815
    language: Direction


class TranslatedFileAnswer(_Answer):
    """A translated file.

    Attributes:
        translatedFileUrl: URL of the translated file.
    """

    translatedFileUrl: str  # noqa: N815


class Health(_Answer):
    """Response of `/health`, which shows that the process is running.

    Attributes:
        status: Always `ok`.
    """

    status: Literal["ok"]


class Readiness(_Answer):
    """Response of `/ready`: whether texts can be translated now.

    Attributes:
        status: `ready`, or `not ready` with status 503.
    """

    status: Literal["ready", "not ready"]


def answers(model: object, errors: Sequence[int] = ()) -> dict[int | str, dict[str, object]]:
    """Describes the responses of a route for FastAPI's argument `responses`.

    Args:
        model: Type of the body of a successful response; None if the route answers with errors only.
        errors: HTTP statuses of the errors that the route may answer with.

    Returns:
        The value of `responses`: by status, the type of the body and a description.
    """
    described: dict[int | str, dict[str, object]] = {
        status: {"model": ErrorAnswer, "description": _REASONS[status]} for status in errors
    }
    return described if model is None else {200: {"model": model, "description": "The answer."}, **described}


_REASONS = {
    400: "The request is invalid; the sentence says how.",
    403: "The API key is unknown, or this is switched off.",
    404: "It does not exist, or no longer.",
    409: "The file cannot be read.",
    413: "The body is too large.",
    429: "Too many requests, or too much text is waiting.",
    503: "The service is too busy, or shutting down.",
}
