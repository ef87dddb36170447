"""Cleans a parallel corpus: keeps the pairs that pass all checks, and writes every other pair to a file of rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from regard.data.cleaning.duplicates import DuplicateFinder, Duplicates
from regard.data.cleaning.examine import CHUNK_PAIRS, Examiner, Failure, examine
from regard.data.cleaning.filters import DUPLICATE, Filters, Selection
from regard.data.cleaning.parts import Parts, Tally
from regard.data.cleaning.rejects import Examples, Reject, RejectLines, line_number
from regard.data.cleaning.source import CorpusSource, Progress, no_progress, packed, with_reports
from regard.data.corpora.unit import ReadReport, Unit
from regard.data.corpora.writers import open_writer, output_paths
from regard.errors import ConfigError, DataError
from regard.files.compressed_output import open_output
from regard.files.paths import refuse_overwriting_input
from regard.text.readers import in_batches
from regard.values import Pair

PART_CHUNKS = 20
"""Number of chunks in a part, the work that a kill can lose."""


@dataclass(frozen=True)
class CleanTask:
    """The corpus to clean, the checks to apply, and the files to write.

    Attributes:
        source: The corpus.
        filters: The checks.
        out: Output file.
        rejects: File of the pairs that were dropped, a TSV with a header.
        format: Format of the output, one of `regard.data.corpora.writers.OUTPUT_FORMATS`.
        num_workers: Number of processes; the output does not depend on it.
        chunk_pairs: Number of pairs that are scored together.
    """

    source: CorpusSource
    filters: Filters
    out: Path
    rejects: Path
    format: str
    num_workers: int = 1
    chunk_pairs: int = CHUNK_PAIRS

    def outputs(self) -> list[Path]:
        """All files that are written."""
        return [*output_paths(self.out, self.format, self.source.options.langs), self.rejects]


@dataclass
class CleanReport:
    """Counts of the pairs that were kept, and of those dropped for each reason.

    Attributes:
        selection: The checks that were applied.
        tally: Numbers of units read, kept, and dropped by each check.
        reading: What the reader left out.
        examples: Pairs that were dropped, by name of the check; only from `preview`.
        lost: Number of pairs that the output format could not hold as they are, by what was lost.
        num_resumed: Number of units that an earlier, interrupted call of `clean` had already processed.
        not_checked: For each check that could not be made, by name, what it needs.
    """

    selection: Selection
    tally: Tally = field(default_factory=Tally)
    reading: ReadReport = field(default_factory=ReadReport)
    examples: dict[str, list[Reject]] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    num_resumed: int = 0
    not_checked: dict[str, str] = field(default_factory=dict)


def clean(task: CleanTask, progress: Progress = no_progress) -> CleanReport:
    """Writes the pairs of a corpus that pass all checks, and the others to a file of rejects.

    The corpus is cleaned in parts, which are kept in the directory `OUT.parts` until the output is complete. If the
    process is killed, the same call continues after the last finished part, and the output is the same byte for byte.

    Args:
        task: What to clean, how, and where to write it.
        progress: Function that is called with the progress; see `regard.data.cleaning.source.Progress`.

    Returns:
        What was kept, and what was dropped.

    Raises:
        DataError: The corpus cannot be read, has no pairs, or the output would overwrite it.
        ConfigError: `OUT.parts` holds unfinished work of another call, or another process writes it.
        CheckpointError: The output cannot be written.
    """
    _check_outputs(task)
    parts = Parts(parts_directory(task.out))
    parts.claim()
    with parts.lock.held():
        try:
            report = _clean(task, parts, progress)
        except BaseException:
            if not parts.any_on_disk():
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
        progress: Function that is called with the progress; see `regard.data.cleaning.source.Progress`.

    Returns:
        What would be kept and dropped, with at most `regard.data.cleaning.rejects.NUM_EXAMPLES` examples per check.

    Raises:
        DataError: The corpus cannot be read, or has no pairs.
    """
    with TemporaryDirectory(prefix="regard-") as directory:
        selection = filters.select(source, Path(directory) / "input", progress)
        report = CleanReport(selection, not_checked=selection.left_out(filters))
        examples = Examples(source.name)
        reader = source.reader()
        units = with_reports(reader.units(), "checking", reader.fraction_read, progress)
        with DuplicateFinder(directory=Path(directory)) as finder:
            for kept, rejects in _sorted_out(units, selection, source.name, num_workers, CHUNK_PAIRS):
                report.tally.add(_tally(kept, rejects))
                examples.add(rejects)
                if selection.drops_duplicates:
                    finder.add([Pair(*unit) for unit in kept])
                    examples.find_repeats(kept)
            report.tally.drop(DUPLICATE, len(finder.duplicates()))
    report.reading, report.examples = reader.report, examples.by_reason
    _refuse_empty(report, source.name)
    return report


