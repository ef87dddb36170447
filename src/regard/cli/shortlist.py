"""`regard shortlist`: what each source subword is translated by, for quicker translation with large vocabularies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.lines import read_aligned
from regard.cli.loading import loading
from regard.cli.messages import say
from regard.cli.options import Device, Model, Src, Threads, examples, place, use_threads
from regard.files.paths import refuse_overwriting_input

EXAMPLES = examples(
    "regard shortlist model --src train.en --tgt train.fr --out model.shortlist",
)


def shortlist(
    model: Model,
    src: Src,
    tgt: Annotated[Path, typer.Option(parser=place, metavar="FILE", help="Their translations.", show_default=False)],
    out: Annotated[
        Path, typer.Option(parser=place, metavar="FILE", help="Where to write the table.", show_default=False)
    ],
    links: Annotated[int, typer.Option(metavar="N", help="Target subwords for each source subword.")] = 100,
    frequent: Annotated[int, typer.Option(metavar="N", help="Target subwords that are always there.")] = 300,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Read translations, note what the model looks at, and write a table for `regard translate --shortlist`."""
    refuse_overwriting_input(out, [model, src, tgt])

    with loading():
        from regard.translation.loading import load
        from regard.translation.shortlist import make_shortlist, write_shortlist

    use_threads(threads)
    translator = load(model, device=device)
    table = make_shortlist(translator, *read_aligned(src, tgt), links=links, frequent=frequent)
    write_shortlist(out, table, translator)
    say(
        f"{out}: {table.num_always} of {len(table.ranking)} target subwords always, and {links} for each source subword"
    )
