"""What the readers of XML formats share: opening the file, and the interface of all readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from regard.corpora.unit import ReadOptions, ReadReport, Unit
from regard.corpora.unit_elements import UnitElements
from regard.corpora.xml_encoding import Utf8Chunks
from regard.corpora.xml_events import UnitParser
from regard.errors import DataError
from regard.files.compression import InputFile, open_input
from regard.text.file_type import HEAD_SIZE, detect_file_type

Source = Path | InputFile | None
"""What readers read: a file, an open file, or standard input (None)."""


class XmlReader:
    """Reader of one XML file, for the formats whose units are elements: base class.

    Args:
        path: Path of the file, or the open file; None = standard input.
        options: How to read the file.

    Attributes:
        name: Name of the file, for messages.
        format: Name of the format.
        report: What was left out so far.
    """

    format = ""

    def __init__(self, path: Source, options: ReadOptions) -> None:
        self.name = "standard input" if path is None else str(path)
        self.report = ReadReport(options.on_error)
        self._path = path
        self._options = options
        self._file: InputFile | None = None

    def units(self) -> Iterator[Unit]:
        """Reads the file element by element. See `UnitReader.units`."""
        with open_input(self._path) as file:
            self._file = file
            chunks = Utf8Chunks(file, self.name, self._options.encoding)
            if not chunks.head:
                raise DataError(f"{self.name}: expected {self.format.upper()}, found an empty file: export it again")
            if file_type := detect_file_type(chunks.head[:HEAD_SIZE]):
                raise DataError(f"{self.name}: expected {self.format.upper()}, found {file_type}")
            yield from UnitParser(chunks, self._elements()).units()

    def fraction_read(self) -> float | None:
        """Fraction of the file read so far, 0 to 1; None if not known. See `UnitReader.fraction_read`."""
        return None if self._file is None else self._file.fraction_read()

    def _elements(self) -> UnitElements:
        """What the format makes of the elements of the file."""
        raise NotImplementedError
