"""What `regard data clean` and `regard data split` print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from regard.data.cleaning.rejects import Reject
from regard.data.cleaning.run import CleanReport
from regard.data.cleaning.split import SplitReport
from regard.data.corpora.unit import ReadReport
from regard.files.printable import counted, on_one_line, plural

_MAX_SHOWN = 100
# Characters of a text that are shown in an example.


def clean_summary(report: CleanReport, name: str, *, rejects: Path | None = None) -> Iterator[str]:
    """Lines that say what was kept and what was dropped.

    Args:
        report: Outcome of `clean` or `preview`.
        name: Name of the corpus.
        rejects: File of the dropped pairs; None = nothing was written.

    Yields:
        Lines of text.
    """
    tally, dry_run = report.tally, rejects is None
    yield f"read     {tally.num_units:>11,}  {plural(tally.num_units, 'pair')} from {name}"
    if report.num_resumed:
        yield f"         {report.num_resumed:>11,}  of them were done by an earlier, unfinished run"
    yield from left_out_lines(report.reading)
    for name, finding, threshold in report.selection.findings():
        count = tally.dropped.get(name, 0)
        limit = "" if threshold is None else f" > {threshold:g}"
        yield f"{'drop' if dry_run else 'dropped':8} {count:>11,}  {name}{limit}: {finding}"
        for reject in report.examples.get(name, ()):
            yield from _example_lines(reject)
    for check, needs in report.not_checked.items():
        yield f"not checked: {check}, which needs {needs}"
    share = f" ({tally.num_kept / tally.num_units:.1%})" if tally.num_units else ""
    yield f"{'keep' if dry_run else 'kept':8} {tally.num_kept:>11,}  {plural(tally.num_kept, 'pair')}{share}"
    for reason, count in sorted(report.lost.items()):
        yield f"lost     {count:>11,}  {reason}"
    if not dry_run:
        yield f"the dropped pairs are in {rejects}"


def split_summary(report: SplitReport, name: str, directory: Path) -> Iterator[str]:
    """Lines that say how a corpus was split, and which requested sizes could not be reached.

    Args:
        report: Outcome of `split`.
        name: Name of the corpus.
        directory: Directory of the output.

    Yields:
        Lines of text.
    """
    num_units = report.num_pairs + report.num_empty
    yield f"read     {num_units:>11,}  {plural(num_units, 'pair')} from {name}"
    yield from left_out_lines(report.reading)
    if report.num_empty:
        yield f"left out {report.num_empty:>11,}  {plural(report.num_empty, 'pair')} with an empty side"
    yield (
        f"found    {report.num_groups:>11,}  {plural(report.num_groups, 'group')} of pairs that share a sentence; the "
        f"largest has {counted(report.largest_group, 'pair')}"
    )
    for part, size in report.sizes.items():
        missing = report.requested.get(part, 0) - size
        note = f"; {missing:,} fewer than requested, since every other group is larger" if missing > 0 else ""
        yield f"{part:8} {size:>11,}  {plural(size, 'pair')}{note}"
    for reason, count in sorted(report.lost.items()):
        yield f"lost     {count:>11,}  {reason}"
    yield f"wrote {directory}"


def left_out_lines(reading: ReadReport) -> Iterator[str]:
    """Lines that say what a reader left out.

    Args:
        reading: Report of the reader.

    Yields:
        One line per reason, and the messages of the first faulty units.
    """
    for reason, count in sorted(reading.left_out.items()):
        yield f"left out {count:>11,}  {reason}"
    yield from (f"warning  {warning}" for warning in reading.direction_warnings())
    if reading.num_faults:
        yield f"left out {reading.num_faults:>11,}  faulty"
        yield from (f"         {message}" for message in reading.faults)


def _example_lines(reject: Reject) -> Iterator[str]:
    yield f"    line {reject.unit.line}, score {reject.score:g}"
    yield f"      {shown(reject.unit.src)}"
    yield f"      {shown(reject.unit.tgt)}"


def shown(text: str) -> str:
    """A text on one line, without control characters, cut to at most 100 characters."""
    line = on_one_line(text)
    return line if len(line) <= _MAX_SHOWN else line[: _MAX_SHOWN - 1] + "…"
