"""Parquet and Arrow files, and directories of Hugging Face datasets, written by pyarrow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regard.data.corpora.formats import open_corpus
from regard.data.corpora.parquet import ParquetReader
from regard.data.corpora.parquet_pages import large_dictionaries
from regard.data.corpora.unit import ReadOptions, ReadReport
from regard.errors import DataError

TEXT_TYPES = (
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.large_binary(),
    pa.dictionary(pa.int32(), pa.string()),
)
EN_FR = ReadOptions(langs=("en", "fr"))


def read(path: Path, options: ReadOptions = EN_FR) -> tuple[list[tuple[str, str, int]], ReadReport]:
    reader = open_corpus(path, None, options)
    units = list(reader.units())
    assert reader.fraction_read() == 1.0
    return [(unit.src, unit.tgt, unit.line) for unit in units], reader.report


def write_stream(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_text_of_every_type_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    columns = {"id": pa.array([1, 2, 3]), "en": pa.array(["a", "b", None], kind), "fr": pa.array(["c", "", "e"], kind)}
    table = pa.table(columns)
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=2)
    write_stream(tmp_path / "x.arrow", table)
    for name in ("x.parquet", "x.arrow"):
        reader = open_corpus(tmp_path / name, None, EN_FR, "parquet")
        assert list(reader.units()) == [("a", "c", 1), ("b", "", 2)]
        assert reader.report.left_out == {"no text in column en": 1}
        assert reader.report.languages == {"en": 2, "fr": 2}


def test_fields_of_a_translation_column(tmp_path: Path) -> None:
    rows = [{"en": "a", "fr": "b", "de": "c"}, None, {"en": None, "fr": "d", "de": "e"}]
    pq.write_table(pa.table({"translation": pa.array(rows)}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", ReadOptions(langs=("fr", "en")))[0] == [("b", "a", 1)]
    options = ReadOptions(columns=("translation.de", "translation.fr"))
    units, report = read(tmp_path / "x.parquet", options)
    assert units == [("c", "b", 1), ("e", "d", 3)]
    assert report.left_out == {"no text in column translation.de": 1}


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (["source", "target", "note"], ReadOptions(), (0, 1)),
        (["tgt", "src", "id"], EN_FR, (1, 0)),
        (["en_US", "fr_FR", "de"], EN_FR, (0, 1)),
        (["left", "right"], ReadOptions(), (0, 1)),
        (["left", "right", "x"], ReadOptions(columns=("x", "left")), (2, 0)),
        (["left", "right", "x"], ReadOptions(columns=("3", "1")), (2, 0)),
        (["de", "English", "French"], EN_FR, (1, 2)),
    ],
)
def test_columns_are_chosen(tmp_path: Path, names: list[str], options: ReadOptions, expected: tuple[int, int]) -> None:
    pq.write_table(pa.table({name: [f"text {index}"] for index, name in enumerate(names)}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", options)[0] == [(f"text {expected[0]}", f"text {expected[1]}", 1)]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"a": ["x"], "b": ["y"], "c": ["z"]}, ReadOptions(), "found the text columns a, b, c: name them.*--columns"),
        ({"a": ["x"], "b": ["y"]}, EN_FR, "found the text columns a, b"),
        ({"en": [1], "fr": [2]}, EN_FR, "found no columns of text"),
        ({"en": ["a"], "fr": ["b"]}, ReadOptions(columns=("en", "de")), "a text column named de, found.*en, fr"),
        ({"en-GB": ["a"], "en-US": ["b"], "fr": ["c"]}, EN_FR, "one language that matches en, found en-GB, en-US"),
    ],
)
def test_unclear_columns_are_refused(
    tmp_path: Path, columns: dict[str, list[object]], options: ReadOptions, message: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=rf"x\.parquet: .*{message}"):
        read(tmp_path / "x.parquet", options)


def test_columns_of_the_same_name_are_not_chosen(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], ["en", "en", "fr"])
    pq.write_table(twice, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="found the text columns fr: name them"):
        read(tmp_path / "x.parquet")


def test_text_that_is_not_utf_8_costs_only_its_row(tmp_path: Path) -> None:
    bytes_ = pa.array([b"a", b"\xe9", b"c"])
    text = pa.Array.from_buffers(pa.string(), 3, bytes_.buffers())
    pq.write_table(pa.table({"en": text, "fr": ["x", "y", "z"]}), tmp_path / "x.parquet")
    units, report = read(tmp_path / "x.parquet", ReadOptions(langs=("en", "fr"), on_error="skip"))
    assert units == [("a", "x", 1), ("c", "z", 3)]
    assert report.num_faults == 1
    with pytest.raises(DataError, match=r"x\.parquet: row 2: column en: expected text in UTF-8, found the byte 0xe9"):
        read(tmp_path / "x.parquet")


def test_a_long_text_costs_only_its_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"en": ["a" * 1_100_000, "b"], "fr": ["x", "y"]}), tmp_path / "x.parquet")
    units, report = read(tmp_path / "x.parquet", ReadOptions(langs=("en", "fr"), on_error="skip"))
    assert units == [("b", "y", 2)] and "row 1: column en: expected a text of at most" in report.faults[0]


MEMORY = """
import re, sys
from pathlib import Path
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.parquet_pages import large_dictionaries
from regard.data.corpora.unit import ReadOptions

