"""JSON that carries its own hash: what was changed since it was written is not believed."""

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
    """Writes an object with its hash.

    Args:
        tree: What JSON can say; every number finite.

    Returns:
        JSON on one line.

    Raises:
        ValueError: There is a number that is none.

    >>> sealed({"a": 1})[:20]
    '{"a": 1, "sha256": "'
    """
    return json.dumps({**tree, _SEAL: _digest(tree)}, ensure_ascii=False, allow_nan=False)


def read_sealed(path: Path, *, most: int, cure: str, error: type[RegardError] = CheckpointError) -> dict[str, object]:
    """Reads an object that `sealed` wrote; one without a hash is from before there were any, and believed.

    Args:
        path: The file.
        most: Bytes that it may have.
        cure: What to do when it is missing or damaged, for messages.
        error: What to raise.

    Returns:
        The object, without its hash.

    Raises:
        RegardError: An `error`: it is missing, no such object, or was changed since it was written.
    """
    tree = parse_json(
        read_bytes(path, max_bytes=most, remedy=cure, error=error), where=str(path), remedy=cure, error=error
    )
    if not isinstance(tree, dict):
        raise error(f"{path}: damaged: expected a JSON object: {cure}")
    seal = tree.pop(_SEAL, None)
    if seal is not None and seal != _digest(tree):
        raise error(f"{path}: changed since it was written: it does not agree with its own hash: {cure}")
    return tree


def _digest(tree: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
