"""The store of a job: a directory beside the output with the job's plan and the results of finished chunks.

A result is one file, written under another name, synced and renamed, so a file that exists is complete. Its first line
contains a hash of the rest, so damage is noticed. Any number of processes on any number of machines may use the same
store at the same time. A process locks (claims) a chunk, so that no other process computes the same chunk.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.errors import CheckpointError, ConfigError, DataError, RegardError
from regard.files.atomic import remove, write_shared_text
from regard.files.compression import open_binary
from regard.files.json_text import parse_json
from regard.files.locks import Lock
from regard.files.reading import read_bytes
from regard.recipes.chunks.made_text import MadeText
from regard.recipes.chunks.plan import Chunk, FileStatus, input_status, make_plan, read_plan, text_hash

SUFFIX = ".chunks"
"""What is added to the name of the output to get the name of its store."""
_MANIFEST, _COPY, _LOCKS = "manifest.json", "input.txt", "locks"
_POLL_SECONDS = 0.2
_MAX_RESULT_BYTES = 1 << 34

OutputLine = tuple[str, Sequence[str]]
"""The output line for an input line, without line end, and warnings for the user."""
OptionalLine = tuple[str | None, Sequence[str]]
"""An `OutputLine`, or None instead of the line if nothing is written; a line with line ends in it becomes several."""
LineFunction = Callable[[Sequence[bytes], int], Iterable[OptionalLine]]
"""Maps lines of the input, as bytes without line ends, and the number of the first one to one output line each."""


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """The result of a chunk.

    Attributes:
        text: The output lines of all lines of the chunk, with line ends, as UTF-8.
        warnings: Warnings for the user.
    """

    text: bytes
    warnings: tuple[str, ...]


class ChunkStore:
    """An existing store: the directory with the plan of a job and the results of its finished chunks.

    Args:
        directory: Directory of the store.
        source: The input file, which is read if the store has no copy of the text.

    Attributes:
        plan: The plan of the job.
        plan_id: Hash that identifies the plan.

    Raises:
        CheckpointError: The directory does not contain a plan, or the plan is damaged.
    """

    def __init__(self, directory: Path, source: Path) -> None:
        self.directory, self.source = directory, source
        self.plan, self.plan_id = read_plan(directory / _MANIFEST)
        self._text = directory / _COPY if self.plan.is_copied else source

    def exists(self) -> bool:
        """Whether the directory of the store still exists; the process that completes the job removes it."""
        return has_store(self.directory)

    def claim(self, name: str, *, patience: float = 0.0) -> Lock | None:
        """Tries to acquire a lock of this store, which only one process can hold at a time.

        Args:
            name: Name of the lock, such as `assembly` for the lock on writing the output.
            patience: Seconds without a heartbeat after which a holder on another machine counts as dead; 0 = compare
                the time of the last heartbeat with this machine's clock.

        Returns:
            The lock; None if another process holds it, or the store was removed.

        Raises:
            CheckpointError: The directory cannot be written.
        """
        lock = Lock(self.directory / _LOCKS / name)
        if not self.exists():
            return None
        try:
            is_claimed = lock.claim(patience=patience)
        except CheckpointError:
            if self.exists():
                raise
            return None
        if self.exists():
            return lock if is_claimed else None
        self._remove_claim(lock)
        return None

    def _remove_claim(self, lock: Lock) -> None:
        """Removes the directories that a claim made again after the store had been removed."""
        remove(lock.directory)
        with suppress(OSError):  # not empty: others do the same, or begin a new job
            for directory in lock.directory.parents:
                if not directory.is_relative_to(self.directory):
                    break
                directory.rmdir()

    def has_result(self, chunk: Chunk) -> bool:
        """Whether a chunk has a result file, whose content is not checked."""
        return self._result_path(chunk).exists()

    def read_result(self, chunk: Chunk) -> ChunkResult | None:
        """Reads and checks the result of a chunk.

        Args:
            chunk: The chunk.

        Returns:
            The result; None if there is none, or if it was damaged or belonged to another plan and has been removed.

        Raises:
            CheckpointError: A damaged result cannot be removed.
        """
        path = self._result_path(chunk)
        if not path.exists():
            return None
        with suppress(RegardError, KeyError, TypeError, ValueError):
            data = read_bytes(path, max_bytes=_MAX_RESULT_BYTES, remedy="")
            header, _, text = data.partition(b"\n")
            fields: Any = parse_json(header, where=str(path), remedy="")
            is_whole = fields["sha256"] == hashlib.sha256(text).hexdigest()
            if is_whole and fields["plan"] == self.plan_id and fields["num_lines"] == chunk.num_lines:
                return ChunkResult(text, tuple(map(str, fields["warnings"])))
        remove(path)
        return None

    def compute(self, chunk: Chunk, function: LineFunction, *, patience: float = 0.0) -> bool:
        """Locks a chunk that has no result, processes its lines, and writes the result.

        Args:
            chunk: The chunk.
            function: Function from the lines, and the number of the first line, to an output line per line.
            patience: Seconds without a heartbeat after which a process on another machine that has locked the chunk
                counts as dead; 0 = compare the time of the last heartbeat with this machine's clock.

        Returns:
            Whether the chunk has a result now; False if another process has locked it, or the store was removed.

        Raises:
            DataError: The input has changed since the plan was made.
            CheckpointError: The result cannot be written.
        """
        if self.has_result(chunk):
            return True
        lock = self.claim(_numbered(chunk.number), patience=patience)
        if lock is None:
            return False
        with lock.held() as lost:
            if self.has_result(chunk):
                return True
            lines = list(function(self._read_lines(chunk), chunk.first_line))
            if len(lines) != chunk.num_lines:
                raise AssertionError(
                    f"chunk {chunk.number} of {chunk.num_lines} lines has {len(lines)} output lines: `function` must "
                    "return one per input line"
                )
            if lost.is_set() or not self.exists():
                return False
            self._write(chunk, lines)
        return True

    def _write(self, chunk: Chunk, lines: list[OptionalLine]) -> None:
        text = "".join(f"{line}\n" for line, _ in lines if line is not None)
        header = {
            "plan": self.plan_id,
            "num_lines": len(lines),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "warnings": [warning for _, warnings in lines for warning in warnings],
        }
        write_shared_text(self._result_path(chunk), f"{json.dumps(header)}\n{text}")

    def _read_lines(self, chunk: Chunk) -> list[bytes]:
        with open_binary(self._text) as file:
            file.seek(chunk.start)
            data = file.read(chunk.size)
        if hashlib.sha256(data).hexdigest() != chunk.sha256:
            raise DataError(
                f"{self._text}: has changed since it was divided into chunks (at lines {chunk.first_line:,} to "
                f"{chunk.first_line + chunk.num_lines - 1:,}): restore it, or remove the directory {self.directory} to "
                "start over"
            )
        lines = data.split(b"\n")
        return lines if lines[-1] else lines[:-1]

    def _result_path(self, chunk: Chunk) -> Path:
        return self.directory / f"{_numbered(chunk.number)}.result"


def store_directory(output: Path) -> Path:
    """Path of the chunk store of an output file: the file's path, with symbolic links resolved, plus `.chunks`."""
    target = Path(os.path.realpath(output))
    return target.with_name(target.name + SUFFIX)


