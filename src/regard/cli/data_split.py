"""`regard data split`: divides a corpus into training, validation and test pairs without leakage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.corpus_options import Corpus, Translations
from regard.cli.messages import say
from regard.cli.options import examples, parse_path, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading

EXAMPLES = examples(
    "regard data split train.en train.fr --langs en-fr --out parts --val 100 --test 100",
    "regard data split pairs.tsv --langs en-fr --out other --test 100 --seed 2",
)


@with_groups
def data_split(
    src: Corpus,
    out: Annotated[
        Path,
        typer.Option(
            parser=parse_path, metavar="DIR", help="Directory for the files train, val and test.", show_default=False
        ),
    ],
    tgt: Translations = None,
    reading: Reading = DEFAULT_READING,
    val: Annotated[int, typer.Option(metavar="N", min=0, help="Number of validation pairs.")] = 2000,
    test: Annotated[int, typer.Option(metavar="N", min=0, help="Number of test pairs.")] = 2000,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing parts in DIR.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed; the same seed gives the same parts.")] = 1,
    to: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="Format of the output.", show_default="tsv, or plain for two files"),
    ] = None,
) -> None:
    """Divide a corpus into training, validation and test pairs that share no source and no target sentence.

    Pairs that share a sentence, directly or through other pairs, stay together.
    """
    from regard.cli.progress import progress_of_stages
    from regard.data.cleaning.source import CorpusSource
    from regard.data.cleaning.split import split
    from regard.data.cleaning.summary import split_summary

    to = to or ("plain" if tgt is not None else "tsv")
    source = CorpusSource(src, tgt, reading.options(), reading.format)
    with progress_of_stages(str(out)) as progress:
        report = split(
            source, out, {"test": test, "val": val}, format=to, seed=seed, overwrite=overwrite, progress=progress
        )
    say("\n".join(split_summary(report, source.name, out)))
