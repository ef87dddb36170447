"""Sentence pairs as lines of a job, and the functions that workers make to align and to score them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from regard.alignment.readout import Readout
from regard.errors import CheckpointError
from regard.recipes.chunks.aligning import AlignmentArguments, alignment_work, direction, open_alignment
from regard.recipes.chunks.pairs import on_pairs, pairs_text
from regard.recipes.chunks.scoring import ScoreArguments, open_scores, score_work
from regard.recipes.chunks.store import OptionalLine
from regard.recipes.chunks.work import Work
from regard.translation.chunks import AT_ONCE

MODELS = Path(__file__).parents[3] / "golden" / "models"
MODEL = MODELS / "luong"
PAIRS = [("The cat sleeps.", "Le chat dort."), ("A dog runs.", "")]
LINES = list(pairs_text([], lambda: PAIRS).lines())


def alignment(readout: Readout, *, format_name: str = "pharaoh", reverse: Readout | None = None) -> Work:
    backward = None if reverse is None else direction([MODELS / "transformer"], reverse, device="cpu")
    forward = direction([MODEL], readout, device="cpu")
    return alignment_work(forward, backward, method="union", format_name=format_name, reading="default")


def scores(**options: bool) -> Work:
    switches = {"normalize": False, "as_json": False} | options
    return score_work([MODEL], **switches, device="cpu", precision=None, terms=None, reading="default")


def sent(work: Work) -> AlignmentArguments:
    """Arguments as a worker reads them."""
    arguments: AlignmentArguments = json.loads(json.dumps(work.arguments))
    return arguments


@pytest.mark.parametrize(
    "text", ["a b", "", "tab\tand \u2028 line\r\nends", "\ud800 half", '"quoted" \\', "\x1f\x8b\0"]
)
def test_any_text_passes_through_a_line(text: str) -> None:
    made = pairs_text([Path("in")], lambda: [(text, text[::-1])])
    [line] = made.lines()
    assert line.count(b"\n") == line.endswith(b"\n") == 1

    def both(sources: Sequence[str], targets: Sequence[str], first: int) -> Iterator[OptionalLine]:
        assert (list(sources), list(targets), first) == ([text], [text[::-1]], 7)
        yield "seen", []

    assert list(on_pairs(both)([line[:-1]], 7)) == [("seen", [])]
    assert made.unit % AT_ONCE == 0


def test_warnings_name_the_model_and_the_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.search.length_limits.MAX_ATTENTION_WEIGHTS", 5)
    function = open_alignment(sent(alignment(Readout(), reverse=Readout(layer=0))), 1)
    (line, warnings), (other, none) = function([LINES[0], *pairs_text([], lambda: [("", "")]).lines()], 1 + AT_ONCE)
    assert (line, other, list(none)) == ("", "", [])
    assert [warning.split(": ")[:3] for warning in warnings] == [
        [str(MODEL), "sentence 513", "not read"],
        [str(MODELS / "transformer"), "sentence 513", "not read"],
    ]


def test_what_determines_the_links_is_part_of_the_identity() -> None:
    works = [
        alignment(Readout()),
        alignment(Readout(threshold=0.3)),
        alignment(Readout(), format_name="tsv"),
        alignment(Readout(), reverse=Readout()),
        alignment(Readout(), reverse=Readout(layer=0)),
        scores(),
        scores(normalize=True),
        scores(as_json=True),
    ]
    assert len({json.dumps(work.identity) for work in works}) == len(works)


def test_a_model_that_was_replaced_meanwhile_is_refused() -> None:
    changed = "the model has changed since the command was started"
    with pytest.raises(CheckpointError, match=changed):
        open_alignment({**sent(alignment(Readout())), "hashes": ["0" * 64]}, 1)
    arguments: ScoreArguments = json.loads(json.dumps(scores().arguments))
    with pytest.raises(CheckpointError, match=changed):
        open_scores({**arguments, "hashes": ["0" * 64]}, 1)
