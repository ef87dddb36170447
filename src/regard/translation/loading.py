"""`regard.load`: the one way to open a model, an ensemble of models, or an export for another engine.

Modules of other engines are imported only when an export needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path

from regard.alignment.readout import known_readout
from regard.config.threads import check_threads
from regard.errors import ConfigError
from regard.files.installed_models import find_model
from regard.interop.exported import ENGINES, Exported, is_export, open_export
from regard.model.build import ScoreFactory
from regard.native.device import resolve_device
from regard.native.packed import PRECISIONS
from regard.search.engine import Engine
from regard.search.length_limits import LengthLimits
from regard.store import load_model
from regard.store.reading import read_description
from regard.translation.translator import Translator

PathName = str | PathLike[str]


def load(
    path: PathName | Sequence[PathName],
    *,
    engine: str | None = None,
    precision: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    score: ScoreFactory | None = None,
) -> Translator:
    """Opens a trained model, an ensemble of models, or an export.

    Args:
        path: Directory of a model or an export, name of an installed model such as `en-fr`, or a list of models for an
            ensemble.
        engine: `regard` for a model, `ctranslate2` or `onnx` for an export to that engine. By default the engine that
            the directory was written for; naming another engine is an error.
        precision: Number type of matrix products: `float32`, `bfloat16` or `int8` for models; for exports, a type that
            their engine offers. By default, `float32` for models, and the stored type for exports.
        device: `auto`, `cpu`, `cuda`, …
        threads: CPU threads of CTranslate2 or ONNX Runtime; by default, PyTorch's number of threads.
        score: Factory of a custom attention score, if the model was built with one.

    Returns:
        The translator.

    Raises:
        ConfigError: The engine is unknown or cannot run this directory, the device or the precision is not available,
            or the number of threads is not possible.
        CheckpointError: A directory does not contain a model or an export, or its files are damaged.
        SearchError: The models of an ensemble have different vocabularies.
    """
    if threads is not None:
        check_threads(threads, name="threads")
    paths = [find_model(place) for place in ([path] if isinstance(path, (str, PathLike)) else path)]
    exported = next((open_export(place) for place in paths if is_export(place)), None)
    engine = _checked_engine(paths[0] if paths else Path(), engine, exported)
    if exported is None:
        translator = _load_models(paths, precision=precision, device=device, score=score)
    elif len(paths) > 1:
        raise ConfigError(
            f"{exported.path}: an export cannot be part of an ensemble: give the model directories that `regard train` "
            "wrote instead"
        )
    else:
        translator = _open_exported(exported, precision=precision, threads=threads, device=device)
    again = partial(load, engine=engine, precision=precision, device=device, threads=threads, score=score)
    return translator.reopened_with(again, [str(place.absolute()) for place in paths])


def _checked_engine(path: Path, engine: str | None, exported: Exported | None) -> str:
    own = "regard" if exported is None else exported.manifest.engine
    if engine in (None, own):
        return own
    if engine not in ("regard", *ENGINES):
        raise ConfigError(
            f"expected an engine, one of {', '.join(('regard', *ENGINES))}, got {engine!r}: choose one of these, or "
            "leave the engine out"
        )
    if exported is None:
        raise ConfigError(
            f"{path}: a model of regard, which {engine} cannot read: run `regard export {path} --to {engine} --out "
            f"{path}.{engine}` once, and give the directory {path}.{engine} instead"
        )
    name = "regard's own engine" if engine == "regard" else engine
    raise ConfigError(
        f"{exported.path}: an export for {own} cannot be run by {name}: leave the engine out to use {own}, or "
        "load the model directory that it was exported from"
    )


def _load_models(
    paths: Sequence[Path], *, precision: str | None, device: str, score: ScoreFactory | None
) -> Translator:
    if precision not in (None, *PRECISIONS):
        raise ConfigError(
            f"{paths[0]}: expected a precision of regard's own engine, one of {', '.join(PRECISIONS)}, got "
            f"{precision!r}: choose one of these, or export the model to another engine with `regard export`"
        )
    models = [load_model(path, device=resolve_device(device), score=score) for path in paths]
    return Translator.of(models, names=[str(path) for path in paths], precision=precision or "float32")


def _open_exported(exported: Exported, *, precision: str | None, threads: int | None, device: str) -> Translator:
    found: Engine
    manifest = exported.manifest
    if manifest.engine == "onnx":
        from regard.interop.onnx.engine import open_onnx

        found = open_onnx(exported, precision=precision, threads=threads, device=device)
        limits, readout = LengthLimits.from_config(exported.config), known_readout(exported.config, manifest.readout)
    else:
        from regard.interop.ctranslate2.engine import length_limits, open_ctranslate2

        found = open_ctranslate2(exported, precision=precision or "default", threads=threads, device=device)
        limits, readout = length_limits(exported.config), None  # the engine returns the mean of one layer
    exported.check_same()
    translator = Translator(
        found,
        exported.src_subword,
        exported.tgt_subword,
        search=exported.config.search,
        limits=limits,
        readout=readout,
        signature=f"{manifest.signature}|engine:{manifest.engine}-{manifest.quantization}",
    )
    translator.languages = replace(translator.languages, directions=exported.config.data.directions)
    return translator


def stored_languages(path: PathName) -> str | None:
    """Reads the languages of a model, which `regard train --langs` stored.

    Args:
        path: Directory of a model or an export, or name of an installed model.

    Returns:
        Source and target language, such as `en-fr`; None if the model does not know them, or has several pairs.

    Raises:
        CheckpointError: The directory does not contain a model, or its files are damaged.
    """
    directions = stored_directions(path)
    return "-".join(directions[0]) if len(directions) == 1 else None


def stored_directions(path: PathName) -> tuple[tuple[str, str], ...]:
    """Reads the pairs of languages that a model was trained on.

    Args:
        path: Directory of a model or an export.

    Returns:
        Pairs of source and target language; empty if the model does not know them.

    Raises:
        CheckpointError: The directory does not contain a model, or its files are damaged.
    """
    directory = find_model(path)
    config = open_export(directory).config if is_export(directory) else read_description(directory).config
    return config.data.directions
