"""Directories that hold a model, but none of regard's: what they are, and what to do with them."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes

_MOST = 1 << 20
_EXPORT = "export.json"


def identify(directory: Path, names: list[str]) -> str:
    """What another toolkit's directory is.

    Args:
        directory: The directory.
        names: What is in it.

    Returns:
        A sentence's end that names it and says what to do; empty where it is nothing that is known.
    """
    there = set(names)
    if _EXPORT in there:
        return (
            "this is an export for another engine, for `regard translate` and `evaluate`: give the model it was made of"
        )
    if any(name.endswith(".npz") for name in names):
        return (
            "this is a model of Marian itself: convert it with convert_marian_to_pytorch.py of transformers, then read "
            "that with `regard import marian`"
        )
    if "config.json" in there and there & {"source.spm", "vocab.json", "target.spm"} and _is_marian(directory):
        return f"this is a MarianMT of transformers: read it with `regard import marian {directory} --out MODEL`"
    if "model.bin" in there and any(name.endswith(("vocabulary.json", "vocabulary.txt")) for name in names):
        return (
            "this is a model for CTranslate2 that regard did not write: give a directory written by `regard "
            "export --to ctranslate2`"
        )
    if any(name.endswith(".onnx") for name in names):
        return (
            "this is a model for ONNX Runtime that regard did not write: give a directory written by "
            "`regard export --to onnx`"
        )
    if "config.json" in there and there & {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"}:
        return "this is a model of transformers: only MarianMT can be read, with `regard import marian`"
    return ""


def _is_marian(directory: Path) -> bool:
    try:
        data = read_bytes(directory / "config.json", max_bytes=_MOST, remedy="copy it again")
        tree = parse_json(data, where=str(directory), remedy="copy it again")
    except CheckpointError:
        return False
    return isinstance(tree, dict) and tree.get("model_type") == "marian"
