"""Opening whatever translates: a model of regard's by its own engine or another, or an export.

What belongs to another engine is imported where it is asked for: most who translate wait for none of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from regard.config.threads import check_threads
from regard.errors import ConfigError
from regard.interop.exported import Exported, is_export, open_export
from regard.native.packed import PRECISIONS
from regard.store import StoredModel, load_model
from regard.store.model import open_model
from regard.translation.translator import Translator, load

ENGINES = ("regard", "ctranslate2", "onnx")
"""What can run a model."""


def open_translator(
    paths: Sequence[Path],
    *,
    engine: str | None = None,
    compute: str | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Translator:
    """Opens a model, an ensemble or an export.

    Args:
        paths: Directories of models; one only for other engines than regard's.
        engine: One of `ENGINES`; an export's own, and regard's for a model, when not given.
        compute: Type of the engine's arithmetic: `float32`, `bfloat16` or `int8` for regard's own, others elsewhere;
            as the weights are stored when not given.
        device: `auto`, `cpu`, `cuda`, …
        threads: CPU threads of another engine; as many as torch uses when not given.

    Returns:
        What translates.

    Raises:
        ConfigError: There is no such engine, or it cannot run the model, or so many threads cannot be.
        CheckpointError: A directory holds no sound model.
    """
    if threads is not None:
        check_threads(threads, name="threads")
    exported = open_export(paths[0]) if is_export(paths[0]) else None
    engine = engine or (exported.note.engine if exported else "regard")
    if engine not in ENGINES:
        raise ConfigError(f"expected an engine of {', '.join(ENGINES)}, got {engine!r}")
    if exported and engine != exported.note.engine:
        raise ConfigError(
            f"{paths[0]}: an export for {exported.note.engine} cannot be run by {_named(engine)}: give "
            "the model that it was made of"
        )
    if engine == "regard":
        if compute not in (None, *PRECISIONS):
            raise ConfigError(
                f"{paths[0]}: regard's own engine computes in {', '.join(PRECISIONS)}, not in {compute!r}: choose "
                "one with --compute, or add --engine ctranslate2 or --engine onnx"
            )
        return load([str(one) for one in paths], device=device, precision=compute or "float32")
    again = partial(open_translator, engine=engine, compute=compute, device=device, threads=threads)
    translator = _open_elsewhere(paths, exported, engine, compute=compute, device=device, threads=threads)
    return translator.opened_by(again, [path.absolute() for path in paths])


def _open_elsewhere(
    paths: Sequence[Path],
    exported: Exported | None,
    engine: str,
    *,
    compute: str | None,
    device: str,
    threads: int | None,
) -> Translator:
    """Opens what another engine than regard's runs."""
    if len(paths) > 1:
        raise ConfigError(f"{engine} runs one model at a time: leave out --with, or use regard's own engine")
    if exported:
        return _run(exported, compute=compute, threads=threads, device=device)
    with tempfile.TemporaryDirectory() as place:  # read into memory at once
        export = Path(place) / "export"
        if engine == "onnx":
            from regard.interop.onnx.exporter import export_onnx

            export_onnx(load_model(paths[0]), export, quantization=compute or "float32")
        else:
            from regard.interop.ctranslate2.exporter import export_ctranslate2, stored_for

            export_ctranslate2(load_model(paths[0]), export, quantization=stored_for(compute or "default"))
        return _run(open_export(export), compute=compute, threads=threads, device=device)


def _named(engine: str) -> str:
    return "regard's own engine" if engine == "regard" else engine


def _run(exported: Exported, *, compute: str | None, threads: int | None, device: str) -> Translator:
    if exported.note.engine == "onnx":
        from regard.interop.onnx.engine import onnx_translator

        translator = onnx_translator(exported, compute=compute, threads=threads, device=device)
    else:
        from regard.interop.ctranslate2.engine import ctranslate2_translator

        translator = ctranslate2_translator(exported, compute=compute or "default", threads=threads, device=device)
    exported.check_same()
    return translator


def signature(
    path: Path, *, engine: str | None = None, compute: str | None = None, stored: StoredModel | None = None
) -> str:
    """What a score belongs to.

    Args:
        path: A model or an export.
        engine: As for `open_translator`.
        compute: As for `open_translator`.
        stored: What was loaded from `path`, where it is known: another model may lie there by now.

    Returns:
        The model's signature, and what rounds or computes otherwise than regard's own engine in float32.
    """
    if stored is not None:
        told = stored.manifest.signature
    elif is_export(path):
        note = open_export(path).note
        told, engine = f"{note.signature}|engine:{note.engine}-{note.quantization}", None
    else:
        told = open_model(path).manifest.signature
    parts = [told]
    if engine not in (None, "regard"):
        parts.append(f"engine:{engine}")
    if compute not in (None, "float32"):
        parts.append(f"compute:{compute}")
    return "|".join(parts)
