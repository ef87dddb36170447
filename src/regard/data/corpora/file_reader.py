"""What the readers of a corpus of one file share: its name, the report, the open file, and the progress."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.files.compression import InputFile, open_input, source_name

Source = Path | InputFile | None
"""What readers read: a file, an open file, or standard input (None)."""


class FileReader(ABC):
    """Reader of a corpus of one file: base class; see `UnitReader`.

    Args:
        source: Path of the file, or the open file; None = standard input.
        options: How to read the file.

    Attributes:
        name: Name of the file, for messages and reports.
        format: Name of the format.
        report: What was left out so far.
    """

    format = ""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.name = source_name(source)
        self.report = ReadReport(options.on_error)
        self._source = source
        self._options = options
        self._file: InputFile | None = None

    def units(self) -> Iterator[Unit]:
        """Opens the file, and reads its sentence pairs one by one. See `UnitReader.units`."""
        with open_input(self._source) as self._file:
            yield from self._read(self._file)

    def fraction_read(self) -> float | None:
        """Fraction of the file read so far, 0 to 1; None if not known. See `UnitReader.fraction_read`."""
        return None if self._file is None else self._file.fraction_read()

    @abstractmethod
    def _read(self, file: InputFile) -> Iterator[Unit]:
        """Reads the sentence pairs of the open file."""
