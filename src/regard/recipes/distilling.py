"""What workers compute for each chunk of a distillation: the teacher's translations, and word links of pairs."""

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
    """Describes the translation of sentence pairs by a teacher, which chooses the translation closest to the reference.

    Args:
        teachers: Directories of the models; several form an ensemble.
        source: The input file: a source sentence and its reference translation per line, with a tab between.
        changes: Options of the translation. Of several translations (`n_best`), the one with the highest chrF to the
            reference is chosen.

    Returns:
        The description. An output line is a translation and its score, with a tab between.

    Raises:
        CheckpointError: A directory contains no model.
    """
    work = translation_work(teachers, source, changes, as_json=True, device="auto", precision=None, shortlist=None)
    return Work("regard.recipes.distilling:open_teaching", work.arguments, work.identity | {"work": "distillation"})


def open_teaching(arguments: TranslationArguments, threads: int) -> LineFunction:
    """Loads the teacher in a worker.

    Args:
        arguments: From `teaching_work`.
        threads: Number of CPU threads.

    Returns:
        The function that translates a chunk.

    Raises:
        RegardError: A model cannot be loaded, or has changed since the driver started.
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
        translation: A translation as `Translation.to_dict` returns it.
        reference: The reference.

    Returns:
        Text and score of the best, of several, or of the only translation.
    """
    options = translation["n_best"] or [translation]
    assert isinstance(options, list)
    if len(options) > 1:
        agreement = [row[0] for row in pairwise_chrf([option["text"] for option in options], [reference])]
        options = [options[agreement.index(max(agreement))]]
    return str(options[0]["text"]), float(options[0]["score"])


def linking_work(model: Path, model_hash: str) -> Work:
    """Describes the linking of the words of sentence pairs by a model's attention.

    Args:
        model: Directory of the model.
        model_hash: Hash of the model.

    Returns:
        The description. An input line is a sentence and its translation, with a tab between; an output line has its
        links in Pharaoh format.
    """
    identity = {"work": "word links", "model": model_hash[:12]}
    return Work("regard.recipes.distilling:open_linking", {"model": str(model.absolute())}, identity)


def open_linking(arguments: dict[str, str], threads: int) -> LineFunction:
    """Loads the model that links words in a worker.

    Args:
        arguments: From `linking_work`.
        threads: Number of CPU threads.

    Returns:
        The function that links the words of a chunk of sentence pairs.

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
