"""`regard data convert` as a user types it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CATALOG = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Language: fr\\n"

msgid "Hello"
msgstr "Bonjour"

#, fuzzy
msgid "Maybe"
msgstr "Peut-être"

msgid "&Two\\n"
"lines"
msgstr "&Deux\\n"
"lignes"
"""
Run = Callable[..., Any]  # of the fixture in conftest.py, whose result has status, out and err


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "django.po"
    path.write_text(CATALOG, encoding="utf-8")
    return path


def test_a_catalog_becomes_a_table_and_the_losses_are_named(regard: Run, catalog: Path) -> None:
    out = catalog.with_name("out.tsv.gz")
    done = regard("data", "convert", str(catalog), "--langs", "en-fr", "--to", "tsv", "--out", str(out))
    assert (done.status, done.err) == (0, "")
    assert gzip.decompress(out.read_bytes()).decode() == "Hello\tBonjour\n&Two lines\t&Deux lignes\n"
    assert done.out.splitlines() == [
        f"{catalog}: 2 pairs written to {out} (tsv)",
        "  left out: fuzzy (1)",
        "  pairs that tsv cannot hold as they are: line breaks (replaced by spaces) (1)",
        "  tsv has no place for the languages",
    ]


def test_unfinished_translations_and_accelerators_on_request(regard: Run, catalog: Path) -> None:
    done = regard("data", "convert", str(catalog), "--to", "csv", "--include-fuzzy", "--strip-accelerators")
    assert done.status == 0
    assert done.out == 'source,target\nHello,Bonjour\nMaybe,Peut-être\n"Two\nlines","Deux\nlignes"\n'
    assert done.err.startswith(f"regard: {catalog}: 3 pairs written to standard output (csv)")


def test_two_files_in_and_out(regard: Run, tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\ntwo\n")
    (tmp_path / "a.fr").write_text("un\ndeux\n")
    files = str(tmp_path / "a.en"), str(tmp_path / "a.fr")
    assert regard("data", "convert", *files, "--langs", "en-fr", "--out", str(tmp_path / "a.po")).status == 0
    back = regard(
        "data", "convert", str(tmp_path / "a.po"), "--langs", "fr-en", "--to", "plain", "--out", str(tmp_path / "b")
    )
    assert back.out.startswith(
        f"{tmp_path / 'a.po'}: 2 pairs written to {tmp_path / 'b.fr'} and {tmp_path / 'b.en'} (plain)"
    )
    assert ((tmp_path / "b.en").read_text(), (tmp_path / "b.fr").read_text()) == ("one\ntwo\n", "un\ndeux\n")


def test_standard_input_to_standard_output(regard: Run) -> None:
    done = regard("data", "convert", "-", "--to", "jsonl", "--langs", "en-fr", stdin=b"one\tun\ntwo\tdeux\n")
    assert (done.status, done.out) == (0, '{"en": "one", "fr": "un"}\n{"en": "two", "fr": "deux"}\n')
    done = regard("data", "convert", "-", "--input-format", "po", "--to", "tsv", stdin=CATALOG.encode("utf-16"))
    assert (done.status, done.out) == (0, "Hello\tBonjour\n&Two lines\t&Deux lignes\n")


def test_faults_stop_or_are_counted(regard: Run, catalog: Path) -> None:
    catalog.write_text(CATALOG + '\nmsgid "open\nmsgstr "x"\n\nmsgid "last"\nmsgstr "dernier"\n', encoding="utf-8")
    out = catalog.with_name("out.tsv")
    done = regard("data", "convert", str(catalog), "--out", str(out))
    assert done.status == 2 and f"{catalog}:18: expected a string that ends in a quotation mark" in done.err
    assert not out.exists()
    done = regard("data", "convert", str(catalog), "--out", str(out), "--on-error", "skip")
    assert done.status == 0 and "faulty units skipped: 1, such as" in done.out
    assert out.read_text(encoding="utf-8").endswith("\nlast\tdernier\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "docx"], "expected one of plain, moses, tsv, csv, jsonl, tmx, xliff, po, parquet, got 'docx'"),
        ([], "name the format"),
        (["--to", "plain"], "expected --out, since this format has two files"),
        (["--to", "tmx"], "expected the languages of the corpus"),
        (["--to", "tsv", "--langs", "en-de"], "expected a catalog of translations into de (or en), found Language: fr"),
        (["--to", "tsv", "--input-format", "xlsx"], "expected one of plain"),
        (["--to", "tsv", "--encoding", "klingon"], "expected the name of an encoding"),
        (["--to", "tsv", "--out", "missing/x.tsv"], "missing/x.tsv: cannot be written"),
    ],
)
def test_mistakes_are_explained(regard: Run, catalog: Path, arguments: list[str], message: str) -> None:
    done = regard("data", "convert", str(catalog), *arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_the_input_is_not_overwritten(regard: Run, catalog: Path) -> None:
    done = regard("data", "convert", str(catalog), "--langs", "en-fr", "--to", "tsv", "--out", str(catalog))
    assert done.status == 2
    assert "is both input and output" in done.err
    assert catalog.read_text(encoding="utf-8") == CATALOG
