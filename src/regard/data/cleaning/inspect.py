"""Inspects corpora: counts, lengths, languages, duplicates, leakage, and pairs that checks find, with examples."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from regard.data.cleaning.check import Check
from regard.data.cleaning.examine import CHUNK_PAIRS, Examiner, examine
from regard.data.cleaning.filters import Filters, Selection
from regard.data.cleaning.rejects import Reject
from regard.data.cleaning.side_keys import Flags, SideKeys, num_distinct, repeated, shared
from regard.data.cleaning.side_text import SideText, identify_languages
from regard.data.cleaning.source import CorpusSource, Progress, no_progress, sample, with_reports
from regard.data.corpora.unit import ReadReport, Unit
from regard.values import Pair

CheckMaker = Callable[[Sequence[Pair]], Check]
"""Makes a check from a sample of a corpus, such as one by a model."""
NUM_EXAMPLES = 8
"""Number of pairs that are kept as examples of a finding."""
_FINAL = frozenset(["empty"])
# Checks whose findings are no findings of others as well.
_SURE = 0.6
# Share of sentences that must look like a language for it to be taken for that of the side.


@dataclass
class Finding:
    """The pairs of a corpus that a check finds: their number, and some of them as examples.

    Attributes:
        name: Name of the check, such as `length-ratio`.
        finding: Description of the pairs, a plural noun phrase, such as `sides of very different length`.
        threshold: Threshold of the check; None if the check has none.
        count: Number of pairs.
        examples: Some of the pairs, spread over the corpus.
    """

    name: str
    finding: str
    threshold: float | None
    count: int = 0
    examples: list[Reject] = field(default_factory=list)
    _rng: random.Random = field(default_factory=lambda: random.Random(0), repr=False)

    def add(self, reject: Reject) -> None:
        """Counts a pair, and keeps it as an example with the same probability as any other.

        Args:
            reject: The pair.
        """
        self.count += 1
        if len(self.examples) < NUM_EXAMPLES:
            self.examples.append(reject)
        elif (index := self._rng.randrange(self.count)) < NUM_EXAMPLES:
            self.examples[index] = reject


@dataclass
class Overlap:
    """Counts of the sentences that a corpus has in common with another corpus.

    Attributes:
        other: The other corpus.
        num_pairs: Number of pairs that the other corpus contains, too.
        num_src: Number of pairs whose source the other corpus contains.
        num_tgt: Number of pairs whose target the other corpus contains.
        other_size: Number of pairs of the other corpus.
        finding: Number and examples of the pairs of which one side or both are in the other corpus.
    """

    other: CorpusSource
    num_pairs: int
    num_src: int
    num_tgt: int
    other_size: int
    finding: Finding


@dataclass
class CorpusReport:
    """Result of the inspection of one corpus.

    Attributes:
        source: The corpus.
        format: Name of its format.
        langs: Canonical codes of source and target language, as given or as identified; None = unknown.
        langs_are_guessed: Whether `langs` were identified from the text.
        sides: Lengths, scripts and languages of the source and of the target text.
        findings: What each check found; the last one is that of repeated pairs, if these are looked for.
        model_finding: What the check by a model found; `clean` does not apply it. None = no model.
        overlaps: What the corpus has in common with each other inspected corpus.
        not_checked: For each check that could not be made, by name, what it needs.
        num_pairs: Number of pairs.
        num_kept: Number of pairs that `clean` with the same checks would keep.
        reading: What the reader left out.
    """

    source: CorpusSource
    format: str
    langs: tuple[str, str] | None
    langs_are_guessed: bool
    sides: tuple[SideText, SideText]
    findings: list[Finding] = field(default_factory=list)
    model_finding: Finding | None = None
    overlaps: list[Overlap] = field(default_factory=list)
    not_checked: dict[str, str] = field(default_factory=dict)
    num_pairs: int = 0
    num_kept: int = 0
    reading: ReadReport = field(default_factory=ReadReport)


def inspect(
    sources: Sequence[CorpusSource],
    filters: Filters,
    *,
    model_check: CheckMaker | None = None,
    num_workers: int = 1,
    progress: Progress = no_progress,
) -> list[CorpusReport]:
    """Examines corpora: counts, lengths, languages, pairs that fail checks, and sentences that corpora share.

    Each corpus is read twice. Hashes of its sentences are kept in a temporary file, 16 bytes per pair; memory holds
    three bytes per pair, plus one byte per pair for each further corpus.

    Args:
        sources: The corpora.
        filters: The checks, with their thresholds.
        model_check: Function that makes a further check, such as one by a model, from a sample of the corpus; it is
            applied in this process. None = no such check.
        num_workers: Number of processes; the result does not depend on it.
        progress: Function that is called with the progress; see `regard.data.cleaning.source.Progress`.

    Returns:
        One report per corpus.

    Raises:
        DataError: A corpus or a test set cannot be read.
    """
    with TemporaryDirectory(prefix="regard-") as directory:
        samples, keys = [], [SideKeys(Path(directory) / f"keys-{index}") for index in range(len(sources))]
        for index, source in enumerate(sources):
            units = keys[index].record(source.first_units(Path(directory) / f"input-{index}", progress))
            samples.append(sample(units))
        reports = []
        for index, (source, sampled) in enumerate(zip(sources, samples, strict=True)):
            others = [(sources[other], keys[other]) for other in range(len(sources)) if other != index]
            inspection = _Inspection(source, sampled, filters, keys[index], others)
            if model_check is not None:
                inspection.add_check(model_check(sampled))
            reports.append(inspection.run(num_workers, progress))
    return reports


class _Inspection:
    """The second reading of one corpus."""

    def __init__(
        self,
        source: CorpusSource,
        sampled: Sequence[Pair],
        filters: Filters,
        keys: SideKeys,
        others: Sequence[tuple[CorpusSource, SideKeys]],
    ) -> None:
        self.keys = keys
        languages = [identify_languages(texts, source.options.langs or ()) for texts in _sides(sampled)]
        langs = source.options.langs or _guess(languages)
        self.report = CorpusReport(source, "", langs, source.options.langs is None, (SideText(), SideText()))
        for index, (side, found) in enumerate(zip(self.report.sides, languages, strict=True)):
            side.languages, side.language = found, None if langs is None else langs[index]
        self.selection: Selection = filters.selection(sampled, source.options, langs)
        self.report.findings = [Finding(*named) for named in self.selection.findings()]
        self.report.not_checked = self.selection.left_out(filters)
        self.passed: Flags = np.ones(len(keys), np.bool_)
        self.model_check: Check | None = None
        self.marks: list[tuple[Finding, Flags]] = []
        if self.selection.drops_duplicates:
            self.marks.append((self.report.findings[-1], repeated(keys.pairs)))
        for other, other_keys in others:
            self._compare(other, other_keys)

    def add_check(self, check: Check) -> None:
        """Adds a check that is applied in this process."""
        self.model_check = check
        self.report.model_finding = Finding(check.name, check.finding, check.threshold)

    def run(self, num_workers: int, progress: Progress) -> CorpusReport:
        """Reads the corpus, and fills the report."""
        report, reader = self.report, self.report.source.reader()
        units = with_reports(reader.units(), "checking", reader.fraction_read, progress)
        examiner = Examiner(self.selection.checks, final=_FINAL)
        for pairs, failures in examine(units, examiner, num_workers=num_workers, chunk_pairs=CHUNK_PAIRS):
            for failure in failures:
                finding = report.findings[failure.check]
                finding.add(self._reject(finding.name, failure.score, pairs[failure.row]))
                self.passed[report.num_pairs + failure.row] = False
            self._add_marked(pairs)
            self._apply_model_check(pairs)
            for side, texts in zip(report.sides, _sides(pairs), strict=True):
                side.add(texts)
            report.num_pairs += len(pairs)
        if report.num_pairs != len(self.passed):
            raise report.source.changed_error()
        self._finish()
        report.format, report.reading = reader.format, reader.report
        return report

    def _add_marked(self, pairs: Sequence[Pair]) -> None:
        first = self.report.num_pairs
        for finding, flags in self.marks:
            for row in np.flatnonzero(flags[first : first + len(pairs)]).tolist():
                finding.add(self._reject(finding.name, 1.0, pairs[row]))

    def _apply_model_check(self, pairs: Sequence[Pair]) -> None:
        check, finding = self.model_check, self.report.model_finding
        if check is None or finding is None:
            return
        filled = [pair for pair in pairs if pair.src.strip() and pair.tgt.strip()]
        for pair, score in zip(filled, check.scores(filled), strict=True):
            if score > check.threshold:
                finding.add(self._reject(finding.name, score, pair))

    def _finish(self) -> None:
        kept = self.passed
        num_repeats = repeated(self.keys.pairs, kept).sum() if self.selection.drops_duplicates else 0
        self.report.num_kept = int(kept.sum()) - int(num_repeats)
        for side, keys in zip(self.report.sides, (self.keys.src, self.keys.tgt), strict=True):
            side.finish()
            side.num_distinct = num_distinct(keys)

    def _compare(self, other: CorpusSource, keys: SideKeys) -> None:
        src, tgt = shared(self.keys.src, keys.src), shared(self.keys.tgt, keys.tgt)
        finding = Finding("overlap", f"pairs of which a side is in {other.name}", None)
        num_pairs = int(shared(self.keys.pairs, keys.pairs).sum())
        self.report.overlaps.append(Overlap(other, num_pairs, int(src.sum()), int(tgt.sum()), len(keys), finding))
        self.marks.append((finding, src | tgt))

    def _reject(self, reason: str, score: float, pair: Pair) -> Reject:
        return Reject(self.report.source.name, reason, float(score), Unit(pair.src, pair.tgt, pair.line))


def _sides(pairs: Iterable[Pair]) -> tuple[list[str], list[str]]:
    pairs = list(pairs)
    return [pair.src for pair in pairs], [pair.tgt for pair in pairs]


def _guess(languages: Sequence[list[tuple[str, float]]]) -> tuple[str, str] | None:
    """The languages of both sides, if most of the sentences of each side look like one."""
    first = [found[0] for found in languages if found and found[0][1] >= _SURE]
    return (first[0][0], first[1][0]) if len(first) == 2 and first[0][0] != first[1][0] else None
