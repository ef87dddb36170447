"""Named glossaries: which file is used for a direction."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

pytest.importorskip("fastapi")  # the extra `serve`

from regard.service.errors import ServiceError
from regard.service.glossaries import Glossaries, NamedGlossary

LANGS = ("en", "fr")


def named(path: Path, source: str, direction: tuple[str, str] | None = None) -> NamedGlossary:
    path.write_text(f"source\ttarget\n{source}\tx\n")
    return NamedGlossary("pets", path, direction)


@pytest.mark.parametrize("is_own_first", [True, False])
def test_a_file_for_one_direction_takes_precedence_over_one_for_all(tmp_path: Path, is_own_first: bool) -> None:
    own, general = named(tmp_path / "own.tsv", "cat", LANGS), named(tmp_path / "general.tsv", "dog")
    glossaries = Glossaries([own, general] if is_own_first else [general, own])
    glossaries.load([LANGS, ("fr", "en")])
    assert [entry.sources for entry in glossaries.get("pets", LANGS).entries] == [("cat",)]
    assert [entry.sources for entry in glossaries.get("pets", ("fr", "en")).entries] == [("dog",)]
    named(tmp_path / "own.tsv", "bird", LANGS)
    glossaries.reload()
    assert [entry.sources for entry in glossaries.get("pets", LANGS).entries] == [("bird",)]


def test_a_glossary_is_read_for_the_direction_of_a_model_that_was_added_later(tmp_path: Path) -> None:
    glossaries = Glossaries([named(tmp_path / "a.tsv", "cat")])
    assert len(glossaries.get("pets", LANGS).entries) == 1
    with pytest.raises(ServiceError):
        glossaries.get("plants", LANGS)


def test_a_glossary_that_cannot_be_read_again_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    glossaries = Glossaries([named(tmp_path / "a.tsv", "cat")])
    glossaries.load([LANGS])
    (tmp_path / "a.tsv").write_text("no table")
    with caplog.at_level(logging.INFO, logger="regard.service"):
        glossaries.reload()
    assert [record.message for record in caplog.records] == ["glossary not reloaded"]
    assert len(glossaries.get("pets", LANGS).entries) == 1
