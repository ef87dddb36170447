"""Numbered finished parts of long work, so that a killed process continues after the last of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from regard.cleaning.source import unpacked
from regard.corpora.unit import Unit
from regard.errors import ConfigError, DataError
from regard.files.atomic import make_directory, remove, write_file, write_text
from regard.files.json_text import parse_json
from regard.files.locks import Lock
from regard.files.reading import read_bytes

_COMMAND = "command.json"
_MAX_BYTES = 1 << 20
_REMEDY = "remove the directory to start from the beginning"


@dataclass
class Tally:
    """What was done with a number of units.

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
        """Counts units that were kept before as dropped.

        Args:
            reason: Name of the check.
            number: Number of units.
        """
        self.num_kept -= number
        if number:
            self.dropped[reason] += number


class Parts:
    """The finished parts of one command in a directory beside its output.

    Each part has a file of kept units, a file of rejects, and a tally, which is written last.

    Args:
        directory: The directory; it is made by `claim`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = Lock(directory)
        self.num_finished = 0

    def claim(self) -> None:
        """Makes the directory, and reserves it for this process.

        Raises:
            ConfigError: Another process works in it.
            CheckpointError: It cannot be made.
        """
        make_directory(self.directory)
        if not self.lock.claim():
            raise ConfigError(
                f"{self.directory}: expected no other process to write this output, found {self.lock.holder()}: wait "
                "for it, or choose another --out"
            )

    def resume(self, command: dict[str, object]) -> Tally:
        """Continues the work of a command, or begins it.

        Args:
            command: What the result depends on; values as JSON has them.

        Returns:
            Counts of all finished parts.

        Raises:
            ConfigError: The directory holds the work of another command.
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
        """Stores the next part durably.

        Args:
            kept: Content of the file of kept units.
            rejects: Content of the file of rejects.
            tally: Counts of the part.

        Raises:
            CheckpointError: A file cannot be written.
        """
        counts = {"units": tally.num_units, "kept": tally.num_kept, "dropped": tally.dropped}
        for suffix, content in (("kept", kept), ("rejects", rejects), ("json", json.dumps(counts).encode())):
            write_file(self._path(self.num_finished, suffix), _writer(content))
        self.num_finished += 1

    def any_on_disk(self) -> bool:
        """Whether the directory holds a finished part, of this command or of another."""
        return any(self.directory.glob("part-*.json"))

    def kept(self) -> Iterator[Unit]:
        """Reads the kept units of all finished parts.

        Yields:
            The units, in order.
        """
        yield from map(unpacked, self._lines("kept"))

    def reject_lines(self) -> Iterator[bytes]:
        """Reads the files of rejects of all finished parts.

        Yields:
            Their lines, with line ends.
        """
        yield from self._lines("rejects")

    def discard(self) -> None:
        """Removes the directory with all parts.

        Raises:
            CheckpointError: It cannot be removed.
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
        raise DataError(f"{path}: expected the counts of a part, found something else: {_REMEDY}") from None


def _check_same(stored: object, command: dict[str, object], directory: Path) -> None:
    if stored == command:
        return
    names = (
        sorted(command)
        if not isinstance(stored, dict)
        else sorted(key for key in {*stored, *command} if stored.get(key) != command.get(key))
    )
    raise ConfigError(
        f"{directory}: expected the unfinished work of the same command, found that of another, which differs in "
        f"{', '.join(names)}: run the same command again to continue it, or remove the directory to start from the "
        "beginning"
    )
