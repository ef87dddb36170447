"""The two jobs that worker processes of a distillation do for each chunk of lines: translate, and link words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from regard.evaluate.pairwise import pairwise_chrf
from regard.recipes.chunks.store import LineFunction, OutputLine
from regard.recipes.chunks.translating import TranslationArguments, open_translation, translation_work
from regard.recipes.chunks.work import Work
from regard.text.links import pharaoh
from regard.translation.options import Changes

SEPARATOR = "\t"
"""Separates the fields of a line; normalized text contains none."""


def teaching_work(teachers: Sequence[Path], source: Path, changes: Changes) -> Work:
    """Describes a job for workers: a teacher translates sources, and keeps the translations closest to the references.

    Args:
        teachers: Directories of the teacher models; several form an ensemble.
        source: The input file: a source sentence and its reference translation per line, with a tab between.
        changes: Options of the translation. If `n_best` is above 1, the translation with the highest chrF to the
            reference is kept.

    Returns:
        The job. Its output has a line per line of `source`: the translation and its score, with a tab between.

    Raises:
        CheckpointError: A directory contains no model.
    """
    work = translation_work(teachers, source, changes, as_json=True, device="auto", precision=None, shortlist=None)
    return Work("regard.recipes.distilling:open_teaching", work.arguments, work.identity | {"work": "distillation"})


def open_teaching(arguments: TranslationArguments, threads: int) -> LineFunction:
    """Loads the teacher models in a worker process, for a job that `teaching_work` describes.

    Args:
        arguments: `Work.arguments` of the job.
        threads: Number of CPU threads.

    Returns:
        The function that maps lines of a source and a reference to lines of a translation and its score, each with a
        tab between.

    Raises:
        RegardError: A model cannot be loaded, or has changed since `teaching_work` was called.
    """
    translate = open_translation(arguments, threads)

    def teach(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
        pairs = [line.partition(SEPARATOR.encode()) for line in lines]
        translated = translate([src for src, _, _ in pairs], first)
        for (_, _, reference), (line, warnings) in zip(pairs, translated, strict=True):
            text, score = choose_translation(json.loads(line), reference.decode(errors="replace").rstrip("\n"))
            yield f"{text}{SEPARATOR}{score:.4f}", warnings

    return teach


def choose_translation(translation: dict[str, object], reference: str) -> tuple[str, float]:
    """Chooses the translation with the highest chrF to a reference.

    Args:
        translation: A translation as `Translation.to_dict` returns it; its `n_best` lists the translations to choose
            from, and is empty if there is only this one.
        reference: The reference translation.

    Returns:
        Text and score of the chosen translation.
    """
    options = translation["n_best"] or [translation]
    assert isinstance(options, list)
    if len(options) > 1:
        agreement = [row[0] for row in pairwise_chrf([option["text"] for option in options], [reference])]
        options = [options[agreement.index(max(agreement))]]
    return str(options[0]["text"]), float(options[0]["score"])


def linking_work(model: Path, model_hash: str) -> Work:
    """Describes a job for worker processes: word links of sentence pairs, from a model's attention.

    Args:
        model: Directory of the model.
        model_hash: Hash of the model, so that an interrupted job is not resumed with another model.

    Returns:
        The job. An input line is a sentence and its translation, with a tab between; the output line has their word
        links in Pharaoh format.
    """
    identity = {"work": "word links", "model": model_hash[:12]}
    return Work("regard.recipes.distilling:open_linking", {"model": str(model.absolute())}, identity)


def open_linking(arguments: dict[str, str], threads: int) -> LineFunction:
    """Loads the model in a worker process, for a job that `linking_work` describes.

    Args:
        arguments: `Work.arguments` of the job.
        threads: Number of CPU threads.

    Returns:
        The function that maps lines of a sentence and its translation, with a tab between, to lines of word links in
        Pharaoh format.

    Raises:
        RegardError: The model cannot be loaded.
    """
    import torch

    from regard.translation.chunks import chunks
    from regard.translation.loading import load

    torch.set_num_threads(threads)
    translator = load(arguments["model"], threads=threads)

    def link(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
        pairs = [line.decode(errors="replace").rstrip("\n").partition(SEPARATOR) for line in lines]
        sources, targets = [src for src, _, _ in pairs], [tgt for _, _, tgt in pairs]
        for window in chunks(sources, targets):
            for scored in translator.score(sources[window], targets[window], only=translator.readout):
                yield pharaoh(scored.alignment), ()

    return link
