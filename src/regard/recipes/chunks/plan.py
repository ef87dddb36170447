"""The plan of a job: the input cut into numbered chunks of lines, by byte ranges, each with its hash."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from regard.errors import CheckpointError, DataError
from regard.files.atomic import write_file, write_shared_text
from regard.files.compression import open_binary, open_input
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes
from regard.recipes.chunks.made_text import MadeText
from regard.text.readers import raw_lines

UNIT = 1000
"""Chunks have a multiple of so many lines: `Translator.translate_lines` translates so many together."""
_MAX_UNITS, _BYTES_PER_UNIT = 10, 200_000_000
# Units per chunk grow with the input, one per 200 MB, so that a store has a bounded number of files.
_FORMAT = 2
_MAX_MANIFEST_BYTES = 1 << 30

FileStatus = tuple[str, int, int]
"""Path, size in bytes, and time of change in nanoseconds of an input file."""


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
    """How an input is divided into chunks, and what determines their results.

    Attributes:
        identity: Everything besides the input that determines the output, by name, such as the hash of the model.
        input: Path, size in bytes, and time of change in nanoseconds of each input file.
        sha256: Hash of the decompressed text.
        is_copied: Whether the chunks are read from a copy, because the input is compressed or made from files.
        chunks: The chunks, in the order of the text.
    """

    identity: dict[str, str]
    input: tuple[FileStatus, ...]
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
            "input": [list(status) for status in self.input],
            "sha256": self.sha256,
            "is_copied": self.is_copied,
            "chunks": rows,
        }
        write_shared_text(path, json.dumps(tree) + "\n")


def make_plan(source: Path | MadeText, identity: dict[str, str], copy: Path) -> Plan:
    """Reads the input once, and divides it into chunks.

    Args:
        source: The input: a text file, which may be compressed, or lines that are made from files.
        identity: Everything besides the input that determines the output, by name, such as the hash of the model.
        copy: Path for a copy of the text, which is written only if `source` is compressed or made from files.

    Returns:
        The plan.

    Raises:
        DataError: The input is not a regular file, or not text.
        CheckpointError: The copy cannot be written.
    """
    status = input_status(source)
    unit = source.unit if isinstance(source, MadeText) else UNIT
    size = unit * min(_MAX_UNITS, 1 + sum(num_bytes for _, num_bytes, _ in status) // _BYTES_PER_UNIT)
    offset = None if isinstance(source, MadeText) else _offset_of_text(source)
    if offset is not None:
        chunks, sha256 = _cut(_lines(source), size, offset)
        return Plan(identity, status, sha256, False, tuple(chunks))
    write_file(copy, lambda temporary: _copy(source, temporary))
    with open_binary(copy) as file:
        chunks, sha256 = _cut(file, size, 0)
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
                f"{path}: expected file format {_FORMAT}, found {str(tree['format'])[:20]}: continue with the version "
                f"of regard that started this job, or {remedy}"
            )
        chunks, line = [], 1
        for number, (num_lines, start, size, sha256) in enumerate(tree["chunks"]):
            chunks.append(Chunk(number, line, int(num_lines), int(start), int(size), str(sha256)))
            line += int(num_lines)
        identity = {str(name): str(value) for name, value in tree["identity"].items()}
        status = tuple((str(name), int(num_bytes), int(changed)) for name, num_bytes, changed in tree["input"])
        plan = Plan(identity, status, str(tree["sha256"]), bool(tree["is_copied"]), tuple(chunks))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CheckpointError(
            f"{path}: expected regard's list of the chunks of an input file, found something else: {remedy}"
        ) from None
    return plan, hashlib.sha256(data).hexdigest()


def input_status(source: Path | MadeText) -> tuple[FileStatus, ...]:
    """Path, size and time of change of each input file, which show without reading whether a file has changed.

    Args:
        source: The input: a text file, or lines that are made from files.

    Returns:
        `(path, size in bytes, time of change in nanoseconds)` of each file; bytes of the path that are not UTF-8 are
        escaped.

    Raises:
        DataError: A file does not exist, or is not a regular file.
    """
    return tuple(map(_status, source.files if isinstance(source, MadeText) else (source,)))


def _status(source: Path) -> FileStatus:
    with open_binary(source) as file:
        status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise DataError(
            f"{source}: expected a file, since several processes read parts of it, found a pipe or device: write the "
            "text to a file first"
        )
    name = str(source.absolute()).encode("utf-8", "backslashreplace").decode()
    return name, status.st_size, status.st_mtime_ns


def text_hash(source: Path | MadeText) -> str:
    """SHA-256 hash of the text of an input, decompressed and without byte order mark."""
    return _cut(_lines(source), UNIT, 0)[1]


def _lines(source: Path | MadeText) -> Iterator[bytes]:
    if isinstance(source, MadeText):
        yield from source.lines()
        return
    with open_input(source) as file:
        yield from raw_lines(file, str(source))


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


def _cut(lines: Iterable[bytes], size: int, offset: int) -> tuple[list[Chunk], str]:
    """Chunks of at most `size` lines, and the hash of the whole text."""
    chunks: list[Chunk] = []
    digest, line = hashlib.sha256(), 1
    for block, num_lines in _blocks(lines, size):
        sha256 = hashlib.sha256(block).hexdigest()
        chunks.append(Chunk(len(chunks), line, num_lines, offset, len(block), sha256))
        digest.update(block)
        line += num_lines
        offset += len(block)
    return chunks, digest.hexdigest()


def _copy(source: Path | MadeText, copy: Path) -> None:
    with copy.open("wb") as file:
        file.writelines(_lines(source))


def _blocks(lines: Iterable[bytes], size: int) -> Iterator[tuple[bytes, int]]:
    """Joins so many lines each; yields their bytes and their number."""
    lines = iter(lines)
    while block := list(islice(lines, size)):
        yield b"".join(block), len(block)
