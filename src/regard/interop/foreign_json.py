"""JSON files of other toolkits: objects of a bounded size."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.text.file_type import read_file

MAX_BYTES = 32 << 20
"""Size of the largest file that is read; vocabularies of OPUS-MT have two million bytes."""


def read_object(path: Path, *, expected: str, max_bytes: int = MAX_BYTES) -> dict[str, object]:
    """Reads a JSON object.

    Args:
        path: The file.
        expected: Description of the file with its article, for messages, such as `an index of weights`.
        max_bytes: Largest size in bytes.

    Returns:
        The object.

    Raises:
        CheckpointError: The file is missing, no regular file or too large, or holds no JSON object.
    """
    data = read_file(path, expected=expected, most=max_bytes)
    tree = parse_json(data, where=str(path), remedy=f"expected {expected}; copy the directory again")
    if not isinstance(tree, dict):
        raise CheckpointError(
            f"{path}: expected {expected}, a JSON object, got a JSON {type(tree).__name__}; copy the model's directory "
            "again"
        )
    return tree
