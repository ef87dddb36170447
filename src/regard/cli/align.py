"""`regard align`: the words of given translations, linked to the words that they were read from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli.lines import read_aligned, written_to
from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import Base, Device, Model, Output, Src, Threads, With, examples, place, use_threads
from regard.cli.progress import with_progress
from regard.files.paths import STDOUT, refuse_overwriting_input

if TYPE_CHECKING:
    from regard.text.links import GoldLinks
    from regard.translation.aligner import Aligner, ReadoutOptions

EXAMPLES = examples(
    "regard align model --src test.en --tgt test.fr > test.guess",
    "regard align model --src test.en --tgt test.fr --format tsv --rule threshold --threshold 0.3",
    "regard align model --src test.en --tgt test.fr --gold test.align --output test.guess",
)
_AT_ONCE = 512
"""Sentence pairs read in one go: attention takes much more room than text."""

_Tgt = Annotated[
    Path, typer.Option("--tgt", parser=place, metavar="FILE", help="Their translations.", show_default=False)
]
_Reverse = Annotated[
    Path | None,
    typer.Option(
        parser=place, metavar="MODEL", help="A model that translates back: both directions count.", show_default=False
    ),
]
_Symmetrize = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="How two directions become one: intersection, union, grow-diag, grow-diag-final (gdf), "
        "grow-diag-final-and (gdfa).",
    ),
]
_Format = Annotated[
    Literal["pharaoh", "json", "tsv", "naacl"],
    typer.Option("--format", help="naacl counts from 1, the others from 0; tsv and json hold the words."),
]
_Rule = Annotated[
    Literal["shares", "strongest", "threshold"] | None,
    typer.Option(
        help="Which weights are links: large shares of what a source word got, one a row, or all that are large.",
        show_default="threshold after guidance with train.guided_shift, else shares",
    ),
]
_Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="P",
        min=0,
        max=1,
        help="Limit of the rule.",
        show_default="0.4 shares, 0.25 threshold, or its own",
    ),
]
_End = Annotated[
    float,
    typer.Option(metavar="P", min=0, max=1, help="A word that looks at </s> more than this has no link of its own."),
]
_Layer = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Layer to read, from 0.", show_default="the best one found")
]
_Head = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="Head to read, from 0.", show_default="the best one found")
]
_Shift = Annotated[
    bool | None,
    typer.Option(
        "--shift/--no-shift",
        help="Read a word's links a step later, when it is the decoder's input.",
        show_default="off with one head, else what is found",
    ),
]
_Gold = Annotated[
    Path | None,
    typer.Option(
        parser=place, metavar="FILE", help="Right links of these pairs, to find layer and head by.", show_default=False
    ),
]


def align(
    model: Model,
    src: Src,
    tgt: _Tgt,
    output: Output = None,
    others: With = None,
    reverse_model: _Reverse = None,
    symmetrize: _Symmetrize = "intersection",
    format_name: _Format = "pharaoh",
    rule: _Rule = None,
    threshold: _Threshold = None,
    end_threshold: _End = 0.5,
    layer: _Layer = None,
    head: _Head = None,
    shift: _Shift = None,
    gold: _Gold = None,
    gold_base: Base = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Make the model read given translations, and print each one's word alignment: 0-0 1-2 ..., counted from 0."""
    refuse_overwriting_input(
        STDOUT if output is None else output, [src, tgt, gold, model, reverse_model, *(others or [])]
    )
    sources, targets = read_aligned(src, tgt)

    with loading():
        from regard.alignment.symmetrize import full_name
        from regard.text.links import check_some, read_links
        from regard.text.words import word_counts
        from regard.translation.aligner import ReadoutOptions, bidirectional

    use_threads(threads)
    method, right = full_name(symmetrize), None
    if gold is not None:
        right = read_links(gold, base=gold_base, lengths=word_counts(sources, targets))
        check_some(right, gold)
    wanted = ReadoutOptions(rule, threshold, end_threshold, layer, head, shift)
    aligner = _settled([model, *(others or [])], (sources, targets), wanted, right, device)
    if reverse_model is not None:
        turned = None if right is None else [one.flipped() for one in right]
        back = _settled([reverse_model], (targets, sources), wanted.for_other_model(), turned, device)
        aligner = bidirectional(aligner, back, method)
    _write(aligner, sources, targets, format_name, output)


def _settled(
    models: list[Path],
    pairs: tuple[list[str], list[str]],
    wanted: ReadoutOptions,
    gold: list[GoldLinks] | None,
    device: str,
) -> Aligner:
    """Opens models and says on standard error which layer and head were chosen."""
    with loading():
        from regard.translation.aligner import Aligner, choose_readout
        from regard.translation.loading import load

    translator = load(models, device=device)
    readout, told = choose_readout(translator, *pairs, wanted, gold)

    def tell(said: str) -> None:
        warn(f"{models[0]}: {said}")

    for line in told:
        tell(line)
    return Aligner(translator, readout, tell=tell)


def _write(aligner: Aligner, sources: list[str], targets: list[str], format_name: str, output: Path | None) -> None:
    from regard.alignment.formats import FORMATS, LINE_A_PAIR
    from regard.text.normalize import normalize

    form = FORMATS[format_name]
    starts = with_progress(range(0, len(sources), _AT_ONCE), total=-(-len(sources) // _AT_ONCE), what="windows")
    with written_to(output) as file:
        for start in starts:
            window = slice(start, start + _AT_ONCE)
            found = aligner.links(sources[window], targets[window], first=start + 1)
            for number, links in enumerate(found, start=start):
                text = form(number + 1, links, normalize(sources[number]).split(), normalize(targets[number]).split())
                if text or format_name in LINE_A_PAIR:
                    file.write(text)
