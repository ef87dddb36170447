"""`regard serve`: an HTTP service and a web page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from regard.cli.loading import loading
from regard.cli.options import Device, Precision, Threads, examples, use_threads, with_groups
from regard.errors import ConfigError

EXAMPLES = examples(
    "regard serve model",
    "regard serve --model en-fr=model --model fr-en=other-model --port 8080",
)
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass
class _Limits:
    """What the service accepts."""

    char_limit: Annotated[
        int, typer.Option("--char-limit", metavar="N", min=1, help="Most characters in a request.")
    ] = 100_000
    batch_limit: Annotated[int, typer.Option("--batch-limit", metavar="N", min=1, help="Most texts in a request.")] = (
        1000
    )
    memory_limit: Annotated[
        str | None,
        typer.Option(
            "--memory-limit",
            metavar="SIZE",
            help="Memory for models, such as 4G: unused ones are unloaded when another is needed.",
            show_default="no limit",
        ),
    ] = None


@with_groups
def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="Directory of a model that knows its languages.", show_default=False),
    ] = None,
    named: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="SRC-TGT=MODEL", help="A model and its languages; may be repeated.", show_default=False
        ),
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen at.")] = 5000,
    limits: _Limits = _Limits(),  # noqa: B008 # a group of options
    device: Device = "auto",
    threads: Threads = None,
    precision: Precision = None,
) -> None:
    """Serve translations over HTTP, with a web page.

    The API is compatible with LibreTranslate; /openapi.json describes all of it.
    """
    memory_limit = None if limits.memory_limit is None else _parse_size(limits.memory_limit)
    if not models and not named:
        raise ConfigError("expected a MODEL or --model SRC-TGT=MODEL, got neither: name a model")
    with loading():
        try:
            from regard.service.catalog import parse_model
            from regard.service.server import build_service
            from regard.service.server import serve as run
            from regard.service.settings import ServiceSettings
        except ImportError as error:
            raise ConfigError(f"the service needs the package {error.name}: pip install 'regard[serve]'") from None
    use_threads(threads)
    entries = [parse_model(text) for text in [*(models or []), *(named or [])]]
    settings = ServiceSettings(char_limit=limits.char_limit, batch_limit=limits.batch_limit)
    service = build_service(
        entries, settings, precision=precision, device=device, threads=threads, memory_limit=memory_limit
    )
    run(service, host=host, port=port)


def _parse_size(text: str) -> int:
    unit = _UNITS.get(text[-1:].upper(), 1)
    number = text[:-1] if unit > 1 else text
    try:
        return int(float(number) * unit)
    except (ValueError, OverflowError):
        raise ConfigError(f"--memory-limit: expected a size such as 800M or 4G, got {text!r}") from None
