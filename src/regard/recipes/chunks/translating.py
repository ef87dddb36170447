"""Translation of a file in chunks, in the same batches as `regard translate` uses in one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from regard.recipes.chunks.model_files import (
    ModelAndTermArguments,
    hash_of_file,
    identity_of,
    model_arguments,
    open_models,
    open_terms,
    short_hashes,
    term_arguments,
)
from regard.recipes.chunks.plan import UNIT
from regard.recipes.chunks.store import OutputLine
from regard.recipes.chunks.work import Work
from regard.text.lossy import decode_lossy

if TYPE_CHECKING:
    from regard.translation.glossary_files import GlossaryFiles
    from regard.translation.options import Changes
    from regard.translation.result import Translation

TranslationFunction = Callable[[Sequence[bytes], int], Iterator[OutputLine]]
"""A `LineFunction` that always writes a line."""


class TranslationArguments(ModelAndTermArguments):
    """What a worker process needs to translate, besides the models and the glossary.

    Attributes:
        source: The input file, for warnings.
        options: Fields of `regard.translation.options.TranslateOptions`.
        as_json: Whether output lines are JSON objects rather than text.
        shortlist: File of a shortlist; None = the whole vocabulary.
    """

    source: str
    options: Changes
    as_json: bool
    shortlist: str | None


def translation_work(
    models: Sequence[Path],
    source: Path,
    options: Changes,
    *,
    as_json: bool,
    device: str,
    precision: str | None,
    shortlist: Path | None,
    terms: GlossaryFiles | None = None,
) -> Work:
    """Describes, for worker processes, the translation of a file.

    Args:
        models: Directories of the models.
        source: The input file, for warnings.
        options: Fields of `regard.translation.options.TranslateOptions` that can be written as JSON.
        as_json: Whether output lines are JSON objects rather than text.
        device: `auto`, `cpu`, `cuda`, … Each machine may use another device for the same job, so the device is not part
            of `Work.identity`, by which a job is recognized when it is resumed.
        precision: Number type of matrix products, such as `int8`; None = the type stored with the model.
        shortlist: File of a shortlist; None = the whole vocabulary.
        terms: Files of a glossary; None = no glossary.

    Returns:
        Description of the computation, whose factory is `open_translation`.

    Raises:
        CheckpointError: A directory contains no model, or the shortlist or the glossary cannot be read.
    """
    model_fields, term_fields = model_arguments(models, device=device, precision=precision), term_arguments(terms)
    arguments: TranslationArguments = {
        **model_fields,
        **term_fields,
        "source": str(source),
        "options": options,
        "as_json": as_json,
        "shortlist": None if shortlist is None else str(shortlist.absolute()),
    }
    chosen = {name: json.dumps(value, default=asdict) for name, value in options.items()}
    identity = (
        chosen
        | identity_of(arguments)
        | {
            "work": "translation",
            "json": json.dumps(as_json),
            "shortlist": "none" if shortlist is None else short_hashes([hash_of_file(shortlist)]),
        }
    )
    return Work("regard.recipes.chunks.translating:open_translation", dict(arguments), identity)


def open_translation(arguments: TranslationArguments, threads: int) -> TranslationFunction:
    """Loads models, shortlist and glossary in a worker process, and returns the function that translates chunks.

    Args:
        arguments: `Work.arguments` from `translation_work`.
        threads: Number of CPU threads.

    Returns:
        Function from the lines of a chunk, and the number of the first line, to the output lines with warnings.

    Raises:
        RegardError: A model cannot be loaded, or has changed since the command was started.
    """
    from regard.translation.options import TranslateOptions
    from regard.translation.term_use import term_uses

    translator = open_models(arguments, threads)
    if arguments["shortlist"] is not None:
        from regard.translation.shortlist import read_shortlist, shortlisted

        translator = shortlisted(translator, read_shortlist(Path(arguments["shortlist"]), translator))
    glossary = open_terms(arguments)
    options = replace(TranslateOptions(**_with_sample_options(arguments["options"])), glossary=glossary)

    def translate(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
        decoded = [decode_lossy(line, f"{arguments['source']}:{number}") for number, line in enumerate(lines, first)]
        texts = [text for text, _ in decoded]
        translations = translator.translate_lines(texts, options, buffer_size=UNIT, first=first)
        for (_, warnings), translation in zip(decoded, translations, strict=True):
            line = as_json_line(translation) if arguments["as_json"] else translation.text
            yield line, (*warnings, *translation.warnings)

    def as_json_line(translation: Translation) -> str:
        if glossary is None:
            return translation.to_json_line()
        uses = term_uses(glossary, translation.source, translation.text)
        return translation.to_json_line([use.to_dict() for use in uses])

    return translate


def _with_sample_options(fields: Changes) -> Changes:
    """Fields of `TranslateOptions` that were written as JSON, in which options of sampling became objects."""
    from regard.search.sample import SampleOptions

    restored = fields.copy()
    for name in ("sample", "mbr"):
        value = fields.get(name)
        if isinstance(value, dict):
            restored[name] = SampleOptions(**value)
    return restored
