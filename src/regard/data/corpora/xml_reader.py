"""What the readers of XML formats share: opening the file, and the interface of all readers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from regard.data.corpora.file_reader import FileReader
from regard.data.corpora.unit import Unit
from regard.data.corpora.unit_elements import UnitElements
from regard.data.corpora.xml_encoding import Utf8Chunks
from regard.data.corpora.xml_events import UnitParser
from regard.errors import DataError
from regard.files.compression import InputFile
from regard.text.file_type import HEAD_SIZE, detect_file_type


class XmlReader(FileReader):
    """Base class of the readers of XML formats, such as TMX and XLIFF."""

    def _read(self, file: InputFile) -> Iterator[Unit]:
        chunks = Utf8Chunks(file, self.name, self._options.encoding)
        if not chunks.head:
            raise DataError(f"{self.name}: expected {self.format.upper()}, found an empty file: export it again")
        if file_type := detect_file_type(chunks.head[:HEAD_SIZE]):
            raise DataError(f"{self.name}: expected {self.format.upper()}, found {file_type}")
        return UnitParser(chunks, self._elements()).units()

    @abstractmethod
    def _elements(self) -> UnitElements:
        """What the format makes of the elements of the file."""
