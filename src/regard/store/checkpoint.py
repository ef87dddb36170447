"""Training state: tensors and JSON values in one file, written atomically."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from regard.errors import CheckpointError
from regard.files.atomic import write_file
from regard.store.weights import read_metadata, read_tensors, write_tensors

STATE_VERSION = 1
Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""A JSON value."""


def save_state(path: str | Path, tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> None:
    """Writes a training state atomically: a crash leaves the old state or the new one.

    Args:
        path: Path of the file, usually with suffix `.safetensors`.
        tensors: Tensors of any shape, `(...)`, by name.
        scalars: All other values, as JSON.

    Raises:
        CheckpointError: The file cannot be written.
    """
    plain: dict[str, Plain] = json.loads(
        json.dumps(dict(scalars))
    )  # as it will be read: lists instead of tuples, and so on
    content = {"format_version": STATE_VERSION, "sha256": _digest(tensors, plain), "scalars": plain}
    # One entry, because the format does not fix the order of several, and equal states should give equal bytes.
    metadata = {"regard": json.dumps(content, sort_keys=True)}
    write_file(Path(path), lambda file: write_tensors(file, tensors, metadata=metadata))


def load_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Plain]]:
    """Reads a training state.

    Args:
        path: Path of the file.

    Returns:
        Tensors of any shape, `(...)`, by name, and the JSON values.

    Raises:
        CheckpointError: The file is missing, damaged or of another version.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f"{file}: no training state to resume; start a new training, without --resume")
    tensors, metadata = read_tensors(file)
    try:
        content = json.loads(metadata["regard"])
        version, digest, scalars = content["format_version"], content["sha256"], content["scalars"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise CheckpointError(
            f"{file}: not a training state of regard; start a new training, without --resume"
        ) from None
    if version != STATE_VERSION:
        raise CheckpointError(
            f"{file}: a training state of version {version}, but this regard reads version {STATE_VERSION}: resume it "
            "with the regard that wrote it, or start a new training, without --resume"
        )
    if not isinstance(scalars, dict) or digest != _digest(tensors, scalars):
        raise CheckpointError(
            f"{file}: damaged: its content does not match its hash; start a new training, without --resume"
        )
    return tensors, scalars


def read_scalars(path: str | Path) -> dict[str, Plain]:
    """Reads only the JSON values of a training state, without checking its hash.

    Args:
        path: Path of the file.

    Returns:
        The values by name; empty if the file is missing or not a readable state.
    """
    try:
        content = json.loads(read_metadata(Path(path))["regard"])
        scalars: Plain = content["scalars"]
    except (CheckpointError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    return scalars if isinstance(scalars, dict) else {}


def _digest(tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> str:
    digest = hashlib.sha256(json.dumps(scalars, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)  # (...) -> (bytes,)
    return digest.hexdigest()
