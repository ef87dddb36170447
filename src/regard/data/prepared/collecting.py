"""Reads corpora once, in constant memory, and writes their normalized text in parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from regard.data.corpora.line_ranges import LineRange, PairedLines, UnreadableRangeError
from regard.data.corpora.unit import Unit, UnitReader
from regard.data.prepared.array_file import ArrayFile
from regard.data.prepared.pool import Message, WorkerPool
from regard.data.prepared.text_part import PART_SIZE, REMEDY, PartWriter
from regard.errors import CheckpointError, DataError
from regard.files.atomic import write_text
from regard.text.normalize import normalize

_AT_ONCE = 4096


@dataclass
class CollectedPart:
    """A file with a part of the normalized text of a corpus; see `regard.data.prepared.text_part`.

    Attributes:
        path: Path of the file.
        corpus: Number of the corpus, from 0.
        num_units: Number of pairs that were read for the part, including those left out.
        num_pairs: Number of pairs with text on both sides, which the part contains.
        num_chars: Two numbers: the source and the target characters.
        num_equal: Number of pairs with the same text on both sides.
        num_without_letters: Two numbers: the sources and the targets without a letter.
    """

    path: Path
    corpus: int
    num_units: int
    num_pairs: int
    num_chars: list[int]
    num_equal: int
    num_without_letters: list[int]


@dataclass(frozen=True, slots=True)
class RangeTask:
    """A range of lines that a worker process reads, normalizes, and writes to a file (a part).

    Attributes:
        path: Path of the part to write.
        job: Hash of the files and options of reading, as from `range_job`; it is stored in the part.
        corpus: Number of the corpus, from 0.
        files: Source and target file.
        is_moses: Whether the escapes of Moses are undone.
        lines: The range.
    """

    path: Path
    job: str
    corpus: int
    files: tuple[Path, Path]
    is_moses: bool
    lines: LineRange

    def to_message(self) -> Message:
        """The task as values that JSON can hold."""
        paths = {"path": str(self.path), "files": list(map(str, self.files))}
        return {**paths, "job": self.job, "corpus": self.corpus, "is_moses": self.is_moses, "lines": asdict(self.lines)}


@dataclass
class Collector:
    """Writes the normalized text of corpora to files (parts), and skips those that an earlier process has written.

    Attributes:
        directory: Directory of the parts.
        job: Hash of the files and options of reading, stored in the parts.
        parts: The parts so far, of all corpora.
    """

    directory: Path
    job: str
    parts: list[CollectedPart] = field(default_factory=list)

    def collect(self, reader: UnitReader, corpus: int) -> Iterator[int]:
        """Reads a corpus, and writes its normalized pairs to text parts: files of up to `PART_SIZE` pairs.

        Pairs with an empty side are left out. The parts are added to `parts`.

        Args:
            reader: Reader of the corpus.
            corpus: Number of the corpus, from 0.

        Yields:
            Number of pairs read so far, after every few thousand.

        Raises:
            DataError: The corpus cannot be read, or changed while it was read.
            CheckpointError: The file of a part cannot be written.
        """
        units = reader.units()
        num_read = 0
        while True:
            path = self._path(len(self.parts))
            part = finished_part(path, self.job, corpus)
            if part is not None:
                num_skipped = sum(1 for _ in islice(units, part.num_units))
                num_read += num_skipped
                yield num_read
                if num_skipped != part.num_units:
                    raise DataError(f"{reader.name}: the text changed while it was read: run the command again")
                self.parts.append(part)
                if part.num_units < PART_SIZE:
                    return
                continue
            for number in self._write(units, path, corpus):
                yield num_read + number
            if not self.parts or self.parts[-1].path != path:
                return
            num_read += self.parts[-1].num_units
            if self.parts[-1].num_units < PART_SIZE:
                return

    def collect_ranges(self, lines: PairedLines, corpus: int, pool: WorkerPool) -> Iterator[tuple[int, int]]:
        """Does the same as `collect`, but in worker processes, each of which reads one range of lines after another.

        The parts (files of text) hold the same bytes as those of `collect`, except for the stored hash, which is that
        of `range_job`.

        Args:
            lines: The files of the corpus.
            corpus: Number of the corpus, from 0.
            pool: The worker processes; each carries out one `RangeTask` at a time.

        Yields:
            Number of pairs, and number of bytes, read so far.

        Raises:
            UnreadableRangeError: The text has faults, which only `collect` can report or leave out. Nothing is added to
                `parts`.
            DataError: The corpus cannot be read, or changed while it was read.
            CheckpointError: The file of a part cannot be written.
        """
        memo = self.directory / f"corpus-{corpus}.whole"
        with suppress(OSError):
            if memo.read_text(encoding="utf-8") == self.job:  # an earlier process found out that it has faults
                raise UnreadableRangeError
        try:
            yield from self._collect_ranges(lines, corpus, pool)
        except UnreadableRangeError:
            write_text(memo, self.job)
            raise

    def _collect_ranges(self, lines: PairedLines, corpus: int, pool: WorkerPool) -> Iterator[tuple[int, int]]:
        job, first = range_job(self.job), len(self.parts)
        ranges: list[LineRange] = []
        parts: dict[int, CollectedPart] = {}

        def tasks() -> Iterator[Message]:
            for number, part in enumerate(lines.ranges(PART_SIZE)):
                ranges.append(part)
                path = self._path(first + number)
                yield RangeTask(path, job, corpus, lines.paths, lines.is_moses, part).to_message()

        num_read = num_bytes = 0
        for number, answer in pool.answers(tasks()):
            path = self._path(first + number)
            if not answer["is_clean"]:
                raise UnreadableRangeError
            part = finished_part(path, job, corpus)
            if part is None or part.num_units != ranges[number].num_lines:
                raise CheckpointError(f"{path}: damaged right after it was written: check the disk, and {REMEDY}")
            parts[number] = part
            num_read += part.num_units
            num_bytes += sum(ranges[number].ends) - sum(ranges[number].starts)
            yield num_read, num_bytes
        self.parts += [parts[number] for number in range(len(parts))]

    def _path(self, number: int) -> Path:
        return self.directory / f"text-{number:05}.safetensors"

    def _write(self, units: Iterator[Unit], path: Path, corpus: int) -> Iterator[int]:
        num_units = 0
        for num_units in write_part(islice(units, PART_SIZE), path, self.job, corpus):
            yield num_units
        if num_units:
            part = finished_part(path, self.job, corpus)
            if part is None:
                raise CheckpointError(f"{path}: damaged right after it was written: check the disk, and {REMEDY}")
            self.parts.append(part)


def write_part(units: Iterable[tuple[str, str, int]], path: Path, job: str, corpus: int) -> Iterator[int]:
    """Normalizes sentence pairs, and writes those with text on both sides to a file, unless there are none at all.

    Args:
        units: Source, target and number of the line of each pair, at most `PART_SIZE` pairs.
        path: Path of the file.
        job: Hash of the files and options of reading, stored in the part.
        corpus: Number of the corpus, from 0.

    Yields:
        Number of pairs read so far, after every few thousand.

    Raises:
        CheckpointError: The file cannot be written.
    """
    writer, num_units, units = PartWriter(path), 0, iter(units)
    while block := list(islice(units, _AT_ONCE)):
        writer.add([(normalize(src), normalize(tgt), line) for src, tgt, line in block])
        num_units += len(block)
        yield num_units
    if num_units:
        writer.write(job=job, corpus=corpus, num_units=num_units, num_pairs=len(writer))


def finished_part(path: Path, job: str, corpus: int) -> CollectedPart | None:
    """Reads the counts of a part (a file of normalized text) if it was written by an earlier call.

    Args:
        path: Path of the file.
        job: Hash of the files and options of reading that must be stored in it.
        corpus: Number of its corpus, from 0.

    Returns:
        The part; None if the file is missing or damaged, or was written for another hash or corpus.
    """
    if not path.exists():
        return None
    try:
        file = ArrayFile(path, remedy=REMEDY)
        stored: dict[str, Any] = file.metadata
        file.close()
        if stored["job"] != job or stored["corpus"] != corpus:
            return None
        return CollectedPart(
            path,
            corpus,
            int(stored["num_units"]),
            int(stored["num_pairs"]),
            [int(number) for number in stored["num_chars"]],
            int(stored["num_equal"]),
            [int(number) for number in stored["num_without_letters"]],
        )
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None  # it is written again


def range_job(job: str) -> str:
    """Hash to store in parts (files of text) that were read in ranges of lines.

    Args:
        job: Hash of the files and options of reading, which is stored in other parts.

    Returns:
        A hash computed from `job`, which tells these parts from the others.
    """
    return hash_of([job, "ranges"])


def collect_range(task: RangeTask) -> bool:
    """Reads a range of lines, and writes them normalized to a file (a part), unless this was done before.

    Args:
        task: The range, and the path of the part.

    Returns:
        Whether the range could be read, so that the part exists.

    Raises:
        DataError: A file cannot be read.
        CheckpointError: The part cannot be written.
    """
    if finished_part(task.path, task.job, task.corpus) is not None:
        return True
    units = PairedLines(task.files, is_moses=task.is_moses).read(task.lines)
    try:
        for _ in write_part(units, task.path, task.job, task.corpus):
            pass
    except UnreadableRangeError:
        return False
    return True


def hash_of(values: object) -> str:
    """SHA-256 of values that JSON can hold, in hexadecimal."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
