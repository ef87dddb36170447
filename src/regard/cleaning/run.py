"""Cleans a parallel corpus: keeps the pairs that pass all checks, and writes every other pair to a file of rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from regard.cleaning.examine import CHUNK_PAIRS, Examiner, Failure, examine
from regard.cleaning.filters import Filters, Selection
from regard.cleaning.parts import Parts, Tally
from regard.cleaning.rejects import HEADER, Reject
from regard.cleaning.source import CorpusSource, Progress, no_progress, packed, unpacked, with_reports
from regard.corpora.unit import ReadReport, Unit
from regard.corpora.writers import open_writer
from regard.files.atomic import write_output
from regard.files.paths import refuse_overwriting_input
from regard.values import Pair

PART_CHUNKS = 20
"""Number of chunks in a part, the work that a kill can lose."""
NUM_EXAMPLES = 5
"""Number of pairs shown for each check."""


@dataclass(frozen=True)
class CleanTask:
    """What to clean, how, and where to write it.

    Attributes:
        source: The corpus.
        filters: The checks.
        out: Output file.
        rejects: File of the pairs that were dropped, a TSV with a header.
        to: Format of the output; None = by its name, or two plain files.
        num_workers: Number of processes; the output does not depend on it.
        chunk_pairs: Number of pairs that are scored together.
    """

    source: CorpusSource
    filters: Filters
    out: Path
    rejects: Path
    to: str | None = None
    num_workers: int = 1
    chunk_pairs: int = CHUNK_PAIRS


@dataclass
class CleanReport:
    """What was kept, and what was dropped for which reason.

    Attributes:
        selection: The checks that were applied.
        tally: Counts of units.
        reading: What the reader left out.
        examples: Pairs that were dropped, by name of the check; only from `preview`.
        lost: What the format of the output cannot hold: number of units by reason.
        num_resumed: Number of units that an earlier, unfinished call had done.
    """

    selection: Selection
    tally: Tally = field(default_factory=Tally)
    reading: ReadReport = field(default_factory=ReadReport)
    examples: dict[str, list[Reject]] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    num_resumed: int = 0


def clean(task: CleanTask, progress: Progress = no_progress) -> CleanReport:
    """Cleans a corpus.

    Finished parts are kept in the directory `OUT.parts` until the output is complete: after a kill, the same call
    continues after the last part, and the output is the same byte for byte.

    Args:
        task: What to clean, how, and where to write it.
        progress: Receives progress.

    Returns:
        What was kept, and what was dropped.

    Raises:
        DataError: The corpus cannot be read, or the output would overwrite it.
        ConfigError: `OUT.parts` holds unfinished work of another call, or another process writes it.
        CheckpointError: The output cannot be written.
    """
    for output in (task.out, task.rejects):
        refuse_overwriting_input(output, [*task.source.paths, *task.filters.test_sets])
    parts = Parts(parts_directory(task.out))
    parts.claim()
    with parts.lock.held():
        try:
            report = _clean(task, parts, progress)
        except BaseException:
            if parts.num_finished == 0:
                parts.discard()
            raise
        parts.discard()
    return report


def preview(
    source: CorpusSource, filters: Filters, *, num_workers: int = 1, progress: Progress = no_progress
) -> CleanReport:
    """Counts what `clean` would drop, with examples, and writes nothing.

    Args:
        source: The corpus.
        filters: The checks.
        num_workers: Number of processes; the result does not depend on it.
        progress: Receives progress.

    Returns:
        What would be kept and dropped, with at most `NUM_EXAMPLES` examples per check.

    Raises:
        DataError: The corpus cannot be read.
    """
    with TemporaryDirectory(prefix="regard-") as directory:
        selection = filters.select(source, Path(directory) / "input", progress)
        report = CleanReport(selection)
        reader = source.reader()
        units = with_reports(reader.units(), "cleaning", reader.fraction_read, progress)
        for kept, rejects in _sorted_out(units, selection, source.name, num_workers, CHUNK_PAIRS):
            report.tally.add(_tally(kept, rejects))
            for reject in rejects:
                examples = report.examples.setdefault(reject.reason, [])
                if len(examples) < NUM_EXAMPLES:
                    examples.append(reject)
        report.reading = reader.report
    return report


def parts_directory(out: Path) -> Path:
    """The directory beside an output file that holds its finished parts."""
    return out.with_name(out.name + ".parts")


def _clean(task: CleanTask, parts: Parts, progress: Progress) -> CleanReport:
    selection = task.filters.select(task.source, parts.directory / "input", progress)
    report = CleanReport(selection, parts.start(_command(task, selection)))
    report.num_resumed = report.tally.num_units
    for line in parts.kept_lines() if selection.repeats is not None else ():
        selection.find_repeats([Pair(*unpacked(line))])
    reader = task.source.reader()
    units = islice(with_reports(reader.units(), "cleaning", reader.fraction_read, progress), report.num_resumed, None)
    results = _sorted_out(units, selection, task.source.name, task.num_workers, task.chunk_pairs)
    while part := list(islice(results, PART_CHUNKS)):
        kept = [unit for chunk, _ in part for unit in chunk]
        rejects = [reject for _, chunk in part for reject in chunk]
        tally = _tally(kept, rejects)
        parts.add(b"".join(map(packed, kept)), b"".join(reject.line() for reject in rejects), tally)
        report.tally.add(tally)
    report.reading = reader.report
    _assemble(task, parts, report, progress)
    return report


def _sorted_out(
    units: Iterable[Unit], selection: Selection, name: str, num_workers: int, chunk_pairs: int
) -> Iterator[tuple[list[Unit], list[Reject]]]:
    """Splits a stream of units into kept units and rejects, chunk by chunk."""
    examiner = Examiner(selection.checks)
    for pairs, failures in examine(units, examiner, num_workers=num_workers, chunk_pairs=chunk_pairs):
        yield _decide(pairs, failures, selection, name)


def _decide(
    pairs: Sequence[Pair], failures: Sequence[Failure], selection: Selection, name: str
) -> tuple[list[Unit], list[Reject]]:
    reasons = {failure.row: (selection.checks[failure.check].name, failure.score) for failure in failures}
    passed = [row for row in range(len(pairs)) if row not in reasons]
    for row, repeat in zip(passed, selection.find_repeats([pairs[row] for row in passed]), strict=True):
        if repeat:
            reasons[row] = (selection.repeat_name, 1.0)
    kept, rejects = [], []
    for row, pair in enumerate(pairs):
        unit = Unit(pair.src, pair.tgt, pair.line)
        if row in reasons:
            rejects.append(Reject(name, *reasons[row], unit))
        else:
            kept.append(unit)
    return kept, rejects


def _tally(kept: Sequence[Unit], rejects: Sequence[Reject]) -> Tally:
    return Tally(len(kept) + len(rejects), len(kept), Counter(reject.reason for reject in rejects))


def _assemble(task: CleanTask, parts: Parts, report: CleanReport, progress: Progress) -> None:
    """Writes the output and the rejects from the finished parts."""
    langs = task.source.options.langs
    total = max(report.tally.num_kept, 1)
    with open_writer(task.out, task.to, langs) as writer:
        for number, line in enumerate(parts.kept_lines(), start=1):
            writer.write(unpacked(line))
            if number % CHUNK_PAIRS == 0:
                progress("writing", number, number / total)
    report.lost = writer.lost

    def write_rejects(path: Path) -> None:
        with path.open("wb") as file:
            file.write(HEADER)
            file.writelines(parts.reject_lines())

    write_output(task.rejects, write_rejects)


def _command(task: CleanTask, selection: Selection) -> dict[str, object]:
    """What the output depends on; see `Parts.start`."""
    return {
        "input": task.source.identity(),
        "reading": str(task.source.options),
        "checks": selection.identity(),
        "output": [str(task.rejects), task.to],
        "sizes": [task.chunk_pairs, PART_CHUNKS],
    }
