"""Detection of formats by name and content, and opening of corpora from files, pipes and standard input."""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.corpora.formats import FORMATS, HEAD_SIZE, detect_format, open_corpus
from regard.data.corpora.unit import ReadOptions, Unit
from regard.errors import ConfigError, DataError

Write = Callable[[str, bytes | str], Path]
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("on_error", ["stop", "skip"])
def test_a_missing_file_is_an_error_of_every_format(
    tmp_path: Path, name: str, on_error: Literal["stop", "skip"]
) -> None:
    other = tmp_path / "other" if FORMATS[name].num_files == 2 else None
    with pytest.raises(DataError, match=r"missing: no such file"):
        list(open_corpus(tmp_path / "missing", other, ReadOptions(on_error=on_error), name).units())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.tmx", "tmx"),
        ("A.TMX", "tmx"),
        ("a.tmx.gz", "tmx"),
        ("a.po", "po"),
        ("a.pot.xz", "po"),
        ("a.mo", "mo"),
        ("a.gmo", "mo"),
        ("a.xlf", "xliff"),
        ("a.xliff.zst", "xliff"),
        ("a.sgm", "sgm"),
        ("a.sgml", "sgm"),
        ("a.tsv", "tsv"),
        ("a.tab.bz2", "tsv"),
        ("a.csv", "csv"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("a.json.gz", "jsonl"),
        ("a.zip", "opus"),
        ("a.parquet", "parquet"),
        ("dir.tmx/a", "tsv"),
        ("a.xml", "tsv"),
        ("a.gz", "tsv"),
        ("a.tmx.old", "tsv"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert detect_format(name, b"") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f'{XML}<tmx version="1.4">', "tmx"),
        ('<tmx version="1.1">', "tmx"),
        (f'{XML}<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<!-- <xliff> -->\n\n<tmx version="1.4">', "tmx"),
        (f'{XML}<!DOCTYPE tmx [<!ENTITY a "<xliff>">]><tmx\n>', "tmx"),
        (f'{XML}<t:tmx xmlns:t="x">', "tmx"),
        ("\ufeff \n<TMX>", "tmx"),
        (f'{XML}<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0">', "xliff"),
        (f'{XML}<dataset id="wmt24">', "wmt"),
        ('<srcset setid="newstest2019" srclang="any">', "sgm"),
        ('<refset trglang="de">', "sgm"),
        (f"{XML}<html>", "tsv"),
        ("<b>Hello</b>\t<b>Bonjour</b>\n", "tsv"),
        ("<!-- never closed <tmx>", "tsv"),
        ('msgid ""\nmsgstr ""\n', "po"),
        ('# Translators\n#\n\n#, fuzzy\nmsgid ""\n', "po"),
        ('\ufeffmsgctxt "menu"\r\nmsgid "a"\r\n', "po"),
        ("msgid is a word\tmsgid est un mot\n", "tsv"),
        ('{"en": "a", "fr": "b"}\n', "jsonl"),
        (' {"translation": {}}', "jsonl"),
        ("{} is empty\t{} est vide", "tsv"),
        ("source,target\na,b\n", "csv"),
        ('"Source";"Target"\n', "csv"),
        ("source, of course\tsource, bien sûr", "tsv"),
        ("Hello, world\tBonjour, monde\n", "tsv"),
        ("", "tsv"),
        ("a\nb\n", "tsv"),
    ],
)
def test_contents(content: str, expected: str) -> None:
    assert detect_format("standard input", content.encode()) == expected
    if "encoding" not in content:
        assert detect_format("a.xml", content.encode()) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_xml_in_utf_16(encoding: str) -> None:
    assert detect_format("a.xml", '<?xml version="1.0"?>\r\n<tmx version="1.4">'.encode(encoding)) == "tmx"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"PK\3\4", "opus"),
        (b"PAR1\x15", "parquet"),
        (b"\xde\x12\x04\x95\0", "mo"),
        (b"\x95\x04\x12\xde\0", "mo"),
        (b"\xff\xfe\x00", "tsv"),
    ],
)
def test_magic_numbers(head: bytes, expected: str) -> None:
    assert detect_format("a", head) == expected


