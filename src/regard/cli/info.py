"""`regard info`: describes a model, or this machine and how regard uses it."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.loading import loading
from regard.cli.messages import say, say_json
from regard.cli.options import Json, examples, parse_model
from regard.errors import ConfigError
from regard.files.installed_models import installed_models
from regard.files.printable import on_one_line

EXAMPLES = examples("regard info model", "regard info model --json", "regard info --machine")
MAX_NAME_WIDTH = 40
"""Width of the column of names; a longer name shifts its own value to the right."""
MAX_TABLE_WIDTH = 120
"""Maximum width of the table of a machine; longer lines are hard to read."""


def info(
    model: Annotated[
        Path | None,
        typer.Argument(
            parser=parse_model,
            metavar="MODEL",
            help="Directory of a trained model, or name of an installed one.",
            show_default="lists installed models",
        ),
    ] = None,
    machine: Annotated[
        bool,
        typer.Option(
            "--machine",
            help="Describe this machine instead: its hardware and software, what regard uses of them, and why.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Describe a model or this machine, or list installed models.

    For a model: its signature, size, scores and configuration, after verifying its files against their hashes.
    """
    if machine and model is not None:
        raise ConfigError(f"info: expected a model or --machine, got {model} and --machine: ask for one at a time")
    if machine:
        _show_machine(as_json)
    elif model is not None:
        _show_model(model, as_json)
    else:
        _list_models(as_json)


def _list_models(as_json: bool) -> None:
    installed = installed_models()
    if as_json:
        say_json({"installed": {name: str(directory) for name, directory in installed.items()}})
        return
    width = max(map(len, installed), default=0)
    if not installed:
        say("No model is installed; pip install 'regard[en-fr]' installs one. Name a directory, or add --machine.")
    for name, directory in installed.items():
        say(f"{on_one_line(name):{width}}  {on_one_line(str(directory))}")


def _show_model(model: Path, as_json: bool) -> None:
    with loading():
        from regard.config.dump import dump_config
        from regard.store.model import open_model

    opened = open_model(model)
    manifest, config = opened.manifest, opened.config
    sizes = dict(sorted(opened.sizes.items()))
    if as_json:
        say_json({**manifest.model_dump(), "bytes": sizes, "config": config.model_dump()})
        return
    rows = {
        "model": str(model),
        "signature": manifest.signature,
        "parameters": f"{manifest.num_parameters:,}",
        "format": f"{manifest.format} {manifest.format_version}, written by regard {manifest.regard_version}",
        **({} if manifest.quantization is None else {"weights": f"matrices in {manifest.quantization}"}),
        **({} if manifest.readout is None else {"readout": str(manifest.readout)}),
        **{name: f"{size:,} bytes" for name, size in sizes.items()},
        **{key.replace("_", " "): str(value) for key, value in manifest.details.items()},
    }
    shown = {on_one_line(key): on_one_line(value) for key, value in rows.items()}
    width = min(MAX_NAME_WIDTH, max(map(len, shown)))
    for key, value in shown.items():
        say(f"{key:{width}}  {value}")
    say(f"\n{dump_config(config)}", end="")


def _show_machine(as_json: bool) -> None:
    from regard.inspection.labels import replace_controls
    from regard.recipes.machine import describe_machine

    rows = describe_machine()
    if as_json:  # in ASCII: JSON escapes preserve every character of a name
        print(json.dumps({row.topic: {"found": row.found, "why": row.why, **row.facts} for row in rows}))
        return
    margin = max(len(row.topic) for row in rows) + 2
    columns = max(20, min(MAX_TABLE_WIDTH, shutil.get_terminal_size().columns) - margin)
    for row in rows:
        lines = [
            line
            for part in (row.found, row.why)
            for line in textwrap.wrap(replace_controls(part), columns, break_long_words=False, break_on_hyphens=False)
        ]
        for number, line in enumerate(lines):
            print(f"{'' if number else row.topic:{margin}}{line}")
