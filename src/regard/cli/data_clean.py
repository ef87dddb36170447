"""`regard data clean`: keeps the pairs of a corpus that pass all checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.corpus_options import DEFAULT_CHECKING, Checking, Corpus, Translations, Workers, WriteFormat
from regard.cli.exit_status import INTERRUPTED
from regard.cli.messages import say, warn
from regard.cli.options import examples, parse_path, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading
from regard.errors import ConfigError

EXAMPLES = examples(
    "regard data clean train.en train.fr --langs en-fr --out clean --dry-run",
    "regard data clean train.en train.fr --langs en-fr --out clean.tsv.gz",
    "regard data clean pairs.tsv --langs en-fr --out clean.tsv --check length-ratio=3 --without identical "
    "--test-set test.tsv",
)


@with_groups
def data_clean(
    src: Corpus,
    tgt: Translations = None,
    out: Annotated[
        Path | None,
        typer.Option(parser=parse_path, metavar="FILE", help="Output file; not with --dry-run.", show_default=False),
    ] = None,
    reading: Reading = DEFAULT_READING,
    to: WriteFormat = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path,
            metavar="FILE",
            help="TSV file for the dropped pairs, with place, reason and score.",
            show_default="OUT.rejects.tsv",
        ),
    ] = None,
    checking: Checking = DEFAULT_CHECKING,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be dropped, with examples; write nothing.")
    ] = False,
    workers: Workers = None,
) -> int:
    """Keep the pairs of a corpus that pass all checks, and write the others to a file with the reason.

    An interrupted command continues where it stopped when it is run again.
    """
    from regard.cli.progress import progress_of_stages
    from regard.config.threads import available_cores
    from regard.data.cleaning.output import format_of_output
    from regard.data.cleaning.run import CleanTask, clean, parts_directory, preview
    from regard.data.cleaning.source import CorpusSource
    from regard.data.cleaning.summary import clean_summary

    source, filters = CorpusSource(src, tgt, reading.options(), reading.format), checking.filters()
    num_workers = workers or available_cores()
    if dry_run:
        with progress_of_stages("") as progress:
            report = preview(source, filters, num_workers=num_workers, progress=progress)
        say("\n".join(clean_summary(report, source.name)))
        return 0
    if out is None:
        raise ConfigError("expected --out FILE, or --dry-run to see what would be dropped, got neither: give one")
    rejects = rejects or out.with_name(out.name + ".rejects.tsv")
    try:
        with progress_of_stages(str(out)) as progress:
            task = CleanTask(source, filters, out, rejects, format_of_output(out, to), num_workers)
            report = clean(task, progress)
    except KeyboardInterrupt:
        if parts_directory(out).exists():
            warn(f"stopped; {parts_directory(out)} holds what is done: run the same command again to continue")
        return INTERRUPTED
    say("\n".join(clean_summary(report, source.name, rejects=rejects)))
    return 0
