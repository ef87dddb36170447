"""JSON files of other toolkits: an object of a bounded size, or a complaint in words."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.text.file_type import read_file

LARGEST = 32 << 20
"""Bytes of the largest file that is read: the vocabularies of OPUS-MT have two million."""


def read_object(path: Path, *, wanted: str, most: int = LARGEST) -> dict[str, object]:
    """Reads a JSON object.

    Args:
        path: The file.
        wanted: What it should be, with its article, for messages.
        most: Bytes that it may have.

    Returns:
        The object.

    Raises:
        CheckpointError: It is missing or no regular file, or not such an object.
    """
    data = read_file(path, wanted=wanted, most=most)
    tree = parse_json(data, where=str(path), remedy=f"expected {wanted}; copy the directory again")
    if not isinstance(tree, dict):
        raise CheckpointError(f"{path}: expected {wanted}, an object, got a {type(tree).__name__}; copy it again")
    return tree
