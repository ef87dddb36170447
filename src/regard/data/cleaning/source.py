"""A corpus that is read several times: once for a sample, and then to clean, split or inspect it."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from regard.data.cleaning.check import SAMPLE_SIZE
from regard.data.cleaning.faults import FaultLog
from regard.data.corpora.formats import FORMATS, HEAD_SIZE, detect_format, open_corpus
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit, UnitReader
from regard.errors import DataError
from regard.files.atomic import named_errors
from regard.files.compression import open_input, without_compression_suffix
from regard.values import Pair

PROGRESS_UNITS = 5_000
"""Number of units between two reports of progress."""
_MAX_SAMPLED = 2_000
# Characters of a side beyond which a pair is not sampled: such a pair is no example of what is usual.

Progress = Callable[[str, int, "float | None"], None]
"""Receives what is being done, such as `reading`, the number of pairs done, and the fraction done if it is known."""


def no_progress(stage: str, done: int, fraction: float | None) -> None:
    """Does nothing; the default of arguments named `progress`.

    Args:
        stage: What is being done, such as `reading`.
        done: Number of pairs done.
        fraction: Fraction done, from 0 to 1; None if it is not known.
    """


class CorpusSource:
    """A corpus that can be read several times.

    Input that can be read only once, such as a pipe, is copied to a file by the first reading.

    Args:
        src: Corpus file, or file of source sentences; `-` = standard input.
        tgt: File of target sentences; None = `src` contains both languages.
        options: How to read it.
        format: Name of its format, one of `regard.data.corpora.formats.FORMATS`; None = detected.

    Attributes:
        faults: The faulty units that were left out; known when `first_units` has ended.
    """

    def __init__(self, src: Path, tgt: Path | None, options: ReadOptions, format: str | None = None) -> None:
        self.src = src
        self.tgt = tgt
        self.options = options
        self.format = format
        self.faults = FaultLog()
        self.is_stream = any(_is_stream(path) for path in (src, tgt) if path is not None)
        self.name = "standard input" if str(src) == "-" else str(src)
        self._copy: UnitCopy | None = None
        self._first_identity: list[object] = []

    @property
    def files(self) -> list[Path]:
        """The names of its files as given; `-` = standard input."""
        return [self.src] if self.tgt is None else [self.src, self.tgt]

    @property
    def paths(self) -> list[Path]:
        """The files, without standard input."""
        return [path for path in self.files if str(path) != "-"]

    def identity(self) -> list[object]:
        """Names, sizes and times of the files, or the hash of a copied stream; they tell if the corpus changed."""
        names: list[object] = [ascii(str(self.src)), None if self.tgt is None else ascii(str(self.tgt))]
        if self._copy is not None:
            return [*names, self._copy.digest]
        return [*names, *map(_size_and_time, self.paths)]

    def first_units(self, copy: Path, progress: Progress) -> Iterator[Unit]:
        """Reads the whole corpus once, and copies it if it cannot be read again.

        Args:
            copy: Path of the file to which a stream, such as a pipe, is copied; not used if the corpus is in files.
                The messages of faulty units are stored beside it.
            progress: Function that is called with `reading`, the number of units read, and the fraction read.

        Yields:
            The units.

        Raises:
            DataError: The corpus cannot be read.
            CheckpointError: The copy cannot be written.
        """
        reader = open_corpus(self.src, self.tgt, self.options, self.format)
        if not self.is_stream:
            self._first_identity = self.identity()
        units = with_reports(reader.units(), "reading", reader.fraction_read, progress)
        with self.faults.recorded(reader, copy.with_name(f"{copy.name}.faults")):
            if not self.is_stream:
                yield from units
                return
            self._copy = UnitCopy(copy, reader.name, reader.format)
            with named_errors(copy), copy.open("wb") as file:
                yield from self._copy.write(units, file)
            self._copy.report = reader.report

    def reader(self) -> UnitReader:
        """Opens the corpus.

        Returns:
            A reader that has not read anything yet.

        Raises:
            DataError: The corpus cannot be opened, or changed after its first reading.
        """
        if self._copy is not None:
            return self._copy
        if self.identity() != self._first_identity:
            raise self.changed_error()
        return open_corpus(self.src, self.tgt, self.options, self.format)

    def changed_error(self) -> DataError:
        """Error to raise if the corpus changed after its first reading."""
        return DataError(f"{self.name}: the file changed while it was read: run the command again")


def corpora_of(names: Sequence[str], options: ReadOptions, format: str | None = None) -> list[CorpusSource]:
    """Makes a `CorpusSource` for each corpus that is named on the command line.

    Args:
        names: File names. A corpus is one file with both languages, two files in one name `SRC,TGT`, or two text files
            whose names follow each other.
        options: How to read the files.
        format: Name of the format of all corpora; None = detected.

    Returns:
        The corpora, not yet opened.

    Raises:
        DataError: A file cannot be read, or a text file has no translations.
    """
    sources: list[CorpusSource] = []
    src: Path | None = None
    for name in names:
        files = files_of(name)
        if len(files) == 1 and _is_one_side(files[0], format):
            if src is None:
                src = files[0]
                continue
            files, src = (src, files[0]), None
        elif src is not None:
            break
        sources.append(CorpusSource(files[0], files[1] if len(files) == 2 else None, options, format))
    if src is not None:
        raise DataError(
            f"{src}: expected a corpus with both languages, found text without tabs: pass the file with its "
            "translations as the next argument"
        )
    return sources


def files_of(name: str) -> tuple[Path, ...]:
    """Splits the name of a corpus on the command line into its files.

    Args:
        name: One file with both languages, or the files of source and target with a comma between them.

    Returns:
        One path, or two.

    >>> [path.name for path in files_of("test.en,test.fr")]
    ['test.en', 'test.fr']
    """
    src, comma, tgt = name.partition(",")
    return (Path(src), Path(tgt)) if comma and not Path(name).exists() else (Path(name),)


def _is_one_side(path: Path, format: str | None) -> bool:
    """Whether a file is one side of a corpus of two files, by the format, or by its name and its first line."""
    if format in FORMATS:
        return FORMATS[format].num_files == 2
    if not path.is_file():
        return False
    with open_input(path) as file:
        head = file.head(HEAD_SIZE)
    detected = detect_format(path.name, head)
    if detected == "sgm":
        return True
    suffix = Path(without_compression_suffix(path.name)).suffix.lower()
    return detected == "tsv" and suffix not in FORMATS["tsv"].suffixes and b"\t" not in head.partition(b"\n")[0]


def with_reports(
    units: Iterable[Unit], stage: str, fraction_read: Callable[[], float | None], progress: Progress
) -> Iterator[Unit]:
    """Passes units on, and reports progress after every `PROGRESS_UNITS`.

    Args:
        units: The units.
        stage: Name of the current work, such as `reading`.
        fraction_read: Function that returns the fraction of the input that was read; None = not known.
        progress: Function that is called with each report.

    Yields:
        The same units.
    """
    for number, unit in enumerate(units, start=1):
        yield unit
        if number % PROGRESS_UNITS == 0:
            progress(stage, number, fraction_read())


def sample(units: Iterable[Unit], size: int = SAMPLE_SIZE) -> list[Pair]:
    """Draws a uniform sample of a stream (reservoir sampling), always the same for the same stream.

    Args:
        units: The stream; very long units are not drawn.
        size: Largest number of pairs to draw.

    Returns:
        The pairs in the order of the stream, not normalized.
    """
    rng = random.Random(0)
    drawn: list[tuple[int, Unit]] = []
    number = 0
    for unit in units:
        if len(unit.src) > _MAX_SAMPLED or len(unit.tgt) > _MAX_SAMPLED:
            continue
        number += 1
        if len(drawn) < size:
            drawn.append((number, unit))
        elif (index := int(rng.random() * number)) < size:
            drawn[index] = (number, unit)
    drawn.sort(key=lambda numbered: numbered[0])
    return [Pair(*unit) for _, unit in drawn]


class UnitCopy:
    """A copy of the units of a corpus in a file; a `UnitReader` that can read any number of times.

    Args:
        path: The file.
        name: Name of the corpus, for messages.
        format: Name of the corpus's format.
    """

    def __init__(self, path: Path, name: str, format: str) -> None:
        self.path = path
        self.name = name
        self.format = format
        self.report = ReadReport()
        self.digest = ""
        self._fraction: float | None = None

    def write(self, units: Iterable[Unit], file: BinaryIO) -> Iterator[Unit]:
        """Writes units to a file, and passes them on; after the last, sets `digest` to the hash of all.

        Args:
            units: Units of the corpus.
            file: The file, open for writing.

        Yields:
            The same units.
        """
        digest = hashlib.sha256()
        for unit in units:
            line = packed(unit)
            digest.update(line)
            file.write(line)
            yield unit
        self.digest = digest.hexdigest()

    def units(self) -> Iterator[Unit]:
        """Reads the copy; see `UnitReader.units`."""
        size = max(self.path.stat().st_size, 1)
        done = 0
        with self.path.open("rb") as file:
            for line in file:
                done += len(line)
                self._fraction = done / size
                yield unpacked(line)

    def fraction_read(self) -> float | None:
        """Fraction of the copy that was read, from 0 to 1; None before reading. See `UnitReader.fraction_read`."""
        return self._fraction


def packed(unit: Unit) -> bytes:
    r"""Encodes a unit as one line of JSON, from which `unpacked` makes the same unit again.

    >>> packed(Unit("two\nlines", "deux", 7))
    b'["two\\nlines", "deux", 7]\n'
    """
    return json.dumps(unit).encode() + b"\n"


def unpacked(line: bytes) -> Unit:
    """Decodes a unit from a line that `packed` made."""
    return Unit(*json.loads(line))


def _size_and_time(path: Path) -> list[int]:
    with suppress(OSError):  # a missing file: the reader says so
        status = path.stat()
        return [status.st_size, status.st_mtime_ns]
    return []


def _is_stream(path: Path) -> bool:
    return str(path) == "-" or (path.exists() and not path.is_file() and not path.is_dir())
