"""Readers of tables: tab-separated text, which is never quoted, and CSV, which may be."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import chain

from regard.data.corpora.columns import ColumnChoice, choose_columns
from regard.data.corpora.csv_records import RecordParser
from regard.data.corpora.file_reader import FileReader, Source
from regard.data.corpora.lines import corpus_lines, until_failure
from regard.data.corpora.unit import ReadOptions, Unit
from regard.errors import DataError
from regard.files.compression import InputFile
from regard.text.encodings import BrokenLine

_MIN_SHARE = 0.9
"""Share of lines without letters from which a column is not text; one line may be a header."""
_MIN_IDENTICAL = 10
"""Number of lines with the same text in a column, such as a language name, from which this is no coincidence."""
_DELIMITERS = ",;\t"


class TableReader(FileReader):
    """Reader of a table with a source and a target column, from one file.

    Args:
        source: Path of the file, or the open file; None = standard input.
        options: How to read the file.

    Attributes:
        num_wide_rows: Number of rows with more than two columns of which only the first two columns are read, because
            neither `options` nor a header chooses others.
    """

    format = "table"
    _codes = False
    _layout = "source TAB target"
    _advice = "keep only the two text columns (cut -f 2,3 selects the second and the third)"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.num_wide_rows = 0
        self._choice = ColumnChoice(0, 1)
        self._is_chosen = False
        self._header: tuple[str, str] | None = None  # until the next row
        self._check = _TextCheck(f"{self.name}: expected {self._layout}", self._advice)

    def _read(self, file: InputFile) -> Iterator[Unit]:
        return until_failure(self._units(file), self.report)

    @abstractmethod
    def _rows(self, file: InputFile) -> Iterator[tuple[list[str], int, str]]:
        """The cells of each row, the number of its line, and the message of a row that cannot be read."""

    @abstractmethod
    def _short_row(self, row: list[str], number: int, num_columns: int) -> str:
        """Message for a row that has fewer columns than are needed."""

    def _units(self, file: InputFile) -> Iterator[Unit]:
        for row, number, problem in self._rows(file):
            if problem:
                self.report.fault(problem)
            elif not any(map(str.strip, row)):
                yield Unit("", "", number)
            elif not self._is_header(row, number):
                src, tgt = self._choice.src, self._choice.tgt
                if max(src, tgt) < len(row):
                    self._count_wide(row)
                    if self._header is not None:
                        self._check_header((row[src], row[tgt]), number)
                    yield Unit(row[src], row[tgt], number)
                else:
                    self.report.fault(self._short_row(row, number, max(src, tgt) + 1))
        self._check.finish()

    def _is_header(self, row: list[str], number: int) -> bool:
        """Whether this row has the names of the columns; chooses the columns if it is the first."""
        if self._is_chosen:
            return False
        self._is_chosen = True
        self._choice = choose_columns(row, self._options, where=f"{self.name}:{number}", codes=self._codes)
        if self._choice.has_header and self._options.columns is None:
            self._header = row[self._choice.src], row[self._choice.tgt]
        return self._choice.has_header

    def _count_wide(self, row: list[str]) -> None:
        if self._choice.is_default and len(row) > 2:
            self.num_wide_rows += 1
            self._check.add(row)

    def _check_header(self, cells: tuple[str, str], number: int) -> None:
        """Refuses a file whose rows all begin with what was taken for a header, such as two codes of languages."""
        header, self._header = self._header, None
        if cells == header:
            raise DataError(
                f"{self.name}:{number}: expected texts below the header {cells[0]}, {cells[1]}, found a row that "
                "repeats the header: name the columns of the texts, such as --columns 3,4"
            )


class TsvReader(TableReader):
    """Reader of lines with tabs between columns; quotes are text. See `TableReader`."""

    format = "tsv"

    def _rows(self, file: InputFile) -> Iterator[tuple[list[str], int, str]]:
        for number, line in enumerate(corpus_lines(file, self._options), start=1):
            if isinstance(line, BrokenLine):
                yield [], number, line.message
            else:
                yield line.split("\t"), number, ""

    def _short_row(self, row: list[str], number: int, num_columns: int) -> str:
        if len(row) == 1:
            return (
                f"{self.name}:{number}: expected source TAB target, found no tab: write one pair per line, or pass two "
                "files"
            )
        return (
            f"{self.name}:{number}: expected at least {num_columns} columns, found {len(row)}: "
            "write the same columns in every line"
        )


class CsvReader(TableReader):
    """Reader of a CSV table, whose header decides on commas, semicolons or tabs. See `TableReader`."""

    format = "csv"
    _codes = True
    _layout = "source and target"
    _advice = "name the columns of the texts, such as --columns 2,3"

    def _rows(self, file: InputFile) -> Iterator[tuple[list[str], int, str]]:
        lines = corpus_lines(file, self._options)
        first = next(lines, None)
        if first is not None:
            delimiter = "," if isinstance(first, BrokenLine) else _delimiter(first)
            yield from RecordParser(chain([first], lines), self.name, delimiter)

    def _short_row(self, row: list[str], number: int, num_columns: int) -> str:
        return (
            f"{self.name}:{number}: expected at least {num_columns} columns, found {len(row)}: "
            "quote fields that contain delimiters or line ends, or name the columns with --columns"
        )


def _delimiter(line: str) -> str:
    """The delimiter of which the first line has most, outside quotes."""
    outside = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


class _TextCheck:
    """Checks that the first two of more than two columns are text."""

    def __init__(self, expected: str, advice: str) -> None:
        self.expected = expected
        self.advice = advice
        self.num_rows = 0
        self.num_without_letters = [0, 0]  # per column: rows in which it has no letter, though another column has
        self.values: tuple[set[str], set[str]] = (set(), set())  # up to two distinct values per column

    def add(self, row: list[str]) -> None:
        """Counts, for the check in `finish`, whether the first two cells of a row are text.

        Args:
            row: A row of more than two columns.
        """
        self.num_rows += 1
        without_letters = [not any(map(str.isalpha, cell)) for cell in row]
        for index, values in enumerate(self.values):
            self.num_without_letters[index] += without_letters[index] and not all(without_letters)
            if len(values) < 2:
                values.add(row[index].strip())

    def finish(self) -> None:
        """Raises a `DataError` if, in the rows added so far, one of the first two columns is not text."""
        for index, name in enumerate(("first", "second")):
            problem = ""
            if self.num_rows and self.num_without_letters[index] >= _MIN_SHARE * self.num_rows:
                problem = f"no letters in {self.num_without_letters[index]} of {self.num_rows} lines"
            elif self.num_rows >= _MIN_IDENTICAL and len(self.values[index]) == 1:
                problem = f"{next(iter(self.values[index]))!r} in all {self.num_rows} lines"
            if problem:
                raise DataError(
                    f"{self.expected} in the first two columns, but the {name} column has {problem}: {self.advice}"
                )
