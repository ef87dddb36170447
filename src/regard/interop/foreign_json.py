"""Reads JSON files of other toolkits: objects, in files of limited size."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.text.file_type import read_file

MAX_BYTES = 32 << 20
"""Largest accepted size of a file in bytes; vocabularies of OPUS-MT have about two million bytes."""


def read_object(path: Path, *, expected: str, max_bytes: int = MAX_BYTES) -> dict[str, object]:
    """Reads a file that contains a JSON object.

    Args:
        path: Path of the file.
        expected: Description of the file for messages, with article, such as `an index of weights`.
        max_bytes: Largest accepted size of the file in bytes.

    Returns:
        The object.

    Raises:
        CheckpointError: The file is missing, not a regular file or too large, or does not contain a JSON object.
    """
    data = read_file(path, expected=expected, most=max_bytes)
    tree = parse_json(data, where=str(path), remedy=f"expected {expected}; copy the directory again")
    if not isinstance(tree, dict):
        raise CheckpointError(
            f"{path}: expected {expected}, a JSON object, got a JSON {type(tree).__name__}; copy the model's directory "
            "again"
        )
    return tree
