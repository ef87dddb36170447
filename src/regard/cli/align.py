"""`regard align`: links the words of given translations to the words of their sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli.lines import open_output
from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import (
    Device,
    Models,
    Output,
    Readout,
    Threads,
    examples,
    parse_model,
    parse_path,
    use_threads,
    with_groups,
)
from regard.cli.parallel import DEFAULT_READING, PairFiles, Reading, read_parallel
from regard.cli.progress import with_progress
from regard.errors import ConfigError
from regard.files.installed_models import installed_models
from regard.files.paths import STDOUT, refuse_overwriting_input

if TYPE_CHECKING:
    from regard.text.links import GoldLinks
    from regard.translation.aligner import Aligner, ReadoutOptions

EXAMPLES = examples(
    "regard align model --src test.en --tgt test.fr > test.guess",
    "regard align model --src test.tsv --langs en-fr --format tsv --readout rule=threshold",
    "regard align model --src val.en --tgt val.fr --tune > val.guess",
)
_CHUNK_SIZE = 512
"""Sentence pairs aligned at once: attention takes much more memory than text."""

_Reverse = Annotated[
    Path | None,
    typer.Option(
        parser=parse_model,
        metavar="MODEL",
        help="Model of the opposite direction: align in both directions and combine the links.",
        show_default=False,
    ),
]
_Symmetrize = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="How to combine both directions: intersection, union, grow-diag, grow-diag-final (gdf), "
        "grow-diag-final-and (gdfa).",
    ),
]
_Format = Annotated[
    Literal["pharaoh", "json", "tsv", "naacl"],
    typer.Option(
        "--format", help="Output format; naacl counts words from 1, the others from 0; json and tsv include the words."
    ),
]
_Tune = Annotated[
    bool,
    typer.Option(
        "--tune", help="Select the layer and head that align these pairs best, and store the readout in the model."
    ),
]
_Gold = Annotated[
    Path | None,
    typer.Option(
        parser=parse_path,
        metavar="FILE",
        help="Gold links of these pairs, to select the layer and head that agree best.",
        show_default=False,
    ),
]


@with_groups
def align(
    models: Models,
    files: PairFiles,
    reading: Reading = DEFAULT_READING,
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
    """Align the words of translations with those of their sources.

    Reads given translations by forced decoding and writes one line of links, such as 0-0 1-2, per sentence pair.
    """
    refuse_overwriting_input(STDOUT if output is None else output, [files.src, files.tgt, gold, reverse_model, *models])
    if tune:
        _check_tunable(models)
    sources, targets = read_parallel(files.src, files.tgt, reading=reading, model=models[0])

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


def _check_tunable(models: list[Path]) -> None:
    if len(models) > 1:
        raise ConfigError("--tune stores the readout in one model: give one model, not an ensemble")
    if models[0] in installed_models().values():
        raise ConfigError(
            f"--tune stores the readout in the model, but {models[0]} is part of an installed package: copy it by "
            f"`regard export {models[0]} --to regard --out my-model`, and tune the copy"
        )


def _aligner(
    models: list[Path],
    pairs: tuple[list[str], list[str]],
    options: ReadoutOptions,
    gold: list[GoldLinks] | None,
    *,
    device: str,
    tune: bool,
) -> Aligner:
    """Loads a model or an ensemble and chooses its readout, reporting the selection on standard error."""
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

    formatter = FORMATS[format_name]
    starts = with_progress(range(0, len(sources), _CHUNK_SIZE), total=-(-len(sources) // _CHUNK_SIZE), unit="chunks")
    with open_output(output) as file:
        for start in starts:
            chunk = slice(start, start + _CHUNK_SIZE)
            chunk_links = aligner.links(sources[chunk], targets[chunk], first=start + 1)
            for number, links in enumerate(chunk_links, start=start):
                text = formatter(
                    number + 1, links, normalize(sources[number]).split(), normalize(targets[number]).split()
                )
                if text or format_name in LINE_PER_PAIR:
                    file.write(text)
