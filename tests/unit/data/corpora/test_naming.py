"""Names of corpora on the command line: files, two files, weights, and names that contain their signs."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.data.corpora.naming import NamedCorpus, parse_corpus, split_languages
from regard.errors import ConfigError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.tmx", ("a.tmx", None, None)),
        ("b.tsv.gz:2.0", ("b.tsv.gz", None, 2.0)),
        ("b.tsv:.5", ("b.tsv", None, 0.5)),
        ("c.en,c.fr:0.5", ("c.en", "c.fr", 0.5)),
        ("c.en,c.fr", ("c.en", "c.fr", None)),
        ("-:3", ("-", None, 3.0)),
        (r"C:\data\a.tmx", (r"C:\data\a.tmx", None, None)),
        (r"C:\a.en,D:\a.fr:2", (r"C:\a.en", r"D:\a.fr", 2.0)),
        ("a.tmx:two", ("a.tmx:two", None, None)),
        ("a.tmx:1e3", ("a.tmx:1e3", None, None)),
        ("a.tmx:-1", ("a.tmx:-1", None, None)),
        (",a", (",a", None, None)),
    ],
)
def test_files_and_weights(text: str, expected: tuple[str, str | None, float | None]) -> None:
    assert parse_corpus(text) == NamedCorpus(*expected)


def test_a_file_whose_name_has_the_signs_is_found(here: Path) -> None:
    for name in ("16:30.tsv", "talk:2", "news,2024.tmx", "a,b.en", "a,b.fr", "odd,1:5"):
        (here / name).touch()
    assert parse_corpus("16:30.tsv:2") == ("16:30.tsv", None, 2.0)
    assert parse_corpus("talk:2") == ("talk:2", None, None)
    assert parse_corpus("talk:2:1") == ("talk:2", None, 1.0)
    assert parse_corpus("news,2024.tmx") == ("news,2024.tmx", None, None)
    assert parse_corpus("news,2024.tmx:3") == ("news,2024.tmx", None, 3.0)
    assert parse_corpus("a,b.en,a,b.fr:3") == ("a,b.en", "a,b.fr", 3.0)
    assert parse_corpus("odd,1:5") == ("odd,1:5", None, None)


def test_a_name_that_can_be_read_in_two_ways_is_refused(here: Path) -> None:
    for name in ("a.tmx", "a.tmx:2", "x", "y,z", "x,y", "z"):
        (here / name).touch()
    with pytest.raises(ConfigError, match=r"there are files named 'a.tmx:2' and 'a.tmx': .* write a.tmx:2:1"):
        parse_corpus("a.tmx:2")
    assert parse_corpus("a.tmx:2:1") == ("a.tmx:2", None, 1.0)
    with pytest.raises(ConfigError, match="more than one way to divide it names two files"):
        parse_corpus("x,y,z")
    with pytest.raises(ConfigError, match="no way to divide it names two files"):
        parse_corpus("p,q,r:2")
    with pytest.raises(ConfigError, match="got an empty name"):
        parse_corpus("")


@pytest.mark.parametrize("weight", ["-1", "x", "", "1e3", "2,5"])
def test_a_wrong_weight_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.tsv").touch()
    with pytest.raises(ConfigError, match=rf"--corpus a.tsv:{weight}: expected a weight .* got '{weight}'"):
        parse_corpus(f"a.tsv:{weight}")


def test_languages_come_before_an_equals_sign(here: Path) -> None:
    assert split_languages("en-pt-br=a.en,a.pt:2") == ("en-pt-BR", "a.en,a.pt:2")
    assert split_languages("a.tmx") == (None, "a.tmx")
    assert split_languages("run=1.tsv") == (None, "run=1.tsv")
    (here / "en-fr=1.tsv").touch()
    assert split_languages("en-fr=1.tsv") == (None, "en-fr=1.tsv")
    assert split_languages("en-fr=1.tsv,2.tsv") == ("en-fr", "1.tsv,2.tsv")