reader = open_corpus(sys.argv[1], options=ReadOptions(langs=("en", "fr"), on_error="skip"))
for unit in reader.units():
    pass
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]  # of this process alone
print(reader.report.num_faults, int(peak) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_large_value_of_many_rows_is_held_once(tmp_path: Path, *, is_nested: bool) -> None:
    """The copies of one batch would take 4 GB."""
    dictionary = pa.DictionaryArray.from_arrays([0] * 2000, ["a" * (1 << 24)])
    texts = pa.array(["b"] * 2000)
    table = pa.table({"en": dictionary, "fr": texts})
    if is_nested:
        plain = pa.StructArray.from_arrays([dictionary, texts], ["en", "fr"])
        table = pa.table({"translation": plain})
    pq.write_table(table, tmp_path / "x.parquet", dictionary_pagesize_limit=1 << 25, store_schema=False)
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "x.parquet")]
    faults, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(faults) == 2000
    assert float(peak) < 400


def test_a_large_dictionary_is_read_as_any_other(tmp_path: Path) -> None:
    texts = [f"{number % 40}" * 40_000 for number in range(300)]
    table = pa.table({"en": [*texts, None], "fr": [str(number) for number in range(301)]})
    pq.write_table(table, tmp_path / "x.parquet", dictionary_pagesize_limit=1 << 25, row_group_size=100)
    with (tmp_path / "x.parquet").open("rb") as file, pq.ParquetFile(tmp_path / "x.parquet") as opened:
        assert large_dictionaries(opened, file, ["en", "fr"]) == ["en"]
    units, report = read(tmp_path / "x.parquet")
    assert units == [(text, str(number), number + 1) for number, text in enumerate(texts)]
    assert report.left_out == {"no text in column en": 1}


READ = """
import sys
from regard.cli.main import app
app(["data", "convert", sys.argv[1], "--langs", "en-fr", "--to", "tsv", "--out", "-"])
"""


@pytest.mark.parametrize("size", [1, 1_200_000])
def test_damaged_metadata_of_a_column_do_not_end_the_process(tmp_path: Path, size: int) -> None:
    """pyarrow cannot raise an error where it reads them for itself, so the process would abort."""
    texts = [f"{number:020}" for number in range(1 + size // 20)]
    pq.write_table(pa.table({"en": texts, "fr": texts}), tmp_path / "x.parquet", use_dictionary=False)
    data = (tmp_path / "x.parquet").read_bytes()
    optional, required = b"\x15\x0c\x25\x02\x18\x02en", b"\x15\x0c\x25\x00\x18\x02en"  # type, repetition, name
    assert data.count(optional) == 1
    (tmp_path / "x.parquet").write_bytes(data.replace(optional, required))
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "x.parquet")], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "x.parquet: expected a whole Parquet or Arrow file, found a broken one" in done.stderr


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "begins with PAR1 or ARROW1, found b''"),
        (b"PAR1", "a broken one"),
        (b"PARE1234", "an encrypted one"),
        (b"\x1f\x8b123456", "unpack it if it is compressed"),
        (b"\xff\xff\xff\xff\x10\0\0\0" + b"\0" * 20, "a broken one"),
        (b"ARROW1\0\0" + b"\0" * 30, "a broken one"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "x.parquet").write_bytes(data)
    with pytest.raises(DataError, match=rf"x\.parquet: .*{message}"):
        read(tmp_path / "x.parquet")


