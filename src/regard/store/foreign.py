"""Recognizes model directories of other toolkits, for error messages."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes

_MAX_BYTES = 1 << 20
_EXPORT = "export.json"


def identify(directory: Path, names: list[str]) -> str:
    """Identifies the format of a directory that is not a model of regard.

    Args:
        directory: The directory, which has no `manifest.json`.
        names: Names of the files in the directory.

    Returns:
        A clause for an error message: which format the directory has and what to do; empty if the format is unknown.
    """
    files = set(names)
    if _EXPORT in files:
        return (
            "this is a model exported for another engine, which only `regard translate` and `regard evaluate` read: "
            "give the model directory that it was exported from"
        )
    if any(name.endswith(".npz") for name in names):
        return (
            "this is a model of Marian: convert it with convert_marian_to_pytorch.py of transformers, then import the "
            "result with `regard import marian`"
        )
    if "config.json" in files and files & {"source.spm", "vocab.json", "target.spm"} and _is_marian(directory):
        return (
            f"this is a MarianMT model of transformers: import it with `regard import marian {directory} --out MODEL`"
        )
    if "model.bin" in files and any(name.endswith(("vocabulary.json", "vocabulary.txt")) for name in names):
        return (
            "this is a model for CTranslate2 that was not written by regard: give a directory written by `regard "
            "export --to ctranslate2`"
        )
    if any(name.endswith(".onnx") for name in names):
        return (
            "this is a model for ONNX Runtime that was not written by regard: give a directory written by "
            "`regard export --to onnx`"
        )
    if "config.json" in files and files & {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"}:
        return "this is a model of transformers: only MarianMT models can be imported, with `regard import marian`"
    return ""


def _is_marian(directory: Path) -> bool:
    try:
        data = read_bytes(directory / "config.json", max_bytes=_MAX_BYTES, remedy="copy it again")
        tree = parse_json(data, where=str(directory), remedy="copy it again")
    except CheckpointError:
        return False
    return isinstance(tree, dict) and tree.get("model_type") == "marian"
