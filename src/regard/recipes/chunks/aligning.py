"""Alignment of chunks: the same pairs in the same batches as `regard align` in one process."""

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
    """What a worker needs to align in one direction, besides the models.

    Attributes:
        name: Name of the model in warnings.
        readout: Fields of the `Readout`.
    """

    name: str
    readout: dict[str, Any]


class AlignmentArguments(DirectionArguments):
    """What a worker needs to align.

    Attributes:
        reverse: The opposite direction; None = only one direction.
        method: How both directions are combined; see `symmetrize`.
        format_name: One of `regard.alignment.formats.FORMATS`.
    """

    reverse: DirectionArguments | None
    method: str
    format_name: str


def direction(models: Sequence[Path], readout: Readout, *, device: str) -> DirectionArguments:
    """Describes the models of one direction.

    Args:
        models: Directories of the models.
        readout: How word links are derived from their attention.
        device: `auto`, `cpu`, `cuda`, …

    Returns:
        The description.

    Raises:
        CheckpointError: A directory contains no model.
    """
    arguments = model_arguments(models, device=device, precision=None)
    return {**arguments, "name": str(models[0]), "readout": asdict(readout)}


def alignment_work(
    forward: DirectionArguments, reverse: DirectionArguments | None, *, method: str, format_name: str, reading: str
) -> Work:
    """Describes the alignment of a text from `pairs_text`.

    Args:
        forward: The models from source to target.
        reverse: The model of the opposite direction; None = only one direction.
        method: How both directions are combined; see `symmetrize`.
        format_name: One of `regard.alignment.formats.FORMATS`.
        reading: Options by which the pairs were read, to compare and show.

    Returns:
        The description.
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
    """Loads the models in a worker.

    Args:
        arguments: From `alignment_work`.
        threads: Number of CPU threads.

    Returns:
        The function that aligns a chunk.

    Raises:
        RegardError: A model cannot be loaded, or has changed since the driver started.
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
