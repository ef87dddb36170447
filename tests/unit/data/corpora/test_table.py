"""Tables: TSV is never quoted; CSV agrees with Python's parser, and goes on after a record that is not well-formed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.corpora.csv_records import RecordParser
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.table import CsvReader, TableReader, TsvReader
from regard.data.corpora.unit import MAX_TEXT, ReadOptions, Unit
from regard.errors import DataError

Write = Callable[[str, bytes | str], Path]
EN_FR = ReadOptions(langs=("en", "fr"))


def read(path: Path, options: ReadOptions | None = None) -> list[tuple[str, str, int]]:
    reader = open_corpus(path, options=options)
    assert isinstance(reader, TableReader)
    return [(unit.src, unit.tgt, unit.line) for unit in reader.units()]


# --- columns

DATA = [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(
    ("header", "options"),
    [
        (["source", "target"], None),
        ([" Source", "TARGET "], None),
        (["src", "tgt"], None),
        (["Source Text", "target-text"], None),
        (["en", "fr"], EN_FR),
        (["EN_us", "fr-FR"], EN_FR),
        (["eng", "fra"], EN_FR),
        (["English", "French"], EN_FR),
        (["source", "target"], EN_FR),
        (["x", "y"], ReadOptions(columns=("x", "y"))),
        (["X", "1"], ReadOptions(columns=("x", "2"))),
    ],
)
@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a"])
def test_headers(write: Write, header: list[str], options: ReadOptions | None, name: str) -> None:
    delimiter = "," if name == "a.csv" else "\t"
    rows = [header, *DATA]
    path = write(name, "".join(delimiter.join(row) + "\n" for row in rows))
    assert read(path, options) == [("a", "b", 2), ("c", "d", 3)]
    swapped = "".join(delimiter.join(("0", *reversed(row), "z")) + "\n" for row in rows)
    if options is None or options.columns != ("x", "2"):
        assert read(write(name, swapped), options) == [("a", "b", 2), ("c", "d", 3)]


@pytest.mark.parametrize("first", ["no\tnon", "Source of light\tSource de lumière", "en\tfr", "source\tsource"])
def test_a_first_line_of_text_is_no_header(write: Write, first: str) -> None:
    assert len(read(write("a.tsv", f"{first}\na\tb\n"))) == 2
    if "\tfr" not in first:
        assert len(read(write("a.tsv", f"{first}\na\tb\n"), EN_FR)) == 2


def test_two_codes_are_the_header_of_a_csv(write: Write) -> None:
    assert read(write("a.csv", "id,en,fr\n1,a,b\n")) == [("a", "b", 2)]
    assert len(read(write("a.csv", "en,fr,de\na,b,c\n"), ReadOptions(columns=("1", "3")))) == 2


def test_numbers_of_columns(write: Write) -> None:
    for name, delimiter in (("a.tsv", "\t"), ("a.csv", ",")):
        path = write(name, f"1{delimiter}a{delimiter}b\n".replace("\t", delimiter))
        assert read(path, ReadOptions(columns=("2", "3"))) == [("a", "b", 1)]
        assert read(path, ReadOptions(columns=("3", "2"))) == [("b", "a", 1)]
    path = write("a.tsv", "id\tsource\ttarget\n1\ta\tb\n")
    assert read(path, ReadOptions(columns=("2", "3"))) == [("a", "b", 2)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("x", "target"), r"a.csv:1: expected a column named 'x', found id, source, target: name one of these columns"),
        (("0", "1"), r"a.csv:1: expected a column named '0'"),
        (("2", "9"), r"a.csv:1: expected at least 9 columns, found 3: quote fields that contain delimiters"),
    ],
)
def test_columns_that_are_not_there(write: Write, columns: tuple[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write("a.csv", "id,source,target\n1,a,b\n"), ReadOptions(columns=columns))


def test_two_columns_of_one_language(write: Write) -> None:
    with pytest.raises(DataError, match=r"a.csv:1: expected one language that matches en, found en-GB, en-US"):
        read(write("a.csv", "en-GB,en-US,fr\na,b,c\n"), EN_FR)


# --- TSV


def test_quotes_in_a_tsv_are_text(write: Write) -> None:
    rows = [('"a', "b"), ('c"', '""'), ('"x"', "'"), ('"', '"y')]
    text = "".join(f"{src}\t{tgt}\n" for src, tgt in rows)
    assert [(src, tgt) for src, tgt, _ in read(write("a.tsv", text))] == rows
    judge = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    assert [tuple(row) for row in judge] == rows


def test_lines_of_a_tsv_that_cannot_be_read(write: Write) -> None:
    path = write("a.tsv", b"a\tb\nno tab\n\n \t \nc\xff\td\ne\tf\tg\n" + b"x" * (MAX_TEXT + 1) + b"\ty\nh\ti")
    with pytest.raises(DataError, match=r"a.tsv:2: expected source TAB target, found no tab"):
        read(path)
    reader = TsvReader(path, ReadOptions(on_error="skip"))
    assert list(reader.units()) == [
        Unit("a", "b", 1),
        Unit("", "", 3),
        Unit("", "", 4),
        Unit("e", "f", 6),
        Unit("h", "i", 8),
    ]
    assert reader.report.num_faults == 3
    assert reader.num_wide_rows == 1
    assert [fault.split(": ")[0].rsplit(":")[-1] for fault in reader.report.faults] == ["2", "5", "7"]
    with pytest.raises(DataError, match=r"a.tsv:1: expected at least 3 columns, found 2: write the same columns"):
        read(path, ReadOptions(columns=("1", "3")))


# --- CSV

CELLS = st.text(st.sampled_from("ab,;\"\n \t'é"), max_size=8)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=6)


def parse(text: str, delimiter: str) -> list[list[str]]:
    lines = text.removesuffix("\n").split("\n") if text else []
    return [record.fields for record in RecordParser(iter(lines), "a", delimiter)]


@given(ROWS, st.sampled_from(",;\t"), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]))
def test_csv_is_parsed_as_by_python(rows: list[list[str]], delimiter: str, quoting: int) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    file.seek(0)
    expected = list(csv.reader(file, delimiter=delimiter))
    assert expected == rows
    assert parse(file.getvalue(), delimiter) == rows


@given(st.text(st.sampled_from('a,"\n'), max_size=30))
def test_any_text_is_parsed_as_by_python_or_refused(text: str) -> None:
    problems = [record.problem for record in RecordParser(iter(text.split("\n")), "a", ",")]
    if not any(problems):
        expected = list(csv.reader(io.StringIO(text + "\n"), strict=True))
        assert parse(text + "\n", ",") == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_marks(write: Write, delimiter: str, end: str, mark: str) -> None:
    rows = ["source|target", 'a|"b, ""c""; d|e"', f'"f{end}g"|h', "", 'i|5" disk']
    text = mark + end.join(rows).replace("|", delimiter)
    expected = [
        ("a", f'b, "c"; d{delimiter}e', 2),
        ("f\ng", "h", 3),
        ("", "", 5),
        ("i", '5" disk', 6),
    ]
    assert read(write("a.csv", text)) == expected


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('"never closed,x', "a.csv:3: expected a delimiter after a closing quote, found 'good"),
        ('"x" y,z', "a.csv:3: expected a delimiter after a closing quote, found ' y,z'"),
        ("only one", "a.csv:3: expected at least 2 columns, found 1"),
    ],
)
def test_records_around_a_malformed_one_are_kept(write: Write, bad: str, message: str) -> None:
    path = write("a.csv", f'source,target\na,b\n{bad}\n"good","one"\nc,"d\ne"\nf,g\n')
    with pytest.raises(DataError, match=message):
        read(path)
    reader = CsvReader(path, ReadOptions(on_error="skip"))
    assert list(reader.units()) == [
        Unit("a", "b", 2),
        Unit("good", "one", 4),
        Unit("c", "d\ne", 5),
        Unit("f", "g", 7),
    ]
    assert reader.report.num_faults == 1


@pytest.mark.parametrize("num_lines", [1, 1000, 30_000])
def test_a_quote_that_is_never_closed_costs_one_record(write: Write, num_lines: int) -> None:
    rest = "".join(f"text number {number},and its translation into another language\n" for number in range(num_lines))
    path = write("a.csv", f'source,target\n"open,x\n{rest}')
    reader = CsvReader(path, ReadOptions(on_error="skip"))
    assert len(list(reader.units())) == num_lines
    [fault] = reader.report.faults
    assert "a.csv:2: expected a closing quote of the field that begins there, found none: double quotes" in fault


def test_quotes_that_match_nowhere_take_limited_time(write: Write) -> None:
    """Each line opens a quote that only a later megabyte could close: reading again is limited."""
    path = write("a.csv", "source,target\n" + 'a","c\n' * 600_000)
    reader = CsvReader(path, ReadOptions(on_error="skip"))
    assert list(reader.units()) == []
    assert 1 < reader.report.num_faults < 1000
    assert " to " in reader.report.faults[-1]


def test_an_empty_csv(write: Write) -> None:
    assert read(write("a.csv", "")) == []
    assert read(write("a.csv", "source,target\n")) == []


def test_columns_of_numbers_in_a_csv(write: Write) -> None:
    with pytest.raises(DataError, match=r"a.csv: expected source and target in .* --columns 2,3"):
        read(write("a.csv", "".join(f"{number},a{number},b\n" for number in range(20))))
