"""`regard data`: inspects, cleans, splits, converts and prepares parallel corpora."""

from __future__ import annotations

import typer

from regard.cli import data_clean, data_convert, data_inspect, data_prepare, data_split
from regard.cli.options import Verb, examples

EXAMPLES = examples("regard data inspect memory.tmx --langs en-fr", "regard data clean train.en train.fr --out clean")
app = typer.Typer(
    name="data", help="Inspect, clean, split, convert and prepare parallel corpora.", no_args_is_help=True
)
app.command("inspect", cls=Verb, epilog=data_inspect.EXAMPLES)(data_inspect.data_inspect)
app.command("clean", cls=Verb, epilog=data_clean.EXAMPLES)(data_clean.data_clean)
app.command("split", cls=Verb, epilog=data_split.EXAMPLES)(data_split.data_split)
app.command("convert", cls=Verb, epilog=data_convert.EXAMPLES)(data_convert.data_convert)
app.command("prepare", cls=Verb, epilog=data_prepare.EXAMPLES)(data_prepare.data_prepare)
