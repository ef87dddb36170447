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

STATE_VERSION = 2
"""Version of the format of training states. Version 1 also had the states of random number generators."""
_READABLE = (1, STATE_VERSION)
Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""A JSON value."""


class StateVersionError(CheckpointError):
    """A training state of a format version that this version of regard cannot read."""


def save_state(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    scalars: Mapping[str, Plain],
    *,
    previous: Path | None = None,
) -> None:
    """Writes a training state atomically: after a crash, the file holds the old state or the new one.

    Args:
        path: Path of the file, usually with suffix `.safetensors`.
        tensors: Tensors of the state by name, each of any shape `(...)`.
        scalars: All other values of the state by name; they must be convertible to JSON.
        previous: Path in the same directory to which an existing file at `path` is moved; None = it is deleted.

    Raises:
        CheckpointError: The file cannot be written.
    """
    plain: dict[str, Plain] = json.loads(
        json.dumps(dict(scalars))
    )  # as it will be read: lists instead of tuples, and so on
    content = {"format_version": STATE_VERSION, "sha256": _digest(tensors, plain), "scalars": plain}
    # One entry, because the format does not fix the order of several, and equal states should give equal bytes.
    metadata = {"regard": json.dumps(content, sort_keys=True)}
    write_file(Path(path), lambda file: write_tensors(file, tensors, metadata=metadata), previous=previous)


def load_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Plain]]:
    """Reads a training state that `save_state` wrote, and checks its hash.

    Args:
        path: Path of the file.

    Returns:
        The tensors of the state by name, each of any shape `(...)`, and its JSON values by name.

    Raises:
        StateVersionError: The file is of a newer format version.
        CheckpointError: The file is missing or damaged.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(
            f"{file}: expected the state of an interrupted training, found no such file; start a new training, without "
            "--resume"
        )
    tensors, metadata = read_tensors(file)
    try:
        content = json.loads(metadata["regard"])
        version, digest, scalars = content["format_version"], content["sha256"], content["scalars"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise CheckpointError(
            f"{file}: expected a training state written by regard, found another safetensors file; start a new "
            "training, without --resume"
        ) from None
    if version not in _READABLE:
        raise StateVersionError(
            f"{file}: a training state of format version {version}, but this version of regard reads format versions "
            f"up to {STATE_VERSION}: resume with the version of regard that wrote it, or start a new training, without "
            "--resume"
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