def test_a_cut_stream_gives_the_rows_before_the_cut(tmp_path: Path) -> None:
    write_stream(tmp_path / "x.arrow", pa.table({"en": list("abcdef"), "fr": list("ghijkl")}))
    data = (tmp_path / "x.arrow").read_bytes()
    (tmp_path / "x.arrow").write_bytes(data[: len(data) * 2 // 3])
    reader = open_corpus(tmp_path / "x.arrow", None, ReadOptions(on_error="skip"), "parquet")
    units = list(reader.units())
    assert units and units == [("a", "g", 1), ("b", "h", 2), ("c", "i", 3), ("d", "j", 4)][: len(units)]
    assert reader.report.num_faults == 1


def test_every_cut_of_a_file_is_a_message(tmp_path: Path) -> None:
    pq.write_table(pa.table({"en": list("abcdef"), "fr": list("ghijkl")}), tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    for size in range(0, len(data), 7):
        (tmp_path / "x.parquet").write_bytes(data[:size])
        with pytest.raises(DataError, match=r"x\.parquet"):
            read(tmp_path / "x.parquet")


def save_dataset(directory: Path, tables: list[pa.Table]) -> None:
    """Writes what `datasets.Dataset.save_to_disk` writes."""
    directory.mkdir(parents=True)
    names = [f"data-{index:05}-of-{len(tables):05}.arrow" for index in range(len(tables))]
    for name, table in zip(names, tables, strict=True):
        write_stream(directory / name, table)
    (directory / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (directory / "dataset_info.json").write_text("{}")


def table(first: int, last: int) -> pa.Table:
    return pa.table({"translation": [{"en": f"e{number}", "fr": f"f{number}"} for number in range(first, last)]})


def test_a_saved_dataset_is_read_in_the_order_of_its_files(tmp_path: Path) -> None:
    save_dataset(tmp_path / "data", [table(1, 4), table(4, 6)])
    assert read(tmp_path / "data")[0] == [(f"e{number}", f"f{number}", number) for number in range(1, 6)]


def test_one_split_is_read_and_several_are_listed(tmp_path: Path) -> None:
    save_dataset(tmp_path / "all/train", [table(1, 3)])
    (tmp_path / "all/dataset_dict.json").write_text('{"splits": ["train"]}')
    assert len(read(tmp_path / "all")[0]) == 2
    save_dataset(tmp_path / "all/test", [table(3, 4)])
    (tmp_path / "all/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(DataError, match=r"expected one split of a dataset, found .*all/train, .*all/test"):
        read(tmp_path / "all")
    assert read(tmp_path / "all/test")[0] == [("e3", "f3", 1)]


def test_parquet_files_of_a_snapshot(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for index in range(2):
        pq.write_table(table(2 * index, 2 * index + 2), tmp_path / f"data/train-{index:05}-of-00002.parquet")
    assert [src for src, _, _ in read(tmp_path)[0]] == ["e0", "e1", "e2", "e3"]
    pq.write_table(table(7, 8), tmp_path / "data/test-00000-of-00001.parquet")
    with pytest.raises(DataError, match=r"expected one split.*test-\*\.parquet, .*train-\*\.parquet"):
        read(tmp_path)


@pytest.mark.parametrize(
    "state", ["", "[]", "{}", '{"_data_files": []}', '{"_data_files": [{"filename": "../../x.arrow"}]}']
)
def test_a_broken_or_hostile_state_is_refused(tmp_path: Path, state: str) -> None:
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(DataError, match=r"state\.json: .*save the dataset again"):
        read(tmp_path)


def test_a_directory_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a directory with \.parquet or \.arrow files"):
        read(tmp_path)


def test_parquet_cannot_be_read_from_a_pipe() -> None:
    with pytest.raises(DataError, match="expected a Parquet file, found a pipe: save it as a file first"):
        ParquetReader(None, ReadOptions())
