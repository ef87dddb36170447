"""`regard shortlist`: finds the likely translations of each source subword, for speed with large vocabularies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.loading import loading
from regard.cli.messages import say
from regard.cli.options import Device, Model, Threads, examples, parse_path, use_threads, with_groups
from regard.cli.parallel import DEFAULT_READING, PairsSrc, PairsTgt, Reading, read_parallel
from regard.files.paths import refuse_overwriting_input

EXAMPLES = examples(
    "regard shortlist model --src train.en --tgt train.fr --out model.shortlist",
)


@with_groups
def shortlist(
    model: Model,
    src: PairsSrc,
    out: Annotated[Path, typer.Option(parser=parse_path, metavar="FILE", help="Output file.", show_default=False)],
    tgt: PairsTgt = None,
    reading: Reading = DEFAULT_READING,
    links: Annotated[int, typer.Option(metavar="N", help="Number of target subwords per source subword.")] = 100,
    frequent: Annotated[
        int, typer.Option(metavar="N", help="Number of most frequent target subwords that are always allowed.")
    ] = 300,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Build a vocabulary shortlist from parallel text.

    Collects the target subwords that attend most to each source subword, for `regard translate --shortlist`.
    """
    refuse_overwriting_input(out, [model, src, tgt])

    with loading():
        from regard.translation.loading import load
        from regard.translation.shortlist import make_shortlist, write_shortlist

    use_threads(threads)
    pairs = read_parallel(src, tgt, reading=reading, model=model)
    translator = load(model, device=device)
    table = make_shortlist(translator, *pairs, links=links, frequent=frequent)
    write_shortlist(out, table, translator)
    say(
        f"{out}: {table.num_always} of {len(table.ranking)} target subwords always, and {links} for each source subword"
    )
