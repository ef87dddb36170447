"""The plan of a job: the input cut into numbered chunks of lines, by byte ranges, each with its hash."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from regard.errors import CheckpointError, DataError
from regard.files.atomic import write_file, write_shared_text
from regard.files.compression import open_binary, open_input
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes
from regard.text.readers import raw_lines

UNIT = 1000
"""Chunks have a multiple of so many lines: `Translator.translate_lines` translates so many together."""
_MAX_UNITS, _BYTES_PER_UNIT = 10, 200_000_000
# Units per chunk grow with the input, one per 200 MB, so that a store has a bounded number of files.
_FORMAT = 1
_MAX_MANIFEST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range of consecutive lines of the input.

    Attributes:
        number: Number of the chunk, from 0.
        first_line: Number of its first line in the input, from 1.
        num_lines: Number of its lines.
        start: Offset of its first byte in the text.
        size: Number of its bytes.
        sha256: Hash of its bytes.
    """

    number: int
    first_line: int
    num_lines: int
    start: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Plan:
    """How an input is divided, and what is computed from it.

    Attributes:
        identity: What determines the result besides the input, such as hashes of models and options, by name.
        input: Path, size in bytes, and time of change in nanoseconds of the input file.
        sha256: Hash of the text, decompressed.
        is_copied: Whether the text is a decompressed copy in the store rather than the input itself.
        chunks: The chunks, which follow each other in the text.
    """

    identity: dict[str, str]
    input: tuple[str, int, int]
    sha256: str
    is_copied: bool
    chunks: tuple[Chunk, ...]

    @property
    def num_lines(self) -> int:
        """Number of lines of the input."""
        return sum(chunk.num_lines for chunk in self.chunks)

    def write(self, path: Path) -> None:
        """Writes the plan as a JSON file.

        Args:
            path: Path of the file.
        """
        rows = [[chunk.num_lines, chunk.start, chunk.size, chunk.sha256] for chunk in self.chunks]
        tree = {
            "format": _FORMAT,
            "identity": self.identity,
            "input": list(self.input),
            "sha256": self.sha256,
            "is_copied": self.is_copied,
            "chunks": rows,
        }
        write_shared_text(path, json.dumps(tree) + "\n")


def make_plan(source: Path, identity: dict[str, str], copy: Path) -> Plan:
    """Reads the input once, and divides it into chunks.

    Args:
        source: The input, a text file, which may be compressed.
        identity: What determines the result besides the input, such as hashes of models and options, by name.
        copy: Path of the decompressed copy, which is written only if `source` is compressed.

    Returns:
        The plan.

    Raises:
        DataError: The input is not a regular file, or not text.
        CheckpointError: The copy cannot be written.
    """
    status = input_status(source)
    size = UNIT * min(_MAX_UNITS, 1 + status[1] // _BYTES_PER_UNIT)
    offset = _offset_of_text(source)
    if offset is not None:
        chunks, sha256 = _cut(source, size, offset)
        return Plan(identity, status, sha256, False, tuple(chunks))
    write_file(copy, lambda temporary: _unpack(source, temporary))
    chunks, sha256 = _cut(copy, size, 0)
    return Plan(identity, status, sha256, True, tuple(chunks))


def read_plan(path: Path) -> tuple[Plan, str]:
    """Reads a plan that `Plan.write` wrote.

    Args:
        path: Path of the file.

    Returns:
        The plan, and the hash of the file, which identifies the plan.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    remedy = f"remove the directory {path.parent} to start over"
    data = read_bytes(path, max_bytes=_MAX_MANIFEST_BYTES, remedy=remedy)
    tree: Any = parse_json(data, where=str(path), remedy=remedy)
    try:
        if tree["format"] != _FORMAT:
            raise CheckpointError(
                f"{path}: expected format {_FORMAT}, found {str(tree['format'])[:20]}: finish with the version of "
                f"regard that began, or {remedy}"
            )
        chunks, line = [], 1
        for number, (num_lines, start, size, sha256) in enumerate(tree["chunks"]):
            chunks.append(Chunk(number, line, int(num_lines), int(start), int(size), str(sha256)))
            line += int(num_lines)
        identity = {str(name): str(value) for name, value in tree["identity"].items()}
        name, num_bytes, changed = tree["input"]
        status = str(name), int(num_bytes), int(changed)
        plan = Plan(identity, status, str(tree["sha256"]), bool(tree["is_copied"]), tuple(chunks))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CheckpointError(f"{path}: expected a plan of chunks, found something else: {remedy}") from None
    return plan, hashlib.sha256(data).hexdigest()


def input_status(source: Path) -> tuple[str, int, int]:
    """Path, size in bytes, and time of change in nanoseconds of the input.

    Args:
        source: The input.

    Returns:
        The three values; bytes of the path that are not UTF-8 are escaped.

    Raises:
        DataError: The input does not exist, or is not a regular file.
    """
    with open_binary(source) as file:
        status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise DataError(
            f"{source}: expected a file, since several processes read parts of it, found a pipe or device: write the "
            "text to a file first"
        )
    name = str(source.absolute()).encode("utf-8", "backslashreplace").decode()
    return name, status.st_size, status.st_mtime_ns


def text_hash(source: Path) -> str:
    """Hash of the text of a file, decompressed and without byte order mark."""
    digest = hashlib.sha256()
    with open_input(source) as file:
        for block in _blocks(raw_lines(file, str(source)), UNIT):
            digest.update(block[0])
    return digest.hexdigest()


def _offset_of_text(source: Path) -> int | None:
    """Offset of the first line in a file; None if the file is compressed."""
    with open_input(source) as file:
        if file.compression is not None:
            return None
        first = next(raw_lines(file, str(source)), b"")
    with open_binary(source) as plain:
        head = plain.read(len(BOM_UTF8) + len(first))
    offset = len(BOM_UTF8) if head.startswith(BOM_UTF8) else 0
    return offset if head[offset:].startswith(first) else None


def _cut(text: Path, size: int, offset: int) -> tuple[list[Chunk], str]:
    """Chunks of at most `size` lines, and the hash of the whole text."""
    chunks: list[Chunk] = []
    digest, line = hashlib.sha256(), 1
    with open_input(text) as file:
        for block, num_lines in _blocks(raw_lines(file, str(text)), size):
            sha256 = hashlib.sha256(block).hexdigest()
            chunks.append(Chunk(len(chunks), line, num_lines, offset, len(block), sha256))
            digest.update(block)
            line += num_lines
            offset += len(block)
    return chunks, digest.hexdigest()


def _unpack(source: Path, copy: Path) -> None:
    with open_input(source) as file, copy.open("wb") as unpacked:
        for block, _ in _blocks(raw_lines(file, str(source)), UNIT):
            unpacked.write(block)


def _blocks(lines: Iterator[bytes], size: int) -> Iterator[tuple[bytes, int]]:
    """Joins so many lines each; yields their bytes and their number."""
    while block := list(islice(lines, size)):
        yield b"".join(block), len(block)