@given(
    st.text()
    | st.lists(st.sampled_from(["<!--", "-->", "<?", "?>", "<!DOCTYPE", "[", "]>", ">", " ", "<a"])).map("".join)
)
def test_any_content_has_a_format(text: str) -> None:
    assert detect_format("a", text.encode(errors="surrogatepass")) in FORMATS


def test_detection_takes_no_time_on_hostile_heads() -> None:
    for part in ("<!-- -->", "<?a?>", "<!--", "#\n", "# ", "\n", "<!DOCTYPE [", "<!DOCTYPE a [ ]>", " "):
        assert detect_format("a", part.encode() * (HEAD_SIZE // len(part))) == "tsv"


def test_readers_have_the_names_of_the_table() -> None:
    for form in FORMATS.values():
        if importlib.util.find_spec(f"regard.data.corpora.{form.module}"):
            reader = getattr(importlib.import_module(f"regard.data.corpora.{form.module}"), form.reader)
            assert reader.format == form.name


TSV, UNITS = "a\tb\nc\td\n", [Unit("a", "b", 1), Unit("c", "d", 2)]


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz", "a", "a.zst"])
def test_a_file(write: Write, name: str) -> None:
    reader = open_corpus(write(name, TSV))
    assert (reader.format, list(reader.units())) == ("tsv", UNITS)


def test_two_files(write: Write) -> None:
    src, tgt = write("a.en.xz", "a\nc\n"), write("a.fr", "b\nd\n")
    reader = open_corpus(src, str(tgt))
    assert (reader.format, reader.name, list(reader.units())) == ("plain", f"{src} and {tgt}", UNITS)
    reader = open_corpus(write("a.tsv", "a\nc\n"), write("b.json", "b\nd\n"))  # as two files, they are lines
    assert list(reader.units()) == UNITS
    assert open_corpus(src, tgt, format="moses").format == "moses"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (TSV.encode(), gzip.compress(TSV.encode())):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(data))))
        reader = open_corpus("-")
        assert (reader.name, list(reader.units())) == ("standard input", UNITS)
    monkeypatch.setattr(
        sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(b'{"src": "a", "tgt": "b"}')))
    )
    assert list(open_corpus("-").units()) == [Unit("a", "b", 1)]


def test_source_from_standard_input_and_target_from_a_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(b"a\nc\n"))))
    assert list(open_corpus("-", write("b", "b\nd\n")).units()) == UNITS
    with pytest.raises(DataError, match="at most one text from standard input"):
        open_corpus("-", "-")


@pytest.mark.parametrize("name", ["pipe", "pipe.tsv", "pipe.gz"])
def test_a_named_pipe(tmp_path: Path, name: str) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    path = tmp_path / name
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(gzip.compress(TSV.encode())))
    writer.start()
    assert list(open_corpus(path).units()) == UNITS
    writer.join()


def test_a_pipe_cannot_be_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="-: expected a zip archive of OPUS, found a pipe: save it as a file first"):
        open_corpus("-", format="opus")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(b"PAR1"))))
    with pytest.raises(DataError, match=r"-: expected a Parquet file, or .* found a pipe"):
        open_corpus("-")


@pytest.mark.parametrize(
    ("names", "form", "message"),
    [
        (["a.en", "a.fr"], "tmx", "a.en and .*a.fr: expected 1 file, since the format is tmx .*, got 2: name one file"),
        (["a.tmx", "b.tmx"], None, "expected 1 file, since the format is tmx"),
        (
            ["a.en"],
            "plain",
            "a.en: expected 2 files, since the format is plain .*, got 1: name the target file as well",
        ),
        (["a.sgm"], None, "expected 2 files, since the format is sgm"),
        (["missing"], None, "missing: no such file"),
    ],
)
def test_a_wrong_number_of_files(tmp_path: Path, names: list[str], form: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_corpus(tmp_path / names[0], tmp_path / names[1] if len(names) > 1 else None, format=form)


def test_an_unknown_format_and_an_unknown_encoding(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"format: expected one of plain, moses, .*, got 'tmxx'"):
        open_corpus("a", format="tmxx")
    for encoding in ("no-such", "hex", "undefined", ""):
        with pytest.raises(
            ConfigError, match=f"encoding: expected the name of an encoding, such as .*, got '{encoding}'"
        ):
            list(open_corpus(write("a.tsv", TSV), options=ReadOptions(encoding=encoding)).units())