def has_store(directory: Path) -> bool:
    """Whether a directory is the store of an unfinished job (holds its results); completed jobs remove their store."""
    return (directory / _MANIFEST).exists()


def open_store(source: Path | MadeText, output: Path, identity: dict[str, str]) -> ChunkStore:
    """Opens the chunk store of an output file, or creates it with a plan of the chunks.

    If several processes call this function at the same time, only one of them makes the plan.

    Args:
        source: The input: a text file, or lines that are made from files.
        output: The output file.
        identity: Everything besides the input that determines the output, by name; see `Plan`.

    Returns:
        The store of the job.

    Raises:
        DataError: The input is not a regular text file, or its lines cannot be made.
        ConfigError: An option for making the lines is invalid.
        CheckpointError: The store cannot be written or is damaged, or was made for another input or identity.
    """
    directory = store_directory(output)
    status = input_status(source)
    lock = Lock(directory / _LOCKS / "plan")
    while not (directory / _MANIFEST).exists():
        if not lock.claim():
            time.sleep(_POLL_SECONDS)
            continue
        with lock.held():
            if not (directory / _MANIFEST).exists():
                try:
                    make_plan(source, identity, directory / _COPY).write(directory / _MANIFEST)
                except (ConfigError, DataError):
                    remove(directory)
                    raise
    store = ChunkStore(directory, source.files[0] if isinstance(source, MadeText) else source)
    if changes := _changes(store, source, status, identity):
        raise CheckpointError(
            f"{store.directory}: holds results of an unfinished command with other options or input "
            f"({'; '.join(changes)}): repeat that command to complete it, choose another --output, or remove this "
            "directory to start over"
        )
    return store


def _changes(
    store: ChunkStore, source: Path | MadeText, status: tuple[FileStatus, ...], identity: dict[str, str]
) -> list[str]:
    """What distinguishes a job from that of a store, for the user."""
    found = store.plan.identity
    changes = [
        f"{name}: {found.get(name, 'none')} there, {identity.get(name, 'none')} now"
        for name in sorted(found.keys() | identity.keys())
        if found.get(name) != identity.get(name)
    ]
    if status != store.plan.input and text_hash(source) != store.plan.sha256:
        changes.append("another input text")
    return changes


def _numbered(number: int) -> str:
    """Path of a chunk's files, with at most 1,000 chunks per directory."""
    return f"{number // 1000:04}/{number:07}"
