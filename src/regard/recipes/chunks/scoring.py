"""Scoring of sentence pairs in chunks, in the same batches as `regard score` uses in one process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from regard.recipes.chunks.model_files import (
    ModelAndTermArguments,
    identity_of,
    model_arguments,
    open_models,
    open_terms,
    term_arguments,
)
from regard.recipes.chunks.pairs import on_pairs
from regard.recipes.chunks.store import LineFunction, OptionalLine
from regard.recipes.chunks.work import Work

if TYPE_CHECKING:
    from regard.translation.glossary_files import GlossaryFiles


class ScoreArguments(ModelAndTermArguments):
    """What a worker process needs to score sentence pairs, besides the models and the glossary.

    Attributes:
        normalize: Whether scores are divided by the number of subwords.
        as_json: Whether output lines are JSON objects rather than numbers.
    """

    normalize: bool
    as_json: bool


def score_work(
    models: Sequence[Path],
    *,
    normalize: bool,
    as_json: bool,
    device: str,
    precision: str | None,
    terms: GlossaryFiles | None,
    reading: str,
) -> Work:
    """Describes, for worker processes, the scoring of the sentence pairs in a text from `pairs_text`.

    Args:
        models: Directories of the models.
        normalize: Whether scores are divided by the number of subwords.
        as_json: Whether output lines are JSON objects rather than numbers.
        device: `auto`, `cpu`, `cuda`, …
        precision: Number type of matrix products, such as `int8`; None = the type stored with the model.
        terms: Files of a glossary; None = no glossary.
        reading: Options with which the pairs were read, as any text. A job is resumed only if this text is the same.

    Returns:
        Description of the computation, whose factory is `open_scores`.

    Raises:
        CheckpointError: A directory contains no model, or the glossary cannot be read.
    """
    model_fields, term_fields = model_arguments(models, device=device, precision=precision), term_arguments(terms)
    arguments: ScoreArguments = {**model_fields, **term_fields, "normalize": normalize, "as_json": as_json}
    identity = identity_of(arguments) | {
        "work": "scores",
        "normalize": json.dumps(normalize),
        "json": json.dumps(as_json),
        "reading": reading,
    }
    return Work("regard.recipes.chunks.scoring:open_scores", dict(arguments), identity)


def open_scores(arguments: ScoreArguments, threads: int) -> LineFunction:
    """Loads models and glossary in a worker process, and returns the function that scores chunks.

    Args:
        arguments: `Work.arguments` from `score_work`.
        threads: Number of CPU threads.

    Returns:
        Function from the lines of a chunk, and the number of the first line, to the output lines with warnings.

    Raises:
        RegardError: A model cannot be loaded, or has changed since the command was started.
    """
    from regard.translation.pair_lines import score_all, score_line
    from regard.translation.term_use import term_uses

    translator, glossary = open_models(arguments, threads), open_terms(arguments)
    normalize, as_json = arguments["normalize"], arguments["as_json"]

    def score(sources: Sequence[str], targets: Sequence[str], first: int) -> Iterator[OptionalLine]:
        for number, translation in enumerate(score_all(translator, sources, targets, first=first), start=first):
            uses = None
            if glossary is not None:
                uses = [use.to_dict() for use in term_uses(glossary, translation.source, translation.text)]
            yield score_line(translation, number, normalize=normalize, as_json=as_json, uses=uses)

    return on_pairs(score)
