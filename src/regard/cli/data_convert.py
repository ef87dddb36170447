"""`regard data convert`: writes a parallel corpus in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.corpus_options import Corpus, Translations
from regard.cli.messages import say, warn
from regard.cli.options import examples, parse_path, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading
from regard.files.paths import refuse_overwriting_input

EXAMPLES = examples(
    "regard data convert memory.tmx --langs en-fr --to tsv --out memory.tsv.gz",
    "regard data convert train.en train.fr --langs en-fr --out train.tmx",
    "regard data convert locale/fr/LC_MESSAGES/django.po --langs en-fr --to plain --out django",
    "zcat pairs.tsv.gz | regard data convert - --langs en-fr --to jsonl",
)
OutputFormat = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="Format of the output: plain, moses, tsv, csv, jsonl, tmx, xliff, po or parquet.",
        show_default="by the suffix of --out",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        parser=parse_path,
        metavar="FILE",
        help="Output file, compressed if its suffix is .gz, .bz2, .xz or .zst; for two files, the stem of their names.",
        show_default="standard output",
    ),
]


@with_groups
def data_convert(
    src: Corpus,
    tgt: Translations = None,
    to: OutputFormat = None,
    out: OutputFile = None,
    reading: Reading = DEFAULT_READING,
) -> int:
    """Write a parallel corpus in another format, and say what that format cannot hold.

    Only the text of both sides is converted, not comments, contexts or other properties of a pair.
    """
    from regard.cli.progress import progress_of_stages
    from regard.data.corpora.convert import convert
    from regard.data.corpora.formats import open_corpus

    if out is not None:
        refuse_overwriting_input(out, [src, tgt])
    options = reading.options()
    reader = open_corpus(src, tgt, options, reading.format)
    with progress_of_stages("" if out is None else str(out)) as progress:
        result = convert(
            reader,
            out,
            format=to,
            langs=options.langs,
            progress=lambda done, fraction: progress("converting", done, fraction),
        )
    (warn if out is None else say)(result.summary(reader.name))
    return 0
