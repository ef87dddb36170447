"""The function that a worker makes from the description of a translation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import regard
from regard.errors import CheckpointError
from regard.recipes.chunks.translating import open_translation, translation_work
from regard.recipes.chunks.work import Assignment
from regard.search.sample import SampleOptions
from regard.translation.glossary_files import GlossaryFiles
from regard.translation.options import Changes

MODEL = Path(__file__).parents[3] / "golden" / "models" / "luong"
LINES = ["The cat sleeps.", "A dog runs in the garden."]


def translate(work: dict[str, object]) -> list[tuple[str, list[str]]]:
    """Translates with what a worker reads: the description as JSON."""
    sent = Assignment("out.chunks", "in", "", work, 1).to_json()
    function = open_translation(Assignment.from_json(sent).arguments, threads=1)  # type: ignore[arg-type] # from JSON
    return [(line, list(warnings)) for line, warnings in function([line.encode() for line in LINES], 1)]


def work_of(options: Changes, *, as_json: bool = False, terms: GlossaryFiles | None = None) -> dict[str, object]:
    return translation_work(
        [MODEL], Path("in"), options, as_json=as_json, device="cpu", precision=None, shortlist=None, terms=terms
    ).arguments


def test_lines_are_translated_as_by_the_library() -> None:
    expected = [translation.text for translation in regard.load(MODEL, device="cpu").translate(LINES, beam=2)]
    assert [line for line, _ in translate(work_of({"beam": 2}))] == expected


def test_options_of_sampling_reach_the_worker() -> None:
    options = SampleOptions(temperature=2.0, seed=3)
    expected = [translation.text for translation in regard.load(MODEL, device="cpu").translate(LINES, sample=options)]
    found = translate(work_of({"sample": options}))
    assert [line for line, _ in found] == expected


def test_a_glossary_is_used_and_its_terms_are_in_the_json(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("source\ttarget\ncat\txyz\n")
    work = work_of({}, as_json=True, terms=GlossaryFiles((path,), ("en", "fr")))
    (first, _), (second, _) = translate(work)
    assert "xyz" in json.loads(first)["text"].lower()
    assert [use["source"] for use in json.loads(first)["terms"]] == ["cat"]
    assert json.loads(second)["terms"] == []
    path.write_text("source\ttarget\ncat\tuvw\n")
    with pytest.raises(CheckpointError, match="the glossary has changed since the command was started"):
        translate(work)


def test_a_model_that_was_replaced_meanwhile_is_refused() -> None:
    work = work_of({})
    with pytest.raises(CheckpointError, match="the model has changed since the command was started"):
        translate({**work, "hashes": ["0" * 64]})
