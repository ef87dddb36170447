"""What training needs to go on: tensors and plain values in one file, written whole or not at all."""

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
"""What JSON can say."""


def save_state(path: str | Path, tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> None:
    """Writes a training state. A crash leaves the old state or the new one.

    Args:
        path: The file, usually with the ending `.safetensors`.
        tensors: Of any shape, `(...)`, by name.
        scalars: Everything else, as JSON can say it.

    Raises:
        CheckpointError: The place cannot be written.
    """
    plain: dict[str, Plain] = json.loads(json.dumps(dict(scalars)))  # as it will be read: lists for tuples, and so on
    content = {"format_version": STATE_VERSION, "sha256": _digest(tensors, plain), "scalars": plain}
    # One entry: the format keeps several in no fixed order, and the same state should be the same bytes.
    metadata = {"regard": json.dumps(content, sort_keys=True)}
    write_file(Path(path), lambda file: write_tensors(file, tensors, metadata=metadata))


def load_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Plain]]:
    """Reads a training state back.

    Args:
        path: The file.

    Returns:
        Tensors of any shape, `(...)`, by name, and the plain values.

    Raises:
        CheckpointError: There is no such file, or it is damaged or of another version.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f"{file}: there is no training state to go on from; start anew, without --resume")
    tensors, metadata = read_tensors(file)
    try:
        content = json.loads(metadata["regard"])
        found, digest, scalars = content["format_version"], content["sha256"], content["scalars"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise CheckpointError(f"{file}: not a training state of regard; start anew, without --resume") from None
    if found != STATE_VERSION:
        raise CheckpointError(
            f"{file}: a training state of version {found}, but this regard reads version {STATE_VERSION}: go on with "
            "the regard that wrote it, or start anew, without --resume"
        )
    if not isinstance(scalars, dict) or digest != _digest(tensors, scalars):
        raise CheckpointError(f"{file}: damaged: it does not agree with its own hash; start anew, without --resume")
    return tensors, scalars


def read_scalars(path: str | Path) -> dict[str, Plain]:
    """The plain values of a state at a glance: neither its tensors nor its hash are looked at.

    Args:
        path: The file.

    Returns:
        The values by name; none where the file is missing, or no state that could be read.
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
