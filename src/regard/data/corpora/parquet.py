"""Parquet files and directories of Hugging Face datasets: the reader of sentence pairs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from regard.data.corpora.dataset_files import dataset_files
from regard.data.corpora.parquet_pages import large_dictionaries
from regard.data.corpora.text_columns import TextColumn, choose_columns
from regard.data.corpora.unit import MAX_TEXT, ReadOptions, ReadReport, Unit
from regard.errors import DataError
from regard.files.compression import InputFile, open_binary
from regard.files.packages import require_package

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 256
"""Rows of a batch, of which each may hold a copy of a text of 1 MiB."""
_BUFFER_SIZE = 1 << 20
_PARQUET = b"PAR1"
_ARROW_FILE = b"ARROW1"
_ARROW_STREAM = b"\xff\xff\xff\xff"
_ENCRYPTED = b"PARE"
_REMEDY = "copy or fetch it again"


class ParquetReader:
    """Reader of two text columns, or of two fields of a column such as `translation`.

    Args:
        source: A Parquet or Arrow file, or the directory of a dataset or of one of its splits.
        options: How to read it. Without `columns`, the columns named like the languages are read, or those with usual
            names such as `source` and `target`.

    Attributes:
        name: The file or directory, for messages.
        format: `"parquet"`.
        report: What was left out.

    Raises:
        ConfigError: pyarrow is not installed.
        DataError: The source is a pipe, or the directory contains no dataset, or several.
    """

    format = "parquet"

    def __init__(self, source: Path | InputFile | None, options: ReadOptions) -> None:
        if not isinstance(source, Path):
            raise DataError("expected a Parquet file, found a pipe: save it as a file first, and name the file")
        require_package("pyarrow", to="read Parquet files", extra="parquet")
        self.name = str(source)
        self.report = ReadReport(options.on_error)
        self._options = options
        self._files = dataset_files(source) if source.is_dir() else (source,)
        self._num_done = 0
        self._fraction = 0.0

    def units(self) -> Iterator[Unit]:
        """Reads the two columns of the files of the dataset, row by row. See `UnitReader.units`."""
        num_before = 0
        with open_binary(self._files[0]):
            pass  # a missing file is an error also if faults are skipped
        try:
            for path in self._files:
                table = _Table(path)
                num_rows = 0
                with table.errors():
                    columns = choose_columns(table.schema(), self._options, where=str(path))
                    for src, tgt in self._rows(table, columns):
                        num_rows += 1
                        place = num_before + num_rows
                        if unit := self._unit((src, tgt), columns, f"{path}: row {num_rows}", place):
                            yield unit
                num_before += num_rows
                self._num_done += 1
                self._fraction = 0.0
        except DataError as error:
            message = str(error)
        else:
            return
        self.report.fault(message)

    def fraction_read(self) -> float | None:
        """Fraction of the rows of all files read so far, from 0 to 1. See `UnitReader.fraction_read`."""
        return (self._num_done + self._fraction) / len(self._files)

    def _rows(
        self, table: _Table, columns: tuple[TextColumn, TextColumn]
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        for batch, self._fraction in table.batches([column.name for column in columns]):
            yield from zip(columns[0].texts(batch), columns[1].texts(batch), strict=True)

    def _unit(
        self,
        values: tuple[bytes | None, bytes | None],
        columns: tuple[TextColumn, TextColumn],
        where: str,
        place: int,
    ) -> Unit | None:
        texts = []
        for value, column in zip(values, columns, strict=True):
            if value is None:
                self.report.left_out[f"no text in column {column}"] += 1
                return None
            try:
                texts.append(_decode(value))
            except ValueError as error:
                self.report.fault(f"{where}: column {column}: {error}")
                return None
        self.report.languages.update(column.language for column in columns if column.language)
        return Unit(texts[0], texts[1], place)


class _Table:
    """A Parquet file, an Arrow file, or an Arrow stream.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with open_binary(path) as file:
            head = file.read(len(_ARROW_FILE))
        if head.startswith(_ENCRYPTED):
            raise DataError(f"{path}: expected a Parquet file, found an encrypted one: write it without encryption")
        self._is_parquet = head.startswith(_PARQUET)
        self._is_file = head.startswith(_ARROW_FILE)
        if not (self._is_parquet or self._is_file or head.startswith(_ARROW_STREAM)):
            raise DataError(
                f"{path}: expected a Parquet or Arrow file, which begins with PAR1 or ARROW1, found {head!r}: check "
                "the file name, and unpack it if it is compressed"
            )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Context in which errors of pyarrow name the file."""
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:  # names may not be UTF-8
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise DataError(
                f"{self._path}: expected a whole Parquet or Arrow file, found a broken one ({reason}): {_REMEDY}"
            ) from None

    def schema(self) -> pa.Schema:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._is_parquet:
            return pq.read_schema(self._path)
        with pa.memory_map(str(self._path)) as source:
            return (pa.ipc.open_file(source) if self._is_file else pa.ipc.open_stream(source)).schema

    def batches(self, names: list[str]) -> Iterator[tuple[pa.RecordBatch, float]]:
        """Rows with the named columns, and the fraction of the file that was read."""
        import pyarrow as pa

        if self._is_parquet:
            yield from self._parquet_batches(names)
            return
        with pa.memory_map(str(self._path)) as source:
            size = max(source.size(), 1)
            for batch in self._arrow_batches(source):
                for start in range(0, len(batch), _ROWS_AT_ONCE):
                    yield batch.slice(start, _ROWS_AT_ONCE), min(source.tell() / size, 1.0)

    def _parquet_batches(self, names: list[str]) -> Iterator[tuple[pa.RecordBatch, float]]:
        import pyarrow.parquet as pq

        columns = sorted(set(names))
        with open_binary(self._path) as raw, pq.ParquetFile(self._path, pre_buffer=False) as file:
            dictionaries = large_dictionaries(file, raw, columns)
        with pq.ParquetFile(
            self._path, buffer_size=_BUFFER_SIZE, pre_buffer=False, read_dictionary=dictionaries
        ) as file:
            num_rows = 0
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns, use_threads=False):
                num_rows += len(batch)
                yield batch, num_rows / max(file.metadata.num_rows, num_rows)

    def _arrow_batches(self, source: pa.MemoryMappedFile) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        if self._is_file:
            file = pa.ipc.open_file(source)
            for index in range(file.num_record_batches):
                yield file.get_batch(index)
        else:
            yield from pa.ipc.open_stream(source)


def _decode(value: bytes) -> str:
    if len(value) > MAX_TEXT:
        raise ValueError(f"expected a text of at most {MAX_TEXT} bytes, found a longer one: shorten it")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"expected text in UTF-8, found the byte 0x{value[error.start]:02x}: write this column of the file as "
            "strings in UTF-8"
        ) from None
