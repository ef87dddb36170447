"""Opening whatever translates: a model of regard's by its own engine or another, or an export."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from regard.errors import ConfigError
from regard.interop.ctranslate2_engine import ctranslate2_translator
from regard.interop.ctranslate2_export import export_ctranslate2
from regard.interop.exported import is_export, open_export
from regard.store import load_model
from regard.store.model import open_model
from regard.translate import Translator, load

ENGINES = ("regard", "ctranslate2")
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
        compute: Type of the engine's arithmetic, such as `int8`; as the weights are stored when not given.
        device: `auto`, `cpu`, `cuda`, …
        threads: CPU threads of another engine; as many as torch uses when not given.

    Returns:
        What translates.

    Raises:
        ConfigError: There is no such engine, or it cannot run the model.
        CheckpointError: A directory holds no sound model.
    """
    exported = is_export(paths[0])
    engine = engine or (open_export(paths[0]).note.engine if exported else "regard")
    if engine not in ENGINES:
        raise ConfigError(f"expected an engine of {', '.join(ENGINES)}, got {engine!r}")
    if engine == "regard":
        if exported or compute:
            raise ConfigError(
                f"{paths[0]}: "
                + (
                    "an export cannot be run by regard's own engine: give the model that it was made of"
                    if exported
                    else "--compute is for other engines: add --engine ctranslate2"
                )
            )
        return load([str(one) for one in paths], device=device)
    if len(paths) > 1:
        raise ConfigError(f"{engine} runs one model at a time: leave out --with, or use regard's own engine")
    if exported:
        return ctranslate2_translator(
            open_export(paths[0]), compute=compute or "default", threads=threads, device=device
        )
    with tempfile.TemporaryDirectory() as place:  # read into memory at once
        export_ctranslate2(load_model(paths[0]), Path(place) / "export")
        exported_now = open_export(Path(place) / "export")
        return ctranslate2_translator(exported_now, compute=compute or "default", threads=threads, device=device)


def signature(path: Path) -> str:
    """Which model a score belongs to.

    Args:
        path: A model or an export.

    Returns:
        The model's signature, with the engine and the type of its weights for an export.
    """
    if not is_export(path):
        return open_model(path).manifest.signature
    note = open_export(path).note
    return f"{note.signature}|engine:{note.engine}-{note.quantization}"
