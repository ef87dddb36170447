"""`regard align`: links the words of given translations to the words of their sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli.chunks import ONE_PROCESS, ChunkOptions, check_chunks, run_chunks
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
    from regard.recipes.chunks.work import Work
    from regard.text.links import GoldLinks
    from regard.translation.aligner import Aligner, ReadoutOptions

EXAMPLES = examples(
    "regard align model --src test.en --tgt test.fr > test.guess",
    "regard align model --src test.tsv --langs en-fr --format tsv --readout rule=threshold",
    "regard align model --src val.en --tgt val.fr --tune > val.guess",
    "regard align model --src test.en --tgt test.fr --output test.guess --workers 2",
)
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


@dataclass(frozen=True)
class ReverseOptions:
    """Options for a second model, from target to source, and for the way to combine the links of both models."""

    reverse_model: _Reverse = None
    symmetrize: _Symmetrize = "intersection"


ONE_DIRECTION = ReverseOptions()
"""Only the model from source to target aligns."""


@dataclass(frozen=True)
class SelectionOptions:
    """Options that choose the layer and head whose attention gives the word links."""

    readout: Readout = None
    gold: _Gold = None
    tune: _Tune = False


OWN_READOUT = SelectionOptions()
"""The readout of the model, or else one that is selected on the first pairs."""


@with_groups
def align(
    models: Models,
    files: PairFiles,
    reading: Reading = DEFAULT_READING,
    output: Output = None,
    reverse: ReverseOptions = ONE_DIRECTION,
    format_name: _Format = "pharaoh",
    selection: SelectionOptions = OWN_READOUT,
    device: Device = "auto",
    threads: Threads = None,
    chunked: ChunkOptions = ONE_PROCESS,
) -> int:
    """Align the words of translations with those of their sources.

    Reads given translations by forced decoding and writes one line of links, such as 0-0 1-2, per sentence pair.
    """
    refuse_overwriting_input(
        STDOUT if output is None else output, [files.src, files.tgt, selection.gold, reverse.reverse_model, *models]
    )
    if chunked.is_given:
        _check_selection(selection)
        workers = check_chunks(chunked, files.inputs(), output, threads)
        assert output is not None
        # A machine that only distributes chunks may have no GPU.
        own_device = device if workers.cluster is None else "auto"
        with loading():
            from regard.translation.aligner import MAX_PAIRS

        first = read_parallel(files.src, files.tgt, reading=reading, model=models[0], limit=MAX_PAIRS)
        aligner = _load(models, first, reverse, selection, device=own_device, threads=threads)
        work = _work(aligner, models, reverse, device=device, format_name=format_name, reading=reading)
        del aligner  # the memory of its models is for the workers
        return run_chunks(files.text(reading, models[0]), output, work, workers)
    if selection.tune:
        _check_tunable(models)
    pairs = read_parallel(files.src, files.tgt, reading=reading, model=models[0])
    aligner = _load(models, pairs, reverse, selection, device=device, threads=threads)
    with loading():
        from regard.translation.pair_lines import link_lines

    with open_output(output) as file:
        for line in with_progress(link_lines(aligner, format_name, *pairs), total=len(pairs[0]), unit="pairs"):
            if line is not None:
                file.write(line)
    return 0


def _check_selection(selection: SelectionOptions) -> None:
    for is_given, option in ((selection.tune, "--tune"), (selection.gold is not None, "--gold")):
        if is_given:
            raise ConfigError(
                f"{option} selects a layer and head on all pairs, but each worker sees a part of them: first run "
                f"`regard align --tune` without workers on some pairs, which stores the selection in the model, and "
                f"leave {option} out here"
            )


def _check_tunable(models: list[Path]) -> None:
    if len(models) > 1:
        raise ConfigError("--tune stores the selected layer and head in the model: give one model, not an ensemble")
    if models[0] in installed_models().values():
        raise ConfigError(
            f"--tune stores the selected layer and head in the model, but {models[0]} is part of an installed package: "
            f"copy it by `regard export {models[0]} --to regard --out my-model`, and tune the copy"
        )


def _load(
    models: list[Path],
    pairs: tuple[list[str], list[str]],
    reverse: ReverseOptions,
    selection: SelectionOptions,
    *,
    device: str,
    threads: int | None,
) -> Aligner:
    """Loads the models of one direction or both, and chooses their readouts."""
    with loading():
        from regard.alignment.symmetrize import full_name
        from regard.text.links import check_not_empty, read_links
        from regard.text.words import word_counts
        from regard.translation.aligner import ReadoutOptions, bidirectional

    use_threads(threads)
    (sources, targets), gold = pairs, None
    method, tune = full_name(reverse.symmetrize), selection.tune
    if selection.gold is not None:
        gold = read_links(selection.gold, lengths=word_counts(sources, targets))
        check_not_empty(gold, selection.gold)
    options = ReadoutOptions.parse(selection.readout or [])
    aligner = _aligner(models, pairs, options, gold, device=device, threads=threads, tune=tune)
    if reverse.reverse_model is None:
        return aligner
    flipped = None if gold is None else [links.flipped() for links in gold]
    other, exchanged = [reverse.reverse_model], (targets, sources)
    backward = _aligner(other, exchanged, options.for_other_model(), flipped, device=device, threads=threads, tune=tune)
    return bidirectional(aligner, backward, method)


def _aligner(
    models: list[Path],
    pairs: tuple[list[str], list[str]],
    options: ReadoutOptions,
    gold: list[GoldLinks] | None,
    *,
    device: str,
    threads: int | None,
    tune: bool,
) -> Aligner:
    """Loads a model or an ensemble and chooses its readout, reporting the selection on standard error."""
    with loading():
        from regard.translation.aligner import Aligner, choose_readout
        from regard.translation.loading import load

    def warn_of_model(message: str) -> None:
        warn(f"{models[0]}: {message}")

    translator = load(models, device=device, threads=threads)
    readout, messages = choose_readout(translator, *pairs, options, gold=gold, tune=tune)
    for message in messages:
        warn_of_model(message)
    if tune:
        from regard.store.model import write_readout

        write_readout(models[0], readout.to_stored())
        warn_of_model("stored as the model's readout")
    return Aligner(translator, readout, warn=warn_of_model)


def _work(
    aligner: Aligner, models: list[Path], reverse: ReverseOptions, *, device: str, format_name: str, reading: Reading
) -> Work:
    """Describes for workers what an aligner computes."""
    from regard.recipes.chunks.aligning import alignment_work, direction

    backward = None
    if aligner.reverse is not None and reverse.reverse_model is not None:
        backward = direction([reverse.reverse_model], aligner.reverse.readout, device=device)
    return alignment_work(
        direction(models, aligner.readout, device=device),
        backward,
        method=aligner.method,
        format_name=format_name,
        reading=reading.description(),
    )
