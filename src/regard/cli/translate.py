"""`regard translate`: lines in, as many lines out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.lines import InputLines, written_to
from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import (
    Beam,
    Device,
    Models,
    Output,
    Precision,
    Table,
    Threads,
    examples,
    place,
    use_threads,
)
from regard.cli.progress import with_progress
from regard.errors import SearchError
from regard.files.paths import STDIN, STDOUT, refuse_overwriting_input

EXAMPLES = examples(
    'echo "How was your day?" | regard translate model',
    "regard translate model --input test.en --output test.out",
    "regard translate model --json --attention --n-best 3 < test.en > answers.jsonl",
)

_Input = Annotated[
    Path | None,
    typer.Option("--input", parser=place, metavar="FILE", help="Lines to translate.", show_default="standard input"),
]


def translate(
    models: Models,
    source: _Input = None,
    output: Output = None,
    beam: Beam = None,
    n_best: Annotated[int, typer.Option(metavar="K", help="Translations per line; needs --json.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object per line: text, score, tokens, alignment, n_best, ...")
    ] = False,
    attention: Annotated[bool, typer.Option("--attention", help="Add the attention matrices; needs --json.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Check the attention, and translate again where it looks wrong.")
    ] = False,
    device: Device = "auto",
    threads: Threads = None,
    precision: Precision = None,
    shortlist: Table = None,
) -> None:
    """Translate line by line: one line of output per line of input; empty lines stay empty."""
    for given, option in ((n_best > 1, f"--n-best {n_best}"), (attention, "--attention")):
        if given and not as_json:
            raise SearchError(f"{option} does not fit on one line of text per line of input: add --json")
    refuse_overwriting_input(
        STDOUT if output is None else output, [STDIN if source is None else source, *models, shortlist]
    )

    with loading():
        from regard.translation.loading import load
        from regard.translation.options import TranslateOptions

    use_threads(threads)
    translator = load(models, precision=precision, device=device, threads=threads)
    if shortlist is not None:
        from regard.translation.shortlist import read_shortlist, shortlisted

        translator = shortlisted(translator, read_shortlist(shortlist, translator))
    options = TranslateOptions(
        beam=beam, n_best=n_best, attention=attention, alignment=as_json, retry=retry, scores=as_json
    )
    with written_to(output, reading=source) as file:
        lines = InputLines(source)
        # A person or a program that sends one line waits for its translation before the next.
        translations = translator.translate_lines(lines, options, more=lines.more)
        for translation in with_progress(translations, share=lines.share_read):
            file.write(json.dumps(translation.to_dict(), ensure_ascii=False) if as_json else translation.text)
            for warning in translation.warnings:
                warn(warning)
