"""Writers of corpora, held against other readers of each format; and what a format cannot hold is counted."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import polib
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.corpora import parquet_writer
from regard.data.corpora.stream_writer import CONTROLS
from regard.data.corpora.unit import Unit
from regard.data.corpora.writers import OUTPUT_FORMATS, UnitWriter, open_writer, output_format, output_paths
from regard.errors import CheckpointError, ConfigError

LANGS = ("en", "fr")
Pairs = Sequence[tuple[str, str]]
PAIRS = (
    ("Hello", "Bonjour"),
    ("Hello", "Salut"),
    ("a & b < c > \"d\" 'e' [f] | g", "à &amp; b"),
    ("  two\nlines\t", "un\r\ndeux\rtrois"),
    ("", "vide"),
    ("🙂 \\n ]]>", "\u2028 \x85 «»"),
    ("=1+2", '"'),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


def write(path: Path, format: str, pairs: Pairs, langs: tuple[str, str] | None = LANGS) -> UnitWriter:
    with open_writer(path, format, langs) as writer:
        for number, (src, tgt) in enumerate(pairs, start=1):
            writer.write(Unit(src, tgt, number))
    return writer


def read_tmx(path: Path) -> list[tuple[str, str]]:
    tree = ET.parse(path)
    assert tree.getroot().get("version") == "1.4"
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    units = [{side.get(lang): side.findtext("seg") or "" for side in unit} for unit in tree.iter("tu")]
    return [(unit["en"], unit["fr"]) for unit in units]


def read_xliff(path: Path) -> list[tuple[str, str]]:
    space = "{urn:oasis:names:tc:xliff:document:1.2}"
    root = ET.parse(path).getroot()
    file = root.find(f"{space}file")
    assert file is not None and (file.get("source-language"), file.get("target-language")) == LANGS
    units = list(root.iter(f"{space}trans-unit"))
    assert len({unit.get("id") for unit in units}) == len(units)
    return [(unit.findtext(f"{space}source") or "", unit.findtext(f"{space}target") or "") for unit in units]


def read_po(path: Path) -> list[tuple[str, str]]:
    catalog = polib.pofile(str(path), check_for_duplicates=True)
    assert catalog.metadata["Language"] == "fr"
    return [(entry.msgid, entry.msgstr) for entry in catalog]


def read_csv(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["en", "fr"]
    return [(src, tgt) for src, tgt in rows]


def read_jsonl(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    return [(row["en"], row["fr"]) for row in rows]


def read_parquet(path: Path) -> list[tuple[str, str]]:
    table = pq.read_table(path)
    return list(zip(table["en"].to_pylist(), table["fr"].to_pylist(), strict=True))


READERS = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "tmx": read_tmx,
    "xliff": read_xliff,
    "po": read_po,
    "parquet": read_parquet,
}


def without_controls(pairs: Pairs) -> list[tuple[str, str]]:
    import re

    return [(re.sub(CONTROLS.pattern, "", src), re.sub(CONTROLS.pattern, "", tgt)) for src, tgt in pairs]


@pytest.mark.parametrize("format", sorted(READERS))
def test_other_readers_find_every_pair(tmp_path: Path, format: str) -> None:
    writer = write(tmp_path / "out", format, PAIRS)
    held = [(src, tgt.replace("\r\n", "\n") if format == "csv" else tgt) for src, tgt in PAIRS]
    assert READERS[format](tmp_path / "out") == held
    assert writer.num_written == len(PAIRS) and sum(writer.lost.values()) == (1 if format == "csv" else 0)


@pytest.mark.parametrize("format", sorted(READERS))
@settings(deadline=None)  # each example syncs a file to disk
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_other_readers_find_any_text(tmp_path_factory: pytest.TempPathFactory, format: str, pairs: Pairs) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{format}"
    if format == "csv":
        pairs = [(src.replace("\r\n", ""), tgt.replace("\r\n", "")) for src, tgt in pairs]
    writer = write(path, format, pairs)
    expected = without_controls(pairs) if format in ("tmx", "xliff") else list(pairs)
    if format == "po":  # polib does not know this escape
        expected = [(src.replace("\a", "\\a"), tgt.replace("\a", "\\a")) for src, tgt in pairs]
    assert READERS[format](path) == expected
    assert bool(writer.lost) == (expected != list(pairs) if format != "po" else not all(tgt for _, tgt in pairs))


def test_two_files_hold_one_sentence_per_line(tmp_path: Path) -> None:
    writer = write(tmp_path / "train", "plain", PAIRS)
    src, tgt = (tmp_path / f"train.{lang}" for lang in LANGS)
    lines = src.read_text(encoding="utf-8").split("\n")
    assert lines[:-1] == [src.replace("\n", " ") for src, _ in PAIRS]
    assert tgt.read_bytes().split(b"\n")[3] == b"un deux trois"
    assert writer.lost == {"line breaks (replaced by spaces)": 1}


def test_moses_escapes_are_those_of_its_scripts(tmp_path: Path) -> None:
    writer = write(tmp_path / "train", "moses", [PAIRS[2], ("twenty @-@ one", "x")])
    text = (tmp_path / "train.en").read_text()
    assert text == "a &amp; b &lt; c &gt; &quot;d&quot; &apos;e&apos; &#91;f&#93; &#124; g\ntwenty - one\n"
    assert writer.lost == {"literal @-@ (read as a hyphen)": 1}


def test_tsv_loses_tabs_and_line_breaks_and_counts_pairs(tmp_path: Path) -> None:
    writer = write(tmp_path / "x.tsv", "tsv", [("a\tb\tc", "d\te\r\nf"), ("\0g", "\ud800h"), ("i", "j")])
    assert (tmp_path / "x.tsv").read_bytes() == "a b c\td e f\ng\t\ufffdh\ni\tj\n".encode()
    assert writer.lost == {
        "tabs (replaced by spaces)": 1,
        "line breaks (replaced by spaces)": 1,
        "NUL characters (removed)": 1,
        "unpaired surrogates (replaced by U+FFFD)": 1,
    }


@pytest.mark.parametrize("format", ["plain", "tsv"])
def test_a_mark_at_the_beginning_would_be_taken_for_a_byte_order_mark(tmp_path: Path, format: str) -> None:
    writer = write(tmp_path / "x", format, [("\ufeffa", "b"), ("\ufeffc", "d")])
    data = (tmp_path / ("x.en" if format == "plain" else "x")).read_text(encoding="utf-8")
    assert data.startswith("a") and "\ufeffc" in data
    assert writer.lost == {"byte order mark at the beginning (removed)": 1}


def test_a_tsv_whose_first_pair_looks_like_a_header_gets_one(tmp_path: Path) -> None:
    write(tmp_path / "x.tsv", "tsv", [("English", "French"), ("a", "b")])
    assert (tmp_path / "x.tsv").read_text() == "source\ttarget\nEnglish\tFrench\na\tb\n"


def test_repeated_sources_get_contexts_in_a_catalog(tmp_path: Path) -> None:
    writer = write(tmp_path / "x.po", "po", [("a", "b"), ("a", "c"), ("", "d"), ("e", "")])
    contexts = [(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(tmp_path / "x.po"))]
    assert contexts == [(None, "a"), ("2", "a"), ("3", ""), (None, "e")]
    assert writer.lost == {"empty translations (untranslated entries)": 1}


@pytest.mark.parametrize(
    ("suffix", "decompress"),
    [("gz", gzip.decompress), ("bz2", bz2.decompress), ("xz", lzma.decompress), ("zst", zstd.decompress)],
)
def test_output_is_compressed_as_its_name_says(tmp_path: Path, suffix: str, decompress) -> None:  # type: ignore[no-untyped-def]  # four signatures
    for name in ("a", "b"):
        write(tmp_path / f"{name}.tsv.{suffix}", "tsv", PAIRS[:2])
    data = (tmp_path / f"a.tsv.{suffix}").read_bytes()
    assert decompress(data) == b"Hello\tBonjour\nHello\tSalut\n"
    assert data == (tmp_path / f"b.tsv.{suffix}").read_bytes()
    assert suffix != "gz" or data[3:8] == bytes(5)  # neither flags nor a time
    write(tmp_path / f"t.{suffix}", "plain", PAIRS[:1])
    assert decompress((tmp_path / f"t.fr.{suffix}").read_bytes()) == b"Bonjour\n"


@pytest.mark.parametrize("format", sorted(OUTPUT_FORMATS))
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, format: str) -> None:
    names = {path.name for path in output_paths(tmp_path / "out", format, LANGS)}
    for name in names:
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), open_writer(tmp_path / "out", format, LANGS) as writer:
        writer.write(Unit("a", "b", 1))
        raise ZeroDivisionError
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(names, b"old")


def test_an_unwritable_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="missing"):
        write(tmp_path / "missing" / "x.tsv", "tsv", PAIRS)


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("a.TMX.gz", None, "tmx"),
        ("a.xlf", None, "xliff"),
        ("a.json", None, "jsonl"),
        ("a.tsv", "csv", "csv"),
        ("train", "plain", "plain"),
    ],
)
def test_the_format_is_chosen_by_name_or_suffix(path: str, name: str | None, expected: str) -> None:
    assert output_format(Path(path), name) == expected


@pytest.mark.parametrize(
    ("path", "format", "langs", "message"),
    [
        (None, None, LANGS, "standard output.*name the format, one of plain, moses, tsv"),
        ("a.zip", None, LANGS, r"found .*a\.zip"),
        ("a", "docx", LANGS, "expected one of plain.*got 'docx'"),
        ("a.tmx", None, None, "tmx: expected the languages.*--langs en-fr"),
        ("a.tmx", None, ("en", "en"), "expected two languages, got en twice"),
        (None, "plain", LANGS, "--to plain: expected --out, since this format has two files"),
        ("a.parquet.gz", None, LANGS, "name the file a.parquet"),
    ],
)
def test_impossible_outputs_are_refused(
    tmp_path: Path, path: str | None, format: str | None, langs: tuple[str, str] | None, message: str
) -> None:
    out = None if path is None else tmp_path / path
    with pytest.raises(ConfigError, match=message), open_writer(out, output_format(out, format), langs):
        pass
    assert list(tmp_path.iterdir()) == []


def test_names_of_two_files() -> None:
    def names(path: str, langs: tuple[str, str] | None) -> list[str]:
        return [path.name for path in output_paths(Path(path), "plain", langs)]

    assert names("train", LANGS) == ["train.en", "train.fr"]
    assert names("train.en", LANGS) == ["train.en", "train.fr"]
    assert names("v1.2.gz", LANGS) == ["v1.2.en.gz", "v1.2.fr.gz"]
    assert names("train", None) == ["train.src", "train.tgt"]
    assert names("train", ("en", "en")) == ["train.src", "train.tgt"]


def test_standard_output_gets_the_same_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdout", stream)
    with open_writer(None, "tmx", LANGS) as writer:
        writer.write(Unit("a", "b", 1))
    write(tmp_path / "x.tmx", "tmx", [("a", "b")])
    assert stream.buffer.getvalue() == (tmp_path / "x.tmx").read_bytes()


@pytest.mark.parametrize(
    ("langs", "names"), [(None, ("src", "tgt")), (("en", "en"), ("src", "tgt")), (("tlh", "en"), ("src", "tgt"))]
)
def test_columns_have_usual_names_where_languages_cannot_name_them(
    tmp_path: Path, langs: tuple[str, str] | None, names: tuple[str, str]
) -> None:
    write(tmp_path / "x.jsonl", "jsonl", [("a", "b")], langs)
    assert json.loads((tmp_path / "x.jsonl").read_text()) == dict(zip(names, ("a", "b"), strict=True))


def test_parquet_is_written_in_batches_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_writer, "_ROWS_AT_ONCE", 2)
    write(tmp_path / "a.parquet", "parquet", PAIRS[:5])
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [tuple(row.values()) for row in rows] == list(PAIRS[:5])


def test_a_catalog_without_languages_names_none(tmp_path: Path) -> None:
    write(tmp_path / "a.po", "po", PAIRS[:1], langs=None)
    assert "Language" not in polib.pofile(str(tmp_path / "a.po")).metadata
