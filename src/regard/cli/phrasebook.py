"""`regard phrasebook`: writes the synthetic corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.messages import warn
from regard.cli.options import examples, parse_path

EXAMPLES = examples("regard phrasebook --pair en-fr --pairs 300 --seed 1 --out words")


def phrasebook(
    out: Annotated[
        Path, typer.Option(parser=parse_path, metavar="DIR", help="Directory to write to.", show_default=False)
    ],
    pair: Annotated[str, typer.Option(metavar="PAIR", help="Language pair: en-fr or en-ko.")] = "en-fr",
    pairs: Annotated[int, typer.Option(metavar="N", help="Number of training sentence pairs.")] = 20000,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed; the same seed gives the same files.")] = 1,
    min_length: Annotated[int, typer.Option(metavar="N", help="Minimum number of words per source sentence.")] = 1,
    max_length: Annotated[int, typer.Option(metavar="N", help="Maximum number of words per source sentence.")] = 60,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Generate a synthetic parallel corpus with gold word alignments.

    Writes train, val and test files with sentence pairs from a grammar.
    """
    from regard_phrasebook.corpus import write_corpus

    write_corpus(
        out, pair=pair, pairs=pairs, seed=seed, min_length=min_length, max_length=max_length, overwrite=overwrite
    )
    warn(f"wrote train, val and test to {out}")
