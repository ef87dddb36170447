"""Writer of Parquet files."""

from __future__ import annotations

from typing import BinaryIO

from regard.data.corpora.line_writers import column_names
from regard.data.corpora.stream_writer import StreamWriter
from regard.files.packages import require_package

_ROWS_AT_ONCE = 1 << 16


class ParquetWriter(StreamWriter):
    """Writer of a Parquet file with one column of text per language.

    Args:
        file: The output file.
        langs: The languages, which name the columns; None = `src` and `tgt`.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    def __init__(self, file: BinaryIO, langs: tuple[str, str] | None) -> None:
        super().__init__()
        require_package("pyarrow", to="write Parquet files", extra="parquet")
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._names = column_names(langs, ("src", "tgt"))
        self._schema = pa.schema([(name, pa.string()) for name in self._names])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: tuple[list[str], list[str]] = ([], [])
        self._make_batch = pa.RecordBatch.from_pydict

    def finish(self) -> None:
        """Writes the remaining rows and the footer of the file. See `StreamWriter.finish`."""
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Closes pyarrow's writer, which would else write a footer into the closed file. See `StreamWriter.abandon`."""
        self._writer.close()

    def _put(self, src: str, tgt: str) -> None:
        self._rows[0].append(src)
        self._rows[1].append(tgt)
        if len(self._rows[0]) == _ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_batch(self._make_batch(dict(zip(self._names, self._rows, strict=True)), schema=self._schema))
        self._rows = ([], [])
