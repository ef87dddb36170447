"""Models and glossaries that worker processes load; hashes ensure that all workers load the same files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from regard.errors import CheckpointError
from regard.files.atomic import sha256
from regard.files.paths import error_reason

if TYPE_CHECKING:
    from regard.translation.glossary import Glossary
    from regard.translation.glossary_files import GlossaryFiles
    from regard.translation.translator import Translator

_MANIFESTS = ("manifest.json", "export.json")
# Files that hold the hashes of all other files, of a model and of an export.


class ModelArguments(TypedDict):
    """What a worker process needs to load a model or an ensemble.

    Attributes:
        models: Directories of the models.
        hashes: Hash of each model.
        device: `auto`, `cpu`, `cuda`, … Each machine may use another device for the same job.
        precision: Number type of matrix products, such as `int8`; None = the type stored with the model.
    """

    models: list[str]
    hashes: list[str]
    device: str
    precision: str | None


class TermArguments(TypedDict):
    """What a worker process needs to read a glossary.

    Attributes:
        terms: Files of the glossary.
        term_hashes: SHA-256 hash of each glossary file.
        term_langs: Source and target language to read from the files; None = the files have only one direction.
    """

    terms: list[str]
    term_hashes: list[str]
    term_langs: list[str] | None


class ModelAndTermArguments(ModelArguments, TermArguments):
    """What a worker process needs to load models and a glossary."""


def model_arguments(models: Sequence[Path], *, device: str, precision: str | None) -> ModelArguments:
    """Collects what a worker process needs to load a model or an ensemble.

    Args:
        models: Directories of the models.
        device: `auto`, `cpu`, `cuda`, …
        precision: Number type of matrix products, such as `int8`; None = the type stored with the model.

    Returns:
        Paths, hashes and options of the models, for `open_models`.

    Raises:
        CheckpointError: A directory contains no model.
    """
    return {
        "models": [str(model.absolute()) for model in models],
        "hashes": [_hash_of_model(model) for model in models],
        "device": device,
        "precision": precision,
    }


def term_arguments(terms: GlossaryFiles | None) -> TermArguments:
    """Collects what a worker process needs to read a glossary.

    Args:
        terms: Files of the glossary; None = no glossary.

    Returns:
        Paths, hashes and languages of the glossary, for `open_terms`; without files if there is no glossary.

    Raises:
        RegardError: The glossary cannot be read.
    """
    if terms is not None:
        terms.read()  # fails here, not in a worker
    paths = () if terms is None else terms.paths
    return {
        "terms": [str(path.absolute()) for path in paths],
        "term_hashes": [hash_of_file(path) for path in paths],
        "term_langs": None if terms is None or terms.langs is None else list(terms.langs),
    }


def identity_of(arguments: ModelAndTermArguments) -> dict[str, str]:
    """Collects the facts about models and glossary on which the output depends, such as their hashes.

    Args:
        arguments: Fields from `model_arguments` and `term_arguments`.

    Returns:
        Facts by name, for `Work.identity`. The device is left out, since each machine may use another device for a job.
    """
    return {
        "model": short_hashes(arguments["hashes"]),
        "precision": arguments["precision"] or "default",
        "terms": short_hashes(arguments["term_hashes"]),
        "version of regard": version("regard"),
    }


def short_hashes(hashes: Sequence[str]) -> str:
    """The first 12 characters of each hash, joined by ` + `, to show to users; `none` without hashes."""
    return " + ".join(short[:12] for short in hashes) or "none"


def open_models(arguments: ModelArguments, threads: int) -> Translator:
    """Loads a model or an ensemble in a worker process.

    Args:
        arguments: Paths, hashes and options from `model_arguments`.
        threads: Number of CPU threads.

    Returns:
        The translator.

    Raises:
        RegardError: A model cannot be loaded, or has changed since the command was started.
    """
    import torch

    from regard.translation.loading import load

    torch.set_num_threads(threads)
    models = [Path(model) for model in arguments["models"]]
    translator = load(models, precision=arguments["precision"], device=arguments["device"], threads=threads)
    for model, expected in zip(models, arguments["hashes"], strict=True):
        if _hash_of_model(model) != expected:
            raise _changed(model, "model")
    return translator


def open_terms(arguments: TermArguments) -> Glossary | None:
    """Reads a glossary in a worker process.

    Args:
        arguments: Paths, hashes and languages from `term_arguments`.

    Returns:
        The glossary; None if `arguments` name no files.

    Raises:
        RegardError: A file cannot be read, or has changed since the command was started.
    """
    if not arguments["terms"]:
        return None
    from regard.translation.glossary_files import read_glossary

    paths = [Path(path) for path in arguments["terms"]]
    for path, expected in zip(paths, arguments["term_hashes"], strict=True):
        if hash_of_file(path) != expected:
            raise _changed(path, "glossary")
    langs = arguments["term_langs"]
    return read_glossary(paths, langs=None if langs is None else (langs[0], langs[1]))


def hash_of_file(path: Path) -> str:
    """Hash of a file.

    Args:
        path: The file.

    Returns:
        Its SHA-256 hash, in hexadecimal.

    Raises:
        CheckpointError: The file cannot be read.
    """
    try:
        return sha256(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error_reason(error)}: check path and permissions") from None


def _hash_of_model(model: Path) -> str:
    """Hash of a model directory: of its manifests, which contain the hashes of all other files."""
    found = [model / name for name in _MANIFESTS if (model / name).is_file()]
    if not found:
        from regard.translation.loading import stored_languages

        stored_languages(model)  # which raises the error that says what is wrong
    return hashlib.sha256("".join(map(hash_of_file, found)).encode()).hexdigest()


def _changed(path: Path, kind: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: the {kind} has changed since the command was started: restore it, or start over with the new {kind} "
        "and another --output"
    )
