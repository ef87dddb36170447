"""Joins the results of all chunks in order into the output file, and removes the directory of these results."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from regard.errors import CheckpointError
from regard.files.atomic import PENDING, move, named_errors, remove
from regard.files.compressed_output import compressor_of
from regard.recipes.chunks.store import ChunkStore
from regard.train.interrupt import Interrupt

_OLD = ".old"
_POLL_SECONDS = 0.2


class _DamagedError(Exception):
    """The result of a chunk is missing or damaged."""


def check_output(output: Path) -> None:
    """Checks that the output file can be written, before any chunk is processed.

    Args:
        output: Path of the output file.

    Raises:
        ConfigError: The package for .zst files is not installed.
        CheckpointError: The path is a directory or device, is write-protected, or its directory does not exist.
    """
    compressor_of(output)  # the package for .zst files is needed at the end
    target = Path(os.path.realpath(output))
    if target.exists() and not target.is_file():
        raise CheckpointError(
            f"{output}: expected the path of a regular file or of a new file, found a directory, device or pipe: "
            "choose another path"
        )
    if not target.parent.is_dir():
        raise CheckpointError(f"{output}: cannot be written: its directory does not exist; choose another path")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise CheckpointError(f"{output}: cannot be written: it is write-protected; choose another path")


def assemble(store: ChunkStore, output: Path, report: Callable[[str], None], interrupt: Interrupt) -> bool:
    """Writes the output file atomically from the results of all chunks, then removes the store.

    If another process is writing the same output, waits until that process has finished.

    Args:
        store: Directory with the results of the job, in which all chunks have results.
        output: Path of the output file, which is compressed if its suffix is `.gz`, `.bz2`, `.xz` or `.zst`.
        report: Called with each warning, in the order of the lines.
        interrupt: Checked while waiting for another process.

    Returns:
        True if the output is complete; False if a stop was requested, or if a chunk's result was missing or damaged. A
        damaged result has been removed, so that the chunk can be processed again.

    Raises:
        CheckpointError: The output cannot be written.
    """
    while store.exists() and not interrupt.requested:
        lock = store.claim("assembly")
        if lock is None:
            time.sleep(_POLL_SECONDS)
            continue
        with lock.held():
            try:
                _write(store, output, report)
            except _DamagedError:
                return False
            _remove_store(store)
            return True
    if not interrupt.requested and not output.exists():
        raise CheckpointError(
            f"{store.directory}: another program removed this directory of chunk results before the output was "
            "written: run the command again"
        )
    return not interrupt.requested


def _write(store: ChunkStore, output: Path, report: Callable[[str], None]) -> None:
    target = Path(os.path.realpath(output))
    temporary = store.directory / f"{uuid4().hex}{PENDING}"
    warnings: list[str] = []
    compressor = compressor_of(output)
    try:
        with named_errors(output):
            with temporary.open("wb") as file:
                if compressor is None:
                    _copy(store, file, warnings)
                else:
                    with compressor(file) as packed:
                        _copy(store, packed, warnings)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o7777)
        move(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    for warning in warnings:
        report(warning)


def _copy(store: ChunkStore, file: BinaryIO, warnings: list[str]) -> None:
    for chunk in store.plan.chunks:
        result = store.read_result(chunk)  # which checks hash and number of lines
        if result is None:
            raise _DamagedError
        file.write(result.text)
        warnings.extend(result.warnings)


def _remove_store(store: ChunkStore) -> None:
    """Renames the store, then removes it: a process that looks for it finds all of it or nothing."""
    old = store.directory.with_name(store.directory.name + _OLD)
    remove(old)  # of a process that was killed here
    move(store.directory, old)
    remove(old)
