"""The files of the corpora of a training: their sizes, times and hashes, to tell whether they have changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from regard.config.schema import CorpusConfig
from regard.data.prepared.corpus import file_hash
from regard.data.prepared.manifest import SourceFile
from regard.errors import DataError

_REMEDY = "check the path and the permissions"


def total_size(entries: Sequence[CorpusConfig]) -> int:
    """Total size in bytes of the text files of all corpora.

    Args:
        entries: Options of the corpora, with the paths of their files.

    Returns:
        The sum; 0 if a file is missing, or is not a regular file, such as a pipe.
    """
    sizes = []
    for path in _named(entries):
        try:
            sizes += [_regular_size(file) for file in _files(path)]
        except OSError:
            return 0
    return sum(sizes) if sizes and min(sizes) >= 0 else 0


def file_states(entries: Sequence[CorpusConfig]) -> list[tuple[str, int, int]]:
    """Path, size and time of last change of every text file of all corpora.

    Args:
        entries: Options of the corpora, with the paths of their files or directories.

    Returns:
        Absolute path, size in bytes, and time in nanoseconds of each file, in the order of the corpora; the files of a
        directory are sorted by path.

    Raises:
        DataError: A file is missing.
    """
    states = []
    for path in _named(entries):
        try:
            files = list(_files(path))
            status = [file.stat() for file in files]
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}: {_REMEDY}") from None
        states += [
            (os.path.abspath(file), each.st_size, each.st_mtime_ns) for file, each in zip(files, status, strict=True)
        ]
    return states


def hash_files(states: Sequence[tuple[str, int, int]]) -> tuple[SourceFile, ...]:
    """Computes the SHA-256 of the content of files.

    Args:
        states: Path, size and time of last change of each file, from `file_states`.

    Returns:
        The same for each file, with its SHA-256.

    Raises:
        CheckpointError: A file cannot be read.
    """
    return tuple(SourceFile(path, size, time, file_hash(Path(path), _REMEDY)) for path, size, time in states)


def are_same(known: Sequence[SourceFile], entries: Sequence[CorpusConfig], *, by_content: bool = False) -> bool:
    """Whether the text files of corpora have not changed since they were read.

    A file with the same path, size and time of last change counts as unchanged. If only its path or its time differs,
    its hash decides. If a file is missing, nothing is compared and the result is True, because prepared text can be
    copied to a machine without the original files.

    Args:
        known: Path, size, time and hash of each file when it was read.
        entries: Options of the corpora, with the present paths of their files.
        by_content: Whether to compare all hashes, even if path, size and time are the same.

    Returns:
        True if no file has changed, or a file is missing.

    Raises:
        CheckpointError: A file cannot be read.
    """
    if not all(path.exists() for path in _named(entries)):
        return True
    states = file_states(entries)
    if len(states) != len(known):
        return False
    for file, (path, size, time) in zip(known, states, strict=True):
        if size != file.size:
            return False
        is_sure = (path, time) == (file.path, file.mtime_ns) and not by_content
        if not is_sure and file_hash(Path(path), _REMEDY) != file.sha256:
            return False
    return True


def _named(entries: Sequence[CorpusConfig]) -> Iterator[Path]:
    for entry in entries:
        yield Path(entry.src)
        if entry.tgt is not None:
            yield Path(entry.tgt)


def _files(path: Path) -> Iterator[Path]:
    """The file itself, or the files in a directory."""
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    else:
        yield path


def _regular_size(path: Path) -> int:
    status = path.stat()
    return status.st_size if stat.S_ISREG(status.st_mode) else -1
