"""Settings of the service: what it accepts, and how long it takes at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Limits of the service. A number of None means no limit.

    Attributes:
        char_limit: Characters of all texts of a request.
        batch_limit: Texts in a request.
        alternatives_limit: Alternatives and entries of an n-best list for each sentence.
        beam_limit: Width of the beam.
        deadline: Seconds within which a request is answered; files have more time.
        file_limit: Bytes of a file to translate.
        file_lifetime: Seconds for which a translated file is kept.
        max_files: Files that are kept or wait at once.
        spec_title: Title in `/spec`. Some clients accept a service only under the name that they know.
        api_keys: Whether requests need an API key.
        metrics: Whether `/metrics` is served.
        page: Whether the web page is served.
    """

    char_limit: int | None = 100_000
    batch_limit: int | None = 1_000
    alternatives_limit: int = 10
    beam_limit: int = 20
    deadline: float = 60.0
    file_limit: int = 10 << 20
    file_lifetime: float = 1800.0
    max_files: int = 100
    spec_title: str = "regard"
    api_keys: bool = False
    metrics: bool = True
    page: bool = True
