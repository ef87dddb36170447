"""Settings of the service: what it accepts, and how long it takes at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.errors import ConfigError
from regard.files.json_text import validation_messages

Limit = Annotated[int, Field(ge=1, le=1 << 40)]
Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]


class ServiceSettings(BaseModel):
    """Limits of the service. A number of None means no limit.

    Attributes:
        char_limit: Characters of all texts of a request.
        batch_limit: Texts in a request.
        alternatives_limit: Alternatives and entries of an n-best list for each sentence.
        beam_limit: Width of the beam.
        terms_limit: Terms that come with a request; those of named glossaries do not count.
        req_limit: Requests of a client per minute; each text of a list counts.
        deadline: Seconds within which a request is answered, and each part of a stream; files have more time.
        body_limit: Bytes of the body of a request without a file.
        file_limit: Bytes of a file to translate.
        file_lifetime: Seconds for which a translated file is kept.
        max_files: Files that are kept or wait at once.
        queue_limit: Source tokens (subwords) that may wait to be decoded.
        header_seconds: Time within which the headers of a request must be complete, in seconds.
        body_seconds: Length of the periods, in seconds, over which the speed of a client is measured while it sends a
            body or reads an answer. The connection ends at the first period with a mean speed below `body_rate`.
        body_rate: Smallest mean speed in such a period, in bytes per second.
        idle_seconds: Time, in seconds, for which a connection is kept open after a request without a further one.
        max_connections: Connections at the same time.
        proxies: Addresses or networks of proxies whose `X-Forwarded-For` is believed, joined by commas.
        spec_title: Title in `/spec`. Some clients accept a service only under the name that they know.
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
        texts: `KEY=VALUE`; the value `none` stands for no limit, and `proxies` takes several joined by commas.
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
            raise ConfigError(f"--set {text}: expected KEY=VALUE with a KEY of {', '.join(names)}")
        if name == "proxies":
            given[name] = tuple(part for part in value.split(",") if part)
        else:
            given[name] = None if value.lower() == "none" else value
    try:
        return ServiceSettings.model_validate(given)
    except ValidationError as error:
        raise ConfigError(f"--set: {'; '.join(validation_messages(error))}") from None
