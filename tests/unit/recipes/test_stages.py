"""Stages of recipes: done once, resumed, and done again if what determines them or their output has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from regard.recipes.stages import STATE, Stage, StageRunner
from regard.train.interrupt import Interrupt


class Work:
    """Stages that write their names, and a record of their runs: name, and whether they resumed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.runs: list[tuple[str, bool]] = []
        self.stops_at = ""
        self.interrupt = Interrupt()
        self.messages: list[str] = []

    def stage(self, name: str, determined_by: object = 1) -> Stage:
        output = self.directory / name

        def run(resumes: bool) -> bool:
            self.runs.append((name, resumes))
            output.write_text(name)
            return name != self.stops_at

        return Stage(name, f"do {name}", determined_by, (output,), run)

    def run(self, *stages: Stage) -> bool:
        self.runs.clear()
        return StageRunner(self.directory, self.messages.append, self.interrupt).run(stages)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_finished_stages_are_skipped(work: Work) -> None:
    stages = [work.stage("a"), work.stage("b")]
    assert work.run(*stages) and work.runs == [("a", False), ("b", False)]
    assert work.run(*stages) and work.runs == []
    assert StageRunner(work.directory, print, Interrupt()).finished([*stages, work.stage("c")]) == [True, True, False]


def test_a_stopped_stage_is_resumed(work: Work) -> None:
    stages = [work.stage("a"), work.stage("b"), work.stage("c")]
    work.stops_at = "b"
    assert not work.run(*stages)
    assert work.runs == [("a", False), ("b", False)]
    work.stops_at = ""
    assert work.run(*stages)
    assert work.runs == [("b", True), ("c", False)]
    assert "b: continue to do b" in work.messages


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda work: [work.stage("a", 2), work.stage("b"), work.stage("c")], ["a", "b", "c"]),
        (lambda work: [work.stage("a"), work.stage("b", 2), work.stage("c")], ["b", "c"]),
    ],
    ids=["first", "second"],
)
def test_a_change_concerns_a_stage_and_those_after_it(
    work: Work, change: Callable[[Work], list[Stage]], expected: list[str]
) -> None:
    work.run(work.stage("a"), work.stage("b"), work.stage("c"))
    assert work.run(*change(work))
    assert work.runs == [(name, False) for name in expected]


def test_an_unfinished_stage_of_other_options_is_not_resumed(work: Work) -> None:
    work.stops_at = "a"
    work.run(work.stage("a"))
    work.stops_at = ""
    assert work.run(work.stage("a", 2))
    assert work.runs == [("a", False)]


def test_an_output_that_was_changed_or_removed_is_made_again(work: Work) -> None:
    stages = [work.stage("a"), work.stage("b")]
    work.run(*stages)
    (work.directory / "a").write_text("other")
    assert work.run(*stages) and work.runs == [("a", False)]
    (work.directory / "b").unlink()
    assert work.run(*stages) and work.runs == [("b", False)]


def test_a_damaged_record_means_that_nothing_is_finished(work: Work) -> None:
    work.run(work.stage("a"))
    (work.directory / STATE).write_text("{")
    assert work.run(work.stage("a")) and work.runs == [("a", False)]


def test_no_stage_begins_after_a_request_to_stop(work: Work) -> None:
    work.interrupt.request()
    assert not work.run(work.stage("a"))
    assert work.runs == []
