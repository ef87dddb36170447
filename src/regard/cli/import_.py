"""`regard import`: a model of another toolkit as one of regard's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from regard.cli.loading import loading
from regard.cli.messages import say, warn
from regard.cli.options import examples, place

EXAMPLES = examples("regard import marian opus-mt-en-fr --out model")


def import_(
    kind: Annotated[
        Literal["marian"], typer.Argument(metavar="KIND", help="marian: MarianMT of transformers.", show_default=False)
    ],
    directory: Annotated[
        Path,
        typer.Argument(parser=place, metavar="DIR", help="The model, as transformers keeps it.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option("--out", parser=place, metavar="MODEL", help="The new model.", show_default=False)
    ],
) -> None:
    """Read a model of another toolkit: regard then translates, shows and evaluates it like its own."""
    with loading():
        from regard.interop.marian.importer import EXPONENT, import_marian

    manifest = import_marian(directory, out)
    say(f"{out}: {manifest.signature}")
    power = manifest.details[EXPONENT]
    if power:
        warn(
            f"transformers divides the score of a hypothesis by length ** {power}, regard by ((5 + length) / 6) ** "
            f"{power} (Wu et al. 2016), so that a beam may choose another: --beam 1 and a length penalty of 0 choose "
            "alike"
        )
