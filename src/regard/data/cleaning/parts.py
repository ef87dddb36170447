"""Stores the finished chunks of a long cleaning in numbered files, so that a killed process can be continued."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from regard.data.cleaning.source import unpacked
from regard.data.corpora.unit import Unit
from regard.errors import ConfigError, DataError
from regard.files.atomic import make_directory, remove, write_file, write_text
from regard.files.json_text import parse_json
from regard.files.locks import Lock
from regard.files.reading import read_bytes

_COMMAND = "command.json"
_MAX_BYTES = 1 << 20
_REMEDY = "remove the directory of this file to start the cleaning from the beginning"


@dataclass
class Tally:
    """Counts of the units (one sentence pair each) that were read, kept and dropped.

    Attributes:
        num_units: Number of units read.
        num_kept: Number of units kept.
        dropped: Number of units dropped, by name of the check.
    """

    num_units: int = 0
    num_kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Adds the counts of another tally to this one."""
        self.num_units += other.num_units
        self.num_kept += other.num_kept
        self.dropped.update(other.dropped)

    def drop(self, reason: str, number: int) -> None:
        """Counts units as dropped that were counted as kept, for a check that is applied after the others.

        Args:
            reason: Name of the check that drops the units.
            number: Number of units.
        """
        self.num_kept -= number
        if number:
            self.dropped[reason] += number


class Parts:
    """Directory in which a command stores its unfinished work, so that it can continue after a stop.

    The command cleans a corpus chunk by chunk. The result of each chunk is a part: a file of kept units, a file of
    rejects (dropped units), and a file of counts, which is written last. The directory is beside the output.

    Args:
        directory: Path of the directory; `claim` makes it.

    Attributes:
        directory: Path of the directory.
        lock: Lock that reserves the directory for one process.
        num_finished: Number of finished parts.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = Lock(directory)
        self.num_finished = 0

    def claim(self) -> None:
        """Makes the directory, and reserves it for this process.

        Raises:
            ConfigError: Another process works in the directory.
            CheckpointError: The directory cannot be made.
        """
        make_directory(self.directory)
        if not self.lock.claim():
            raise ConfigError(
                f"{self.directory}: expected no other process to write this output, found {self.lock.holder()}: wait "
                "for it, or choose another --out"
            )

    def resume(self, command: dict[str, object]) -> Tally:
        """Continues the unfinished work of a command, or begins its work in an empty directory.

        Args:
            command: The inputs and options on which the result depends, by name, as values that JSON can hold. They
                are stored, so that a later process can tell whether it runs the same command.

        Returns:
            Counts over all parts that an earlier process finished, which need not be made again.

        Raises:
            ConfigError: The directory holds the work of a command with other inputs or options.
            CheckpointError: A file cannot be read or written.
        """
        path = self.directory / _COMMAND
        if not path.exists():
            for old in self.directory.glob("part-*"):
                remove(old)
            write_text(path, json.dumps(command, indent=1, sort_keys=True))
            return Tally()
        stored = parse_json(read_bytes(path, max_bytes=_MAX_BYTES, remedy=_REMEDY), where=str(path), remedy=_REMEDY)
        _check_same(stored, json.loads(json.dumps(command)), self.directory)
        total = Tally()
        while (path := self._path(self.num_finished, "json")).exists():
            total.add(_read_tally(path))
            self.num_finished += 1
        return total

    def add(self, kept: bytes, rejects: bytes, tally: Tally) -> None:
        """Stores the results of the next chunk (a part) on disk, so that they survive a crash.

        Args:
            kept: The kept units of the part, each encoded as a line by `regard.data.cleaning.source.packed`.
            rejects: The dropped units of the part, as lines of the file of rejects.
            tally: Counts of the part.

        Raises:
            CheckpointError: A file cannot be written.
        """
        counts = {"units": tally.num_units, "kept": tally.num_kept, "dropped": tally.dropped}
        for suffix, content in (("kept", kept), ("rejects", rejects), ("json", json.dumps(counts).encode())):
            write_file(self._path(self.num_finished, suffix), _writer(content))
        self.num_finished += 1

    def any_on_disk(self) -> bool:
        """Whether the directory holds the result of a chunk of a corpus, of this command or of another."""
        return any(self.directory.glob("part-*.json"))

    def kept(self) -> Iterator[Unit]:
        """Reads the kept units (sentence pairs) of all finished chunks of the corpus.

        Yields:
            The units, in order.
        """
        yield from map(unpacked, self._lines("kept"))

    def reject_lines(self) -> Iterator[bytes]:
        """Reads the files of rejects (dropped pairs) of all finished chunks of the corpus.

        Yields:
            Their lines, with line ends, in the order of the corpus.
        """
        yield from self._lines("rejects")

    def discard(self) -> None:
        """Removes the directory with all parts.

        Raises:
            CheckpointError: The directory cannot be removed.
        """
        remove(self.directory / _COMMAND)  # first: without it, what a kill leaves of the rest is not continued
        remove(self.directory)

    def _lines(self, suffix: str) -> Iterator[bytes]:
        for number in range(self.num_finished):
            with self._path(number, suffix).open("rb") as file:
                yield from file

    def _path(self, number: int, suffix: str) -> Path:
        return self.directory / f"part-{number:06}.{suffix}"


def _writer(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _read_tally(path: Path) -> Tally:
    counts = parse_json(read_bytes(path, max_bytes=_MAX_BYTES, remedy=_REMEDY), where=str(path), remedy=_REMEDY)
    try:
        return Tally(int(counts["units"]), int(counts["kept"]), Counter(counts["dropped"]))  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        raise DataError(
            f"{path}: expected the numbers of pairs read, kept and dropped so far, found other JSON: {_REMEDY}"
        ) from None


def _check_same(stored: object, command: dict[str, object], directory: Path) -> None:
    if stored == command:
        return
    names = (
        sorted(command)
        if not isinstance(stored, dict)
        else sorted(key for key in {*stored, *command} if stored.get(key) != command.get(key))
    )
    raise ConfigError(
        f"{directory}: expected the unfinished work of this command, found that of an earlier command, which differs "
        f"in {', '.join(names)}: run the earlier command again to continue its work, or remove the directory to start "
        "from the beginning"
    )
