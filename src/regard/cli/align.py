"""`regard align`: the words of given translations, linked to the words that they were read from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli.lines import read_aligned, written_to
from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import Device, Models, Output, Readout, Src, Threads, examples, place, use_threads
from regard.cli.progress import with_progress
from regard.errors import ConfigError
from regard.files.paths import STDOUT, refuse_overwriting_input

if TYPE_CHECKING:
    from regard.text.links import GoldLinks
    from regard.translation.aligner import Aligner, ReadoutOptions

EXAMPLES = examples(
    "regard align model --src test.en --tgt test.fr > test.guess",
    "regard align model --src test.en --tgt test.fr --format tsv --readout rule=threshold",
    "regard align model --src val.en --tgt val.fr --tune > val.guess",
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
_Tune = Annotated[
    bool,
    typer.Option("--tune", help="Select the layer and head that align these pairs best, and store them in the model."),
]
_Gold = Annotated[
    Path | None,
    typer.Option(
        parser=place, metavar="FILE", help="Gold links of these pairs, to select layer and head by.", show_default=False
    ),
]


def align(
    models: Models,
    src: Src,
    tgt: _Tgt,
    output: Output = None,
    reverse_model: _Reverse = None,
    symmetrize: _Symmetrize = "intersection",
    format_name: _Format = "pharaoh",
    readout: Readout = None,
    gold: _Gold = None,
    tune: _Tune = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Align the words of given translations by forced decoding: links 0-0 1-2 ... per pair, counted from 0."""
    refuse_overwriting_input(STDOUT if output is None else output, [src, tgt, gold, reverse_model, *models])
    if tune and len(models) > 1:
        raise ConfigError("--tune stores the readout in one model: give one model, not an ensemble")
    sources, targets = read_aligned(src, tgt)

    with loading():
        from regard.alignment.symmetrize import full_name
        from regard.text.links import check_not_empty, read_links
        from regard.text.words import word_counts
        from regard.translation.aligner import ReadoutOptions, bidirectional

    use_threads(threads)
    method, gold_links = full_name(symmetrize), None
    if gold is not None:
        gold_links = read_links(gold, lengths=word_counts(sources, targets))
        check_not_empty(gold_links, gold)
    options = ReadoutOptions.parse(readout or [])
    aligner = _aligner(models, (sources, targets), options, gold_links, device=device, tune=tune)
    if reverse_model is not None:
        flipped = None if gold_links is None else [links.flipped() for links in gold_links]
        backward = _aligner(
            [reverse_model], (targets, sources), options.for_other_model(), flipped, device=device, tune=tune
        )
        aligner = bidirectional(aligner, backward, method)
    _write(aligner, sources, targets, format_name, output)


def _aligner(
    models: list[Path],
    pairs: tuple[list[str], list[str]],
    options: ReadoutOptions,
    gold: list[GoldLinks] | None,
    *,
    device: str,
    tune: bool,
) -> Aligner:
    """Loads a model or an ensemble and decides how to read it; what was selected is said on standard error."""
    with loading():
        from regard.translation.aligner import Aligner, choose_readout
        from regard.translation.loading import load

    def warn_of_model(message: str) -> None:
        warn(f"{models[0]}: {message}")

    translator = load(models, device=device)
    readout, messages = choose_readout(translator, *pairs, options, gold=gold, tune=tune)
    for message in messages:
        warn_of_model(message)
    if tune:
        from regard.store.model import write_readout

        write_readout(models[0], readout.to_stored())
        warn_of_model("stored as the model's readout")
    return Aligner(translator, readout, warn=warn_of_model)


def _write(aligner: Aligner, sources: list[str], targets: list[str], format_name: str, output: Path | None) -> None:
    from regard.alignment.formats import FORMATS, LINE_PER_PAIR
    from regard.text.normalize import normalize

    form = FORMATS[format_name]
    starts = with_progress(range(0, len(sources), _AT_ONCE), total=-(-len(sources) // _AT_ONCE), what="windows")
    with written_to(output) as file:
        for start in starts:
            window = slice(start, start + _AT_ONCE)
            found = aligner.links(sources[window], targets[window], first=start + 1)
            for number, links in enumerate(found, start=start):
                text = form(number + 1, links, normalize(sources[number]).split(), normalize(targets[number]).split())
                if text or format_name in LINE_PER_PAIR:
                    file.write(text)
