"""Languages that are equal, or in another order than the file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.data.corpora.formats import open_corpus
from regard.data.corpora.unit import ReadOptions, UnitReader
from regard.errors import ConfigError

TMX = (
    '<tmx version="1.4"><header srclang="en"/><body><tu><tuv xml:lang="en"><seg>Yes</seg></tuv>'
    '<tuv xml:lang="fr"><seg>Oui</seg></tuv></tu></body></tmx>'
)
XLIFF = (
    '<xliff version="1.2"><file source-language="en" target-language="fr"><body><trans-unit id="1">'
    "<source>Yes</source><target>Oui</target></trans-unit></body></file></xliff>"
)
PO = 'msgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "Yes"\nmsgstr "Oui"\n'
WMT = (
    '<dataset id="a"><doc origlang="en" id="a"><src lang="en"><p><seg id="1">Yes</seg></p></src>'
    '<ref lang="fr"><p><seg id="1">Oui</seg></p></ref></doc></dataset>'
)
FILES = {"a.tmx": TMX, "a.xlf": XLIFF, "a.po": PO, "a.xml": WMT}


def reader(path: Path, other: Path | None = None, *, langs: tuple[str, str]) -> UnitReader:
    return open_corpus(path, other, ReadOptions(langs=langs))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_translates_in_the_other_direction_is_read_and_reported(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    forward, backward = reader(path, langs=("en", "fr")), reader(path, langs=("fr", "en"))
    assert [unit[:2] for unit in forward.units()] == [("Yes", "Oui")]
    assert forward.report.direction_warnings() == []
    assert [unit[:2] for unit in backward.units()] == [("Oui", "Yes")]
    assert backward.report.direction_warnings() == [
        "source and target of 1 unit were exchanged, since the file translates in the other direction than --langs says"
    ]


@pytest.mark.parametrize(
    ("names", "is_warned"),
    [
        (("train.fr", "train.en"), True),
        (("train.fr.gz", "train.en.gz"), True),
        (("train.fra", "train.eng"), True),
        (("train.en", "train.fr"), False),
        (("train.src", "train.tgt"), False),
        (("train.fr", "train.txt"), False),
    ],
)
def test_two_text_files_whose_names_say_the_reverse(tmp_path: Path, names: tuple[str, str], *, is_warned: bool) -> None:
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.write_text("a\n", encoding="utf-8")
    warnings = reader(*paths, langs=("en", "fr")).report.direction_warnings()
    assert len(warnings) == is_warned
    assert all("names say the reverse: exchange the files, or write --langs fr-en" in warning for warning in warnings)


@pytest.mark.parametrize("name", FILES)
def test_equal_languages_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    with pytest.raises(ConfigError, match="--langs en-en: expected two different languages, got en twice"):
        reader(path, langs=("en", "en"))
