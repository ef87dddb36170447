"""Word alignment of a file in chunks, in the same batches as `regard align` uses in one process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.recipes.chunks.model_files import ModelArguments, model_arguments, open_models, short_hashes
from regard.recipes.chunks.pairs import on_pairs
from regard.recipes.chunks.store import LineFunction, OptionalLine
from regard.recipes.chunks.work import Work

if TYPE_CHECKING:
    from regard.alignment.readout import Readout
    from regard.translation.aligner import Aligner


class DirectionArguments(ModelArguments):
    """What a worker process needs to align sentence pairs in one direction, besides the fields of `ModelArguments`.

    Attributes:
        name: Name of the model in warnings.
        readout: Fields of the `Readout`, which derives word links from attention.
    """

    name: str
    readout: dict[str, Any]


class AlignmentArguments(DirectionArguments):
    """What a worker process needs to align sentence pairs, in one direction or both.

    Attributes:
        reverse: Models of the opposite direction, and how links are read from their attention; None = only one
            direction.
        method: Name of the method that combines the links of both directions; see `symmetrize`.
        format_name: Output format, one of `regard.alignment.formats.FORMATS`.
    """

    reverse: DirectionArguments | None
    method: str
    format_name: str


def direction(models: Sequence[Path], readout: Readout, *, device: str) -> DirectionArguments:
    """Collects what a worker process needs to align sentence pairs in one direction.

    Args:
        models: Directories of the models.
        readout: How word links are derived from the attention of the models.
        device: `auto`, `cpu`, `cuda`, …

    Returns:
        Fields for `alignment_work`, with the hashes of the models.

    Raises:
        CheckpointError: A directory contains no model.
    """
    arguments = model_arguments(models, device=device, precision=None)
    return {**arguments, "name": str(models[0]), "readout": asdict(readout)}


def alignment_work(
    forward: DirectionArguments, reverse: DirectionArguments | None, *, method: str, format_name: str, reading: str
) -> Work:
    """Describes, for worker processes, the alignment of the sentence pairs in a text from `pairs_text`.

    Args:
        forward: Result of `direction` for the models from source to target.
        reverse: Result of `direction` for the models from target to source; None = only one direction.
        method: Name of the method that combines the links of both directions; see `symmetrize`.
        format_name: One of `regard.alignment.formats.FORMATS`.
        reading: Options with which the pairs were read, as any text. A job is resumed only if this text is the same.

    Returns:
        Description of the computation, whose factory is `open_alignment`.
    """
    arguments: AlignmentArguments = {**forward, "reverse": reverse, "method": method, "format_name": format_name}
    identity = {
        "work": "alignment",
        "model": short_hashes(forward["hashes"]),
        "readout": json.dumps(forward["readout"]),
        "reverse model": "none" if reverse is None else short_hashes(reverse["hashes"]),
        "reverse readout": "none" if reverse is None else json.dumps(reverse["readout"]),
        "symmetrize": "none" if reverse is None else method,
        "format": format_name,
        "reading": reading,
        "version of regard": version("regard"),
    }
    return Work("regard.recipes.chunks.aligning:open_alignment", dict(arguments), identity)


def open_alignment(arguments: AlignmentArguments, threads: int) -> LineFunction:
    """Loads models in a worker process, and returns the function that aligns chunks.

    Args:
        arguments: `Work.arguments` from `alignment_work`.
        threads: Number of CPU threads.

    Returns:
        Function from the lines of a chunk, and the number of the first line, to the output lines with warnings.

    Raises:
        RegardError: A model cannot be loaded, or has changed since the command was started.
    """
    from regard.translation.aligner import bidirectional
    from regard.translation.pair_lines import link_lines

    warnings: list[str] = []
    aligner = _open_direction(arguments, threads, warnings)
    if arguments["reverse"] is not None:
        backward = _open_direction(arguments["reverse"], threads, warnings)
        aligner = bidirectional(aligner, backward, arguments["method"])

    def align(sources: Sequence[str], targets: Sequence[str], first: int) -> Iterator[OptionalLine]:
        for line in link_lines(aligner, arguments["format_name"], sources, targets, first=first):
            yield line, tuple(warnings)
            warnings.clear()

    return on_pairs(align)


def _open_direction(arguments: DirectionArguments, threads: int, warnings: list[str]) -> Aligner:
    """An aligner of one direction that adds its warnings to a list."""
    from regard.alignment.readout import Readout
    from regard.translation.aligner import Aligner

    def warn(message: str) -> None:
        warnings.append(f"{arguments['name']}: {message}")

    return Aligner(open_models(arguments, threads), Readout(**arguments["readout"]), warn=warn)
