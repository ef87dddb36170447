"""The file of the validation pairs that are held out of prepared text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from regard.data.prepared.manifest import Manifest
from regard.data.prepared.shard import REMEDY
from regard.errors import CheckpointError
from regard.files.atomic import write_file
from regard.files.reading import decode_utf8, read_bytes
from regard.values import Pair

VALIDATION = "validation.tsv"
"""Name of the file: line number, source and target of each pair, with tabs between them."""
_MAX_BYTES = 1 << 30


def write_held_out(directory: Path, val: Sequence[Pair]) -> str:
    """Writes validation pairs to the directory of prepared text.

    Args:
        directory: The directory.
        val: The pairs, normalized.

    Returns:
        SHA-256 of the file.

    Raises:
        CheckpointError: The file cannot be written.
    """
    data = "".join(f"{pair.line}\t{pair.src}\t{pair.tgt}\n" for pair in val).encode()
    write_file(directory / VALIDATION, lambda path: path.write_bytes(data))
    return hashlib.sha256(data).hexdigest()


def read_held_out(directory: Path, manifest: Manifest) -> list[Pair]:
    """Reads the validation pairs of prepared text.

    Args:
        directory: Directory of the prepared text.
        manifest: Manifest of the prepared text, with the hash of the file.

    Returns:
        The pairs.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    path = directory / VALIDATION
    data = read_bytes(path, max_bytes=_MAX_BYTES, remedy=REMEDY)
    if hashlib.sha256(data).hexdigest() != manifest.validation:
        raise CheckpointError(f"{path}: damaged: its content does not match its hash in the manifest: {REMEDY}")
    rows = [line.split("\t") for line in decode_utf8(data, str(path), remedy=REMEDY).split("\n")[:-1]]
    try:
        return [Pair(src, tgt, int(line)) for line, src, tgt in rows]
    except ValueError:
        raise CheckpointError(
            f"{path}: damaged: expected a line number, a source and a target on each line, with tabs between: {REMEDY}"
        ) from None
