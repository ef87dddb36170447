"""JSON objects that contain their own hash, so that later changes are detected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from regard.errors import CheckpointError, RegardError
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes

_SEAL = "sha256"


def sealed(tree: Mapping[str, object]) -> str:
    """Serializes an object to JSON text that includes its own hash.

    Args:
        tree: JSON object with finite numbers.

    Returns:
        JSON text on one line.

    Raises:
        ValueError: A number is not finite.

    >>> sealed({"a": 1})[:20]
    '{"a": 1, "sha256": "'
    """
    return json.dumps({**tree, _SEAL: _digest(tree)}, ensure_ascii=False, allow_nan=False)


def read_sealed(
    path: Path, *, max_bytes: int, remedy: str, error: type[RegardError] = CheckpointError
) -> dict[str, object]:
    """Reads a file with an object serialized by `sealed`, and checks the object's hash.

    Objects without a hash are accepted, since older versions of regard wrote none.

    Args:
        path: Path of the file.
        max_bytes: Largest accepted size of the file in bytes.
        remedy: What to do if the file is missing or damaged, for messages.
        error: Class of the error to raise.

    Returns:
        The object, without its hash.

    Raises:
        RegardError: An instance of `error`: the file is missing, not a JSON object, or was changed since it was
            written.
    """
    tree = parse_json(
        read_bytes(path, max_bytes=max_bytes, remedy=remedy, error=error), where=str(path), remedy=remedy, error=error
    )
    if not isinstance(tree, dict):
        raise error(f"{path}: damaged: expected a JSON object, got a JSON {type(tree).__name__}: {remedy}")
    seal = tree.pop(_SEAL, None)
    if seal is not None and seal != _digest(tree):
        raise error(f"{path}: changed since it was written: its content does not match its hash: {remedy}")
    return tree


def _digest(tree: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
