"""Translation of chunks: the same lines in the same batches as `regard translate` in one process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
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
    from regard.translation.options import Changes

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
    """

    models: list[str]
    hashes: list[str]
    source: str
    options: Changes
    as_json: bool
    device: str
    precision: str | None
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

    Returns:
        The description.

    Raises:
        CheckpointError: A directory contains no model, or the shortlist cannot be read.
    """
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
    }
    identity = {name: json.dumps(value, default=asdict) for name, value in options.items()} | {
        "work": "translation",
        "model": " + ".join(short[:12] for short in hashes),
        "json": json.dumps(as_json),
        "precision": precision or "default",
        "shortlist": "none" if shortlist is None else _hash(shortlist)[:12],
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

    torch.set_num_threads(threads)
    models = [Path(model) for model in arguments["models"]]
    translator = load(models, precision=arguments["precision"], device=arguments["device"], threads=threads)
    for model, expected in zip(models, arguments["hashes"], strict=True):
        if _hash_of_model(model) != expected:
            raise CheckpointError(
                f"{model}: the model has changed since the command was started: restore it, or start over with the new "
                "model and another --output"
            )
    if arguments["shortlist"] is not None:
        from regard.translation.shortlist import read_shortlist, shortlisted

        translator = shortlisted(translator, read_shortlist(Path(arguments["shortlist"]), translator))
    options = TranslateOptions(**_with_sample_options(arguments["options"]))

    def translate(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
        decoded = [decode_lossy(line, f"{arguments['source']}:{number}") for number, line in enumerate(lines, first)]
        texts = [text for text, _ in decoded]
        translations = translator.translate_lines(texts, options, buffer_size=UNIT, first=first)
        for (_, warnings), translation in zip(decoded, translations, strict=True):
            is_json = arguments["as_json"]
            line = json.dumps(translation.to_dict(), ensure_ascii=False) if is_json else translation.text
            yield line, (*warnings, *translation.warnings)

    return translate


def _with_sample_options(fields: Changes) -> Changes:
    """Fields of `TranslateOptions` that were written as JSON, in which options of sampling became objects."""
    from regard.search.sample import SampleOptions

    restored = fields.copy()
    for name in ("sample", "mbr"):
        value = fields.get(name)
        if isinstance(value, dict):
            restored[name] = SampleOptions(**value)  # type: ignore[literal-required]
    return restored


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
