"""Settings of the service: limits of requests, files, time and connections, and what is served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.errors import ConfigError
from regard.files.json_text import validation_messages

Limit = Annotated[int, Field(ge=1, le=1 << 40)]
Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]


class ServiceSettings(BaseModel):
    """Limits and switches of the service; None = no limit.

    Attributes:
        char_limit: Most characters in all texts of a request.
        batch_limit: Most texts in a request.
        alternatives_limit: Most alternatives to the best translation of a sentence; an n-best list has one entry more.
        beam_limit: Largest width of the beam.
        terms_limit: Most terms that come with a request; those of named glossaries do not count.
        req_limit: Most requests of a client per minute; each text of a list counts as a request.
        deadline: Seconds within which a request, or each part of a stream, must be answered; files have more time.
        body_limit: Most bytes in the body of a request without a file.
        file_limit: Most bytes in a file to translate.
        file_lifetime: Seconds for which a translated file is kept.
        max_files: Most files that are kept or wait at once.
        queue_limit: Most source tokens (subwords) that wait to be decoded.
        header_seconds: Seconds within which the headers of a request must be complete.
        body_seconds: Length of the periods, in seconds, over which the speed of a client is measured while it sends a
            body or reads an answer. The connection ends at the first period with a mean speed below `body_rate`.
        body_rate: Smallest allowed mean speed over a period of `body_seconds`, in bytes per second.
        idle_seconds: Seconds for which a connection stays open after an answer while no further request comes.
        max_connections: Most connections at the same time.
        proxies: IP addresses or networks of trusted proxies, whose header `X-Forwarded-For` names the client.
        spec_title: Title of the API description at `/spec`; some clients accept only a service with a certain title.
        api_keys: Whether requests need an API key.
        metrics: Whether `/metrics` is served.
        page: Whether the web page is served.
        files: Whether files are translated.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    char_limit: Limit | None = 100_000
    batch_limit: Limit | None = 1_000
    alternatives_limit: Annotated[int, Field(ge=0, le=100)] = 10
    beam_limit: Annotated[int, Field(ge=1, le=1000)] = 20
    terms_limit: Annotated[int, Field(ge=0, le=10_000)] = 100
    req_limit: Limit | None = None
    deadline: Seconds = 60.0
    body_limit: Limit = 4 << 20
    file_limit: Limit = 10 << 20
    file_lifetime: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 1800.0
    max_files: Limit = 100
    queue_limit: Limit = 1_000_000
    header_seconds: Seconds = 10.0
    body_seconds: Seconds = 15.0
    body_rate: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] = 1_000.0
    idle_seconds: Seconds = 75.0
    max_connections: Limit = 500
    proxies: tuple[str, ...] = ()
    spec_title: Annotated[str, Field(max_length=100)] = "regard"
    api_keys: bool = False
    metrics: bool = True
    page: bool = True
    files: bool = True


def parse_settings(texts: Sequence[str], *, api_keys: bool) -> ServiceSettings:
    """Parses settings from the command line.

    Args:
        texts: Settings as `KEY=VALUE`; the value `none` means no limit, and `proxies` takes values joined by commas.
        api_keys: Whether requests need an API key.

    Returns:
        The settings.

    Raises:
        ConfigError: A key is unknown, or a value is impossible.
    """
    given: dict[str, object] = {"api_keys": api_keys}
    for text in texts:
        name, separator, value = text.partition("=")
        names = [known for known in ServiceSettings.model_fields if known != "api_keys"]
        if not separator or name not in names:
            raise ConfigError(f"--set {text}: expected KEY=VALUE, where KEY is one of {', '.join(names)}")
        if name == "proxies":
            given[name] = tuple(part for part in value.split(",") if part)
        else:
            given[name] = None if value.lower() == "none" else value
    try:
        return ServiceSettings.model_validate(given)
    except ValidationError as error:
        raise ConfigError(f"--set: {'; '.join(validation_messages(error))}") from None
