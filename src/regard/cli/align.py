"""`regard align`: the words of given translations, linked to the words that they were read from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from regard.cli.lines import read_aligned, written_to
from regard.cli.options import Device, Model, Src, Threads, With, examples, use_threads
from regard.cli.progress import watched

EXAMPLES = examples(
    "regard align model --src test.en --tgt test.fr > test.guess",
    "regard align model --src test.en --tgt test.fr --format tsv --rule threshold --threshold 0.3",
    "regard align model --src test.en --tgt test.fr --gold test.align --output test.guess",
)
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
    reverse_model: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="A model that translates back: both directions count.", show_default=False),
    ] = None,
    symmetrize: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="How two directions become one: intersection, union, grow-diag, grow-diag-final (gdf), "
            "grow-diag-final-and (gdfa).",
        ),
    ] = "grow-diag-final-and",
    format_name: Annotated[
        Literal["pharaoh", "json", "tsv", "naacl"],
        typer.Option("--format", help="naacl counts from 1, the others from 0; tsv and json hold the words."),
    ] = "pharaoh",
    rule: Annotated[
        Literal["shares", "strongest", "threshold"],
        typer.Option(
            help="Which weights are links: judged by source word and row, one a target word, or above a limit."
        ),
    ] = "shares",
    threshold: Annotated[
        float | None,
        typer.Option(metavar="P", min=0, max=1, help="Limit of the rule.", show_default="0.4 shares, 0.25 threshold"),
    ] = None,
    end_threshold: Annotated[
        float,
        typer.Option(metavar="P", min=0, max=1, help="More than this on </s>, and a word has no link of its own."),
    ] = 0.5,
    layer: Annotated[
        int | None, typer.Option(metavar="N", help="Layer to read, from 0.", show_default="the best one found")
    ] = None,
    head: Annotated[
        int | None, typer.Option(metavar="N", help="Head to read, from 0.", show_default="the best one found")
    ] = None,
    shift: Annotated[
        bool | None,
        typer.Option(
            "--shift/--no-shift",
            help="Read a word's links a step later, when it is the decoder's input.",
            show_default="off for recurrent models, else what is found",
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Right links of these pairs, to find layer and head by.", show_default=False),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Make the model read given translations, and print each one's word alignment: 0-0 1-2 ..., counted from 0."""
    sources, targets = read_aligned(src, tgt)

    from regard.inspection.formats import FORMATS, LINE_A_PAIR
    from regard.inspection.readout import Readout
    from regard.inspection.symmetrise import full_name
    from regard.runs.aligning import Aligner, Wanted, settle
    from regard.text.links import read_links
    from regard.text.normalise import normalise
    from regard.translate import load

    use_threads(threads)
    method = full_name(symmetrize)
    wanted = Wanted(Readout(rule, threshold=threshold, end=end_threshold), layer, head, shift)
    right = None if gold is None else read_links(gold)
    translator = load([model, *(others or [])], device=device)
    readout, told = settle(translator, sources, targets, wanted, right)
    aligner = Aligner(translator, readout)
    if reverse_model is not None:
        back = load(reverse_model, device=device)
        flipped = None if right is None else [one.flipped() for one in right]
        back_readout, more = settle(back, targets, sources, wanted.for_other_model(), flipped)
        aligner = Aligner(translator, readout, Aligner(back, back_readout), method)
        told = [*(f"{model}: {one}" for one in told), *(f"{reverse_model}: {one}" for one in more)]
    for line in told:
        print(f"regard: {line}", file=sys.stderr)
    starts = watched(range(0, len(sources), _AT_ONCE), total=-(-len(sources) // _AT_ONCE), what="windows")
    write = FORMATS[format_name]
    with written_to(output) as file:
        for start in starts:
            window = slice(start, start + _AT_ONCE)
            found = aligner.links(sources[window], targets[window])
            for number, links in enumerate(found, start=start):
                words = normalise(sources[number]).split(" "), normalise(targets[number]).split(" ")
                text = write(number + 1, links, *words)
                if text or format_name in LINE_A_PAIR:
                    print(text, file=file, flush=True)
