"""`regard data inspect`: shows what parallel corpora contain, and what should be cleaned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.corpus_options import DEFAULT_CHECKING, Checking, Workers
from regard.cli.messages import say, say_json
from regard.cli.options import Json, examples, parse_model, parse_path, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading

if TYPE_CHECKING:
    from regard.data.cleaning.inspect import CheckMaker

EXAMPLES = examples(
    "regard data inspect train.en train.fr --langs en-fr",
    "regard data inspect pairs.tsv test.tsv --langs en-fr --html report.html",
    "regard data inspect pairs.tsv --test-set test.tsv --json",
)


@with_groups
def data_inspect(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Corpora; two text files after one another, or joined by a comma, are source and target of one.",
            show_default=False,
        ),
    ],
    reading: Reading = DEFAULT_READING,
    checking: Checking = DEFAULT_CHECKING,
    model: Annotated[
        Path | None,
        typer.Option(
            parser=parse_model,
            metavar="MODEL",
            help="Model that also checks whether the sides translate each other; slow.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    html: Annotated[
        Path | None,
        typer.Option(parser=parse_path, metavar="FILE", help="Write a report with examples.", show_default=False),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(parser=parse_path, metavar="FILE", help="Draw the lengths as a picture.", show_default=False),
    ] = None,
    workers: Workers = None,
) -> None:
    """Show what corpora contain: lengths, languages, duplicates, pairs that look wrong, and leakage between them.

    Ends with the command that cleans each corpus.
    """
    from regard.cli.progress import progress_of_stages
    from regard.config.threads import available_cores
    from regard.data.cleaning.histogram import draw_png
    from regard.data.cleaning.inspect import inspect
    from regard.data.cleaning.page import write_page
    from regard.data.cleaning.report import length_charts, report_lines, report_tree
    from regard.data.cleaning.source import corpora_of

    filters = checking.filters()
    sources = corpora_of(files, reading.options(), reading.format)
    model_check = None if model is None else _model_check(model)
    with progress_of_stages("" if html is None else str(html)) as progress:
        reports = inspect(
            sources, filters, model_check=model_check, num_workers=workers or available_cores(), progress=progress
        )
    if png is not None:
        draw_png(png, length_charts(reports))
    if html is not None:
        write_page(html, reports, filters)
    if as_json:
        say_json(report_tree(reports, filters))
    else:
        say("\n".join(report_lines(reports, filters)))


def _model_check(directory: Path) -> CheckMaker:
    """Makes the check by a model, whose scale is learned from the sample of each corpus."""
    from functools import partial

    from regard.cli.loading import loading

    with loading():
        from regard.recipes.model_check import model_check
        from regard.translation.loading import load

    return partial(model_check, load(directory))
