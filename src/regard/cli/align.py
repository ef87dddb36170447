"""`regard align`: the words of given translations, linked to the words that they were read from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.lines import read_aligned, written_to
from regard.cli.options import Device, Model, Src, Threads, With, examples, use_threads
from regard.cli.progress import watched

EXAMPLES = examples("regard align model --src test.en --tgt test.fr > test.guess")
_AT_ONCE = 512
"""Sentence pairs read in one go: attention takes much more room than text."""


def align(
    model: Model,
    src: Src,
    tgt: Annotated[Path, typer.Option("--tgt", metavar="FILE", help="Their translations.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write.", show_default="standard output")
    ] = None,
    others: With = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Make the model read given translations, and print each one's word alignment: 0-0 1-2 ..., counted from 0."""
    sources, targets = read_aligned(src, tgt)

    from regard.inspection.alignment import pharaoh
    from regard.translate import load

    use_threads(threads)
    translator = load([model, *(others or [])], device=device)
    starts = watched(range(0, len(sources), _AT_ONCE), total=-(-len(sources) // _AT_ONCE), what="windows")
    with written_to(output) as file:
        for start in starts:
            window = slice(start, start + _AT_ONCE)
            for translation in translator.score(sources[window], targets[window]):
                print(pharaoh(translation.alignment), file=file, flush=True)
