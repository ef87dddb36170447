"""The summaries of cleaning and splitting in words."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

from regard.data.cleaning.faults import FaultLog
from regard.data.cleaning.filters import Selection
from regard.data.cleaning.parts import Tally
from regard.data.cleaning.rejects import HEADER, Reject, RejectLines
from regard.data.cleaning.run import CleanReport
from regard.data.cleaning.split import SplitReport
from regard.data.cleaning.summary import clean_summary, split_summary
from regard.data.corpora.unit import ReadReport, Unit

READING = ReadReport(left_out=Counter({"no fr text": 3}), num_faults=1, faults=["a.tmx:7: broken"])


def test_a_summary_tells_what_was_left_out_lost_and_done_before() -> None:
    report = CleanReport(
        Selection((), drops_duplicates=False),
        tally=Tally(num_units=10, num_kept=4),
        reading=READING,
        lost=Counter({"control characters": 2}),
        num_resumed=5,
    )
    lines = [" ".join(line.split()) for line in clean_summary(report, "a.tmx", rejects=Path("a.rejects.tsv"))]
    assert lines == [
        "read 10 pairs from a.tmx",
        "5 of them were done by an earlier, unfinished run",
        "left out 3 no fr text",
        "left out 1 faulty",
        "a.tmx:7: broken",
        "kept 4 pairs (40.0%)",
        "lost 2 control characters",
        "the dropped pairs are in a.rejects.tsv",
    ]


def test_a_summary_of_a_split_tells_what_the_format_cannot_hold() -> None:
    report = SplitReport(num_pairs=4, sizes={"train": 3, "val": 1}, lost=Counter({"control characters": 2}))
    lines = [" ".join(line.split()) for line in split_summary(report, "a.tmx", Path("parts"))]
    assert lines[-2:] == ["lost 2 control characters", "wrote parts"]


def test_a_log_without_faults_has_no_rejects() -> None:
    assert list(FaultLog().rejects()) == []


def test_rejects_are_merged_by_line() -> None:
    early = [Reject("a", "empty", 1.0, Unit("x", "y", number)).line() for number in (2, 5)]
    late = Reject("a", "duplicate", 1.0, Unit("x", "y", 4))
    file = io.BytesIO()
    lines = RejectLines(early, file)
    lines.insert(late)
    lines.finish()
    assert file.getvalue() == HEADER + early[0] + late.line() + early[1]
