"""Zip archives of OPUS: the choice of two files inside, and broken archives."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest

from regard.data.corpora.formats import open_corpus
from regard.data.corpora.opus_zip import OpusZipReader
from regard.data.corpora.unit import ReadOptions, ReadReport
from regard.errors import DataError

OPUS = {
    "README": b"about",
    "Tatoeba.en-fr.en": b"Hello\nYes\r\n\nLast",
    "Tatoeba.en-fr.fr": b"Bonjour\nOui\nvide\nDernier",
    "Tatoeba.en-fr.ids": b"1\n2\n3\n4\n",
    "Tatoeba.en-fr.xml": b"<x/>",
}
EN_FR = ReadOptions(langs=("en", "fr"))
SKIP = ReadOptions(langs=("en", "fr"), on_error="skip")


def write(path: Path, files: dict[str, bytes], compression: int = ZIP_DEFLATED) -> Path:
    with ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def read(path: Path, options: ReadOptions = EN_FR) -> tuple[list[tuple[str, str, int]], ReadReport]:
    reader = open_corpus(path, None, options)
    units = [(unit.src, unit.tgt, unit.line) for unit in reader.units()]
    return units, reader.report


@pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED, ZIP_LZMA])
def test_the_two_files_of_the_languages_are_read(tmp_path: Path, compression: int) -> None:
    path = write(tmp_path / "x.zip", OPUS, compression)
    units, report = read(path)
    assert units == [("Hello", "Bonjour", 1), ("Yes", "Oui", 2), ("", "vide", 3), ("Last", "Dernier", 4)]
    assert report.languages == {"en": 4, "fr": 4}
    assert read(path, ReadOptions(langs=("fr", "en")))[0][0] == ("Bonjour", "Hello", 1)
    assert read(path, ReadOptions())[0][0] == ("Hello", "Bonjour", 1)


def test_without_languages_the_order_is_that_of_the_name(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip", {"X.fr-en.en": b"a\n", "X.fr-en.fr": b"b\n"})
    assert read(path, ReadOptions())[0] == [("b", "a", 1)]


def test_regions_are_matched(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip", {"X.en_GB-pt_BR.en_GB": b"a\n", "X.en_GB-pt_BR.pt_BR": b"b\n"})
    assert read(path, ReadOptions(langs=("en", "pt")))[0] == [("a", "b", 1)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": b"x", "b.md": b"y"}, "found none among a.txt, b.md: unpack the archive"),
        ({}, "found none among no files"),
        ({"X.en": b"a", "X.fr": b"b", "Y.en": b"a", "Y.fr": b"b"}, "found several such pairs among X.en, X.fr, Y.en"),
        ({"X.en": b"a", "X.de": b"b"}, "found none among X.en, X.de"),
        ({"X.en-GB": b"a", "X.en-US": b"b", "X.fr": b"c"}, "expected one language that matches en"),
        ({"X.en": b"a\nb\n", "X.fr": b"c\n"}, "X.en has 2 lines but .*X.fr has 1:"),
        ({"X.en": b"a\n", "X.fr": b"c\nd\n"}, "X.en has 1 lines but .*X.fr has 2:"),
        ({"X.en": b"a\n\xe9\n", "X.fr": b"c\nd\n"}, "x.zip.*:2: expected UTF-8, found byte 0xe9"),
    ],
)
def test_unclear_or_wrong_content_is_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    path = write(tmp_path / "x.zip", files)
    with pytest.raises(DataError, match=message):
        read(path)
    assert read(path, SKIP)[1].num_faults == 1


def test_the_lines_before_a_missing_one_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip", {"X.en": b"a\nb\n", "X.fr": b"c\n"})
    assert read(path, SKIP)[0] == [("a", "c", 1)]


def test_a_line_without_end_is_not_held_in_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zip", {"X.en": b"a" * 50_000_000 + b"\nb\n", "X.fr": b"c\nd\n"})
    assert path.stat().st_size < 100_000
    units, report = read(path, SKIP)
    assert units == [("b", "d", 2)] and "longer" in report.faults[0]


@pytest.mark.parametrize("damage", ["cut", "flipped", "encrypted", "not a zip", "empty"])
def test_broken_archives_are_refused(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "x.zip", {"X.en": bytes(range(32, 127)) * 50, "X.fr": b"b" * 3000}, ZIP_STORED)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[:3000]
    elif damage == "flipped":
        data[100] ^= 1
    elif damage == "encrypted":
        data[data.rindex(b"PK\1\2") + 8] |= 1
        data[data.index(b"PK\1\2") + 8] |= 1
    elif damage == "not a zip":
        data = bytearray(b"Hello\tBonjour\n")
    else:
        data = bytearray()
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"x\.zip.*(broken|encrypted)"):
        read(path)
    assert read(path, SKIP)[1].num_faults == 1


def test_an_archive_needs_one_pair_of_files_without_languages(tmp_path: Path) -> None:
    files = {f"X.{code}": b"a\n" for code in ("en", "fr", "de", "it", "es", "pt", "nl", "sv", "da", "cs")}
    path = write(tmp_path / "x.zip", files)
    with pytest.raises(DataError, match=r"found none among X\.en, .* X\.sv and 2 more: unpack the archive"):
        read(path, ReadOptions())
    assert read(path)[0] == [("a", "a", 1)]


def test_an_archive_cannot_be_read_from_a_pipe() -> None:
    with pytest.raises(DataError, match="expected a zip archive, found a pipe: save it as a file first"):
        OpusZipReader(None, EN_FR)
