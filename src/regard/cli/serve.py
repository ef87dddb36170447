"""`regard serve`: an HTTP service and a web page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.loading import loading
from regard.cli.options import Device, Precision, Threads, examples, parse_path, use_threads, with_groups
from regard.errors import ConfigError

EXAMPLES = examples(
    "regard serve --demo",
    "regard serve my-model",
    "regard serve --model en-fr=my-model --model fr-en=other-model --port 8080 --set req_limit=120",
)
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


Models = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MODEL]...", help="Models that know their languages.", show_default=False),
]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="SRC-TGT=MODEL",
        help="A model and its languages, such as en-fr=DIR; several directories joined by + form an ensemble; "
        "may be repeated.",
        show_default=False,
    ),
]
NamedGlossaries = Annotated[
    list[str] | None,
    typer.Option(
        "--glossary",
        metavar="NAME=FILE",
        help="A glossary that requests name, such as legal=terms.tsv; legal:en-fr=terms.tsv is for one direction; may "
        "be repeated.",
        show_default=False,
    ),
]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at; 0.0.0.0 for all.")]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 for any free one.")]
Keys = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        parser=parse_path,
        metavar="FILE",
        help="Require an API key of this file; see `regard keys`.",
        show_default=False,
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="Memory for models, such as 4G: unused ones are unloaded when another is needed.",
        show_default="no limit",
    ),
]
WithDemo = Annotated[bool, typer.Option("--demo", help="Serve the demonstration, training it in ./demo if need be.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a limit of the service, such as char_limit=5000 or req_limit=60; may be repeated.",
        show_default=False,
    ),
]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Run replicas on the Ray cluster at ADDRESS; auto for the one that this machine is part of, or else a new "
        "one; local for a new one.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class ServiceFiles:
    """Options that name the files of API keys and of glossaries."""

    keys: Keys = None
    glossaries: NamedGlossaries = None


NO_FILES = ServiceFiles()
"""No API keys and no glossary."""


@with_groups
def serve(
    models: Models = None,
    named: Named = None,
    host: Host = "127.0.0.1",
    port: Port = 5000,
    service_files: ServiceFiles = NO_FILES,
    memory_limit: MemoryLimit = None,
    demo: WithDemo = False,
    settings: Settings = None,
    cluster: ClusterAddress = None,
    device: Device = "auto",
    threads: Threads = None,
    precision: Precision = None,
) -> None:
    """Serve translations over HTTP, with a web page that shows the attention.

    The API is compatible with LibreTranslate; `/openapi.json` describes all of it.
    """
    keys = service_files.keys
    size = None if memory_limit is None else _parse_size(memory_limit)
    if not (models or named or demo):
        raise ConfigError("serve: expected a MODEL, --model SRC-TGT=MODEL or --demo, got none: name a model")
    if cluster is not None and demo:
        raise ConfigError("--demo cannot be used with --cluster: run `regard demo` and name the model that it trains")
    if cluster is not None and port == 0:
        raise ConfigError("--port 0 cannot be used with --cluster: all machines listen at the same port; choose one")
    with loading():
        try:
            from regard.service import cluster as replicas
            from regard.service.access import make_access
            from regard.service.catalog import parse_model
            from regard.service.glossaries import parse_named_glossary
            from regard.service.metrics import Metrics
            from regard.service.server import build_service
            from regard.service.server import serve as run
            from regard.service.settings import parse_settings
        except ImportError as error:
            raise ConfigError(f"serve: the package {error.name} is missing: run pip install 'regard[serve]'") from None
    entries = [entry for text in [*(models or []), *(named or [])] for entry in parse_model(text)]
    glossaries = tuple(parse_named_glossary(text) for text in service_files.glossaries or [])
    if cluster is not None:
        scaling, others = replicas.split_settings(settings or [])
        limits = parse_settings(others, api_keys=keys is not None)
        plan = replicas.ReplicaPlan(tuple(entries), limits, keys, precision, device, threads or 1, size, glossaries)
        replicas.serve_cluster(plan, scaling, address=cluster, host=host, port=port)
        return
    use_threads(threads)
    limits = parse_settings(settings or [], api_keys=keys is not None)
    metrics, access = Metrics(), make_access(limits, keys)
    service = build_service(
        entries, limits, metrics, precision=precision, device=device, threads=threads, memory_limit=size,
        glossaries=glossaries,
    )  # fmt: skip
    run(service, access=access, metrics=metrics, host=host, port=port, demo=Path("demo") if demo else None)


def _parse_size(text: str) -> int:
    unit = _UNITS.get(text[-1:].upper(), 1)
    number = text[:-1] if unit > 1 else text
    try:
        size = int(float(number) * unit)
    except (ValueError, OverflowError):
        size = 0
    if size <= 0:
        raise ConfigError(f"--memory-limit: expected a size such as 800M or 4G, got {text!r}")
    return size
