"""`regard import`: converts a model of another toolkit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from regard.cli.loading import loading
from regard.cli.messages import say, warn
from regard.cli.options import examples, parse_path

EXAMPLES = examples("regard import marian opus-mt-en-fr --out model")


def import_(
    kind: Annotated[
        Literal["marian"],
        typer.Argument(
            metavar="KIND", help="Format of the model: marian, for MarianMT of transformers.", show_default=False
        ),
    ],
    directory: Annotated[
        Path,
        typer.Argument(
            parser=parse_path,
            metavar="DIR",
            help="Directory of the model, as transformers saves it.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", parser=parse_path, metavar="MODEL", help="Directory to create.", show_default=False)
    ],
) -> None:
    """Import a model from another toolkit.

    The result can be used like a model trained here.
    """
    with loading():
        from regard.interop.marian.importer import EXPONENT, import_marian

    manifest = import_marian(directory, out)
    say(f"{out}: {manifest.signature}")
    power = manifest.details[EXPONENT]
    if power:
        warn(
            "beam search may choose another hypothesis here: transformers divides scores by "
            f"length ** {power}, regard by ((5 + length) / 6) ** {power} (Wu et al. 2016); --beam 1 or a length "
            "penalty of 0 gives the same choice"
        )
