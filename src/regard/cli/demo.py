"""`regard demo`: from generating a corpus to a picture of attention, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.exit_status import INTERRUPTED
from regard.cli.loading import loading
from regard.cli.messages import say_json
from regard.cli.options import Json, Set, examples, place

EXAMPLES = examples("regard demo --out demo")


def demo(
    out: Annotated[Path, typer.Option(parser=place, metavar="DIR", help="Directory to write to.")] = Path("demo"),
    pairs: Annotated[int, typer.Option(metavar="N", help="Sentence pairs to train on.")] = 20000,
    overrides: Set = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another corpus or model in DIR.")] = False,
    as_json: Json = False,
) -> int:
    """Write a corpus, train a Bahdanau model, score it, translate a sentence and draw its attention, in minutes."""
    with loading():
        from regard.recipes.demo import run_demo
        from regard.recipes.process import interrupt_on_signals, prepare_process
        from regard.train.interrupt import Interrupted

    prepare_process()
    try:
        with interrupt_on_signals() as interrupt:
            result = run_demo(out, pairs=pairs, overrides=overrides or [], overwrite=overwrite, interrupt=interrupt)
    except Interrupted:
        return INTERRUPTED
    if as_json:
        say_json(result.to_dict())
    return 0
