"""Reads corpora once, in constant memory, and writes their normalized text in parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from regard.corpora.unit import Unit, UnitReader
from regard.data.prepared.array_file import ArrayFile
from regard.data.prepared.text_part import PART_SIZE, REMEDY, PartWriter
from regard.errors import CheckpointError, DataError
from regard.text.normalize import normalize
from regard.values import Pair

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


@dataclass
class Collector:
    """Writes the text of corpora in parts, and skips the parts that an earlier process has written.

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
            path = self.directory / f"text-{len(self.parts):05}.safetensors"
            part = self._finished(path, corpus)
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

    def _write(self, units: Iterator[Unit], path: Path, corpus: int) -> Iterator[int]:
        writer, num_units, num_pairs = PartWriter(path), 0, 0
        while block := list(islice(units, min(_AT_ONCE, PART_SIZE - num_units))):
            pairs = [Pair(normalize(src), normalize(tgt), line) for src, tgt, line in block]
            kept = [pair for pair in pairs if pair.src and pair.tgt]
            writer.add(kept)
            num_units += len(block)
            num_pairs += len(kept)
            yield num_units
        if num_units:
            writer.write(job=self.job, corpus=corpus, num_units=num_units, num_pairs=num_pairs)
            part = self._finished(path, corpus)
            if part is None:
                raise CheckpointError(f"{path}: damaged right after it was written: check the disk, and {REMEDY}")
            self.parts.append(part)

    def _finished(self, path: Path, corpus: int) -> CollectedPart | None:
        """The part in a file; None if there is none, or one of another text."""
        if not path.exists():
            return None
        try:
            file = ArrayFile(path, remedy=REMEDY)
            stored: dict[str, Any] = file.metadata
            file.close()
            if stored["job"] != self.job or stored["corpus"] != corpus:
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


def hash_of(values: object) -> str:
    """SHA-256 of values that JSON can hold, in hexadecimal."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