def parts_directory(out: Path) -> Path:
    """Directory beside an output file in which `clean` stores unfinished work: `OUT.parts` for `OUT`."""
    return out.with_name(out.name + ".parts")


def _check_outputs(task: CleanTask) -> None:
    outputs = task.outputs()
    if task.rejects in outputs[:-1]:
        raise ConfigError(f"--rejects: expected a file other than the output, got {task.rejects}: choose another name")
    for output in outputs:
        refuse_overwriting_input(output, [*task.source.paths, *task.filters.test_files()])
        if not output.parent.is_dir():
            raise DataError(f"{output.parent}: no such directory: make it, or choose another path for {output.name}")


def _clean(task: CleanTask, parts: Parts, progress: Progress) -> CleanReport:
    selection = task.filters.select(task.source, parts.directory / "input", progress)
    report = CleanReport(selection, parts.resume(_command(task, selection)))
    report.num_resumed = report.tally.num_units
    report.not_checked = selection.left_out(task.filters)
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
    _refuse_empty(report, task.source.name)
    _assemble(task, parts, report, progress)
    return report


def _refuse_empty(report: CleanReport, name: str) -> None:
    if not report.tally.num_units:
        reading = report.reading
        reasons = [f"{count:,} {reason}" for reason, count in sorted(reading.left_out.items())] + reading.faults[:1]
        found = f" ({'; '.join(reasons)})" if reasons else ""
        raise DataError(
            f"{name}: expected sentence pairs, found none{found}: check that this is the right file, and that --langs "
            "names its languages"
        )


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
    reasons = {failure.row: failure for failure in failures}
    kept, rejects = [], []
    for row, pair in enumerate(pairs):
        unit = Unit(pair.src, pair.tgt, pair.line)
        failure = reasons.get(row)
        if failure is None:
            kept.append(unit)
        else:
            rejects.append(Reject(name, selection.checks[failure.check].name, failure.score, unit))
    return kept, rejects


def _tally(kept: Sequence[Unit], rejects: Sequence[Reject]) -> Tally:
    return Tally(len(kept) + len(rejects), len(kept), Counter(reject.reason for reject in rejects))


def _assemble(task: CleanTask, parts: Parts, report: CleanReport, progress: Progress) -> None:
    """Writes the output and the rejects from the finished parts, without pairs that repeat an earlier one."""
    total = max(report.tally.num_kept, 1)
    duplicates = _duplicates(task, parts, report, progress)
    first = 0
    with open_writer(task.out, task.format, task.source.options.langs) as writer, open_output(task.rejects) as rejects:
        faults = (reject.line() for reject in task.source.faults.rejects())
        lines = RejectLines(merge(faults, parts.reject_lines(), key=line_number), rejects)
        for units in _in_chunks(parts.kept(), "writing", total, progress):
            for number, unit in enumerate(units, start=first):
                if duplicates is None or number not in duplicates:
                    writer.write(unit)
                else:
                    lines.insert(Reject(task.source.name, DUPLICATE, 1.0, unit))
            first += len(units)
        lines.finish()
    report.lost = writer.lost


def _duplicates(task: CleanTask, parts: Parts, report: CleanReport, progress: Progress) -> Duplicates | None:
    """Which of the pairs that passed all checks repeat an earlier one."""
    if not report.selection.drops_duplicates:
        return None
    with DuplicateFinder(directory=parts.directory) as finder:
        for units in _in_chunks(parts.kept(), "comparing", max(report.tally.num_kept, 1), progress):
            finder.add([Pair(*unit) for unit in units])
        duplicates = finder.duplicates()
    report.tally.drop(DUPLICATE, len(duplicates))
    return duplicates


def _in_chunks(units: Iterable[Unit], stage: str, total: int, progress: Progress) -> Iterator[list[Unit]]:
    done = 0
    for chunk in in_batches(units, CHUNK_PAIRS):
        yield chunk
        done += len(chunk)
        progress(stage, done, done / total)


def _command(task: CleanTask, selection: Selection) -> dict[str, object]:
    """What the output depends on; see `Parts.resume`."""
    return {
        "input": task.source.identity(),
        "reading": [repr(task.source.options), task.source.format],
        "checks": selection.identity(),
        "output": [str(task.rejects), task.format],
        "sizes": [task.chunk_pairs, PART_CHUNKS],
    }
