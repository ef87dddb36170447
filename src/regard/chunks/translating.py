"""Translation of chunks: the same lines in the same batches as `regard translate` in one process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from regard.chunks.plan import UNIT
from regard.chunks.store import LineFunction, OutputLine
from regard.chunks.work import Work
from regard.errors import CheckpointError
from regard.files.atomic import sha256
from regard.files.paths import error_reason
from regard.text.lossy import decode_lossy

if TYPE_CHECKING:
    from regard.translation.glossary import Glossary
    from regard.translation.glossary_files import GlossaryFiles
    from regard.translation.options import Changes
    from regard.translation.result import Translation

_MANIFESTS = ("manifest.json", "export.json")
# Files that hold the hashes of all other files, of a model and of an export.


class TranslationArguments(TypedDict):
    """What a worker needs to translate.

    Attributes:
        models: Directories of the models.
        hashes: Hash of each model.
        source: The input file, for warnings.
        options: Fields of `regard.translation.options.TranslateOptions`.
        as_json: Whether output lines are JSON objects rather than text.
        device: `auto`, `cpu`, `cuda`, …
        precision: Number type of matrix products, such as `int8`; None = that of the model.
        shortlist: File of a shortlist; None = the whole vocabulary.
        terms: Files of a glossary.
        term_hashes: Hash of each of them.
        term_langs: Source and target language of the glossary; None = its files have one direction.
    """

    models: list[str]
    hashes: list[str]
    source: str
    options: Changes
    as_json: bool
    device: str
    precision: str | None
    shortlist: str | None
    terms: list[str]
    term_hashes: list[str]
    term_langs: list[str] | None


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
    """Describes the translation of a file.

    Args:
        models: Directories of the models.
        source: The input file, for warnings.
        options: Fields of `regard.translation.options.TranslateOptions` that can be written as JSON.
        as_json: Whether output lines are JSON objects rather than text.
        device: `auto`, `cpu`, `cuda`, … Each machine may use another device for the same job, so the device is not part
            of `Work.identity`, by which a job is recognized when it is resumed.
        precision: Number type of matrix products, such as `int8`; None = that of the model.
        shortlist: File of a shortlist; None = the whole vocabulary.
        terms: Files of a glossary; None = no glossary.

    Returns:
        The description.

    Raises:
        CheckpointError: A directory contains no model, or the shortlist or the glossary cannot be read.
    """
    if terms is not None:
        terms.read()  # fails here, not in a worker
    term_paths = () if terms is None else terms.paths
    term_hashes = [_hash(path) for path in term_paths]
    hashes = [_hash_of_model(model) for model in models]
    arguments: TranslationArguments = {
        "models": [str(model.absolute()) for model in models],
        "hashes": hashes,
        "source": str(source),
        "options": options,
        "as_json": as_json,
        "device": device,
        "precision": precision,
        "shortlist": None if shortlist is None else str(shortlist.absolute()),
        "terms": [str(path.absolute()) for path in term_paths],
        "term_hashes": term_hashes,
        "term_langs": None if terms is None or terms.langs is None else list(terms.langs),
    }
    identity = {name: json.dumps(value, default=asdict) for name, value in options.items()} | {
        "work": "translation",
        "model": " + ".join(short[:12] for short in hashes),
        "json": json.dumps(as_json),
        "precision": precision or "default",
        "shortlist": "none" if shortlist is None else _hash(shortlist)[:12],
        "terms": " + ".join(short[:12] for short in term_hashes) or "none",
        "version of regard": version("regard"),
    }
    return Work("regard.chunks.translating:open_translation", dict(arguments), identity)


def open_translation(arguments: TranslationArguments, threads: int) -> LineFunction:
    """Loads the models in a worker.

    Args:
        arguments: From `translation_work`.
        threads: Number of CPU threads.

    Returns:
        The function that translates a chunk.

    Raises:
        RegardError: A model cannot be loaded, or has changed since the driver started.
    """
    import torch

    from regard.translation.loading import load
    from regard.translation.options import TranslateOptions
    from regard.translation.term_use import term_uses

    torch.set_num_threads(threads)
    models = [Path(model) for model in arguments["models"]]
    translator = load(models, precision=arguments["precision"], device=arguments["device"], threads=threads)
    for model, expected in zip(models, arguments["hashes"], strict=True):
        if _hash_of_model(model) != expected:
            raise _changed(model, "model")
    if arguments["shortlist"] is not None:
        from regard.translation.shortlist import read_shortlist, shortlisted

        translator = shortlisted(translator, read_shortlist(Path(arguments["shortlist"]), translator))
    glossary = _read_glossary(arguments)
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


def _read_glossary(arguments: TranslationArguments) -> Glossary | None:
    """The glossary of a job, whose files must not have changed since it was planned."""
    if not arguments["terms"]:
        return None
    from regard.translation.glossary_files import read_glossary

    paths = [Path(path) for path in arguments["terms"]]
    for path, expected in zip(paths, arguments["term_hashes"], strict=True):
        if _hash(path) != expected:
            raise _changed(path, "glossary")
    langs = arguments["term_langs"]
    return read_glossary(paths, langs=None if langs is None else (langs[0], langs[1]))


def _changed(path: Path, kind: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: the {kind} has changed since the command was started: restore it, or start over with the new {kind} "
        "and another --output"
    )


def _hash_of_model(model: Path) -> str:
    """Hash of a model directory: of its manifests, which contain the hashes of all other files."""
    found = [model / name for name in _MANIFESTS if (model / name).is_file()]
    if not found:
        from regard.translation.loading import stored_languages

        stored_languages(model)  # which raises the error that says what is wrong
    return hashlib.sha256("".join(map(_hash, found)).encode()).hexdigest()


def _hash(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error_reason(error)}: check path and permissions") from None
