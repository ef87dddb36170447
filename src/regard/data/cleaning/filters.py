"""The checks that clean a corpus, with their thresholds, and the test sets whose pairs are dropped from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from regard.data.cleaning.check import CHECKS, Check, checks_left_out, default_checks, leakage_check
from regard.data.cleaning.leakage import Leakage
from regard.data.cleaning.source import CorpusSource, Progress, files_of, sample
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.unit import ReadOptions
from regard.errors import ConfigError
from regard.values import Pair

DUPLICATE = "duplicate"
"""Name of the check for pairs that occurred before."""
LEAKAGE = "leaked"
"""Name of the check for pairs that are in a test set."""


@dataclass(frozen=True)
class Filters:
    """The checks that a user requested, with their thresholds, before a corpus is known.

    Attributes:
        thresholds: Thresholds that replace the default, by name of the check; None leaves the check out.
        test_sets: Test sets whose pairs must not be in the corpus, each as `FILE` or `SRC,TGT`.
    """

    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    test_sets: tuple[str, ...] = ()

    @classmethod
    def parse(cls, settings: Sequence[str] = (), without: Sequence[str] = (), test_sets: Sequence[str] = ()) -> Filters:
        """Parses options of the command line.

        Args:
            settings: Thresholds, each as `NAME=THRESHOLD`.
            without: Names of checks to leave out.
            test_sets: Test sets whose pairs must not be in the corpus, each as `FILE` or `SRC,TGT`.

        Returns:
            The filters.

        Raises:
            ConfigError: A name is not a check, a threshold is not a number, or one check has two settings.
        """
        thresholds: dict[str, float | None] = {}
        for setting in settings:
            name, threshold = _parse_setting(setting)
            _add(thresholds, name, threshold)
        for name in without:
            _add(thresholds, name, None)
        return cls(thresholds, tuple(test_sets))

    def select(self, source: CorpusSource, copy: Path, progress: Progress) -> Selection:
        """Makes the checks for a corpus; some of them learn from a sample of it what is usual.

        Args:
            source: The corpus, which is read once.
            copy: Path of a file to which input that can be read only once, such as a pipe, is copied.
            progress: Function that is called with the progress; see `regard.data.cleaning.source.Progress`.

        Returns:
            The checks.

        Raises:
            DataError: The corpus or a test set cannot be read.
        """
        return self.selection(sample(source.first_units(copy, progress)), source.options, source.options.langs)

    def selection(self, sampled: Sequence[Pair], options: ReadOptions, langs: tuple[str, str] | None) -> Selection:
        """Makes the checks for a corpus from a sample of it.

        Args:
            sampled: Sentence pairs spread over the corpus, not normalized.
            options: How to read the test sets.
            langs: Canonical codes of the languages of the corpus; None = unknown.

        Returns:
            The checks.

        Raises:
            DataError: A test set cannot be read.
        """
        thresholds = {name: value for name, value in self.thresholds.items() if name in CHECKS}
        checks = default_checks(langs, sampled, thresholds=thresholds)
        leakage = self._leakage(options)
        return Selection(
            checks if leakage is None else (*checks, leakage), drops_duplicates=not self._is_left_out(DUPLICATE)
        )

    def test_files(self) -> list[Path]:
        """The files of all test sets."""
        return [file for files in map(files_of, self.test_sets) for file in files]

    def _leakage(self, options: ReadOptions) -> Check | None:
        if not self.test_sets or self._is_left_out(LEAKAGE):
            return None
        leakage = Leakage.from_pairs(pair for name in self.test_sets for pair in read_test_set(name, options))
        threshold = self.thresholds.get(LEAKAGE)
        return leakage_check(leakage) if threshold is None else leakage_check(leakage, threshold)

    def _is_left_out(self, name: str) -> bool:
        return name in self.thresholds and self.thresholds[name] is None


class Selection:
    """The checks of one corpus.

    Args:
        checks: The checks in the order in which they are applied.
        drops_duplicates: Whether to drop pairs that repeat an earlier one.
    """

    def __init__(self, checks: tuple[Check, ...], *, drops_duplicates: bool) -> None:
        self.checks = checks
        self.drops_duplicates = drops_duplicates

    def findings(self) -> list[tuple[str, str, float | None]]:
        """Name of each check, description of the pairs that it finds, and threshold; None = no threshold."""
        found: list[tuple[str, str, float | None]] = [
            (check.name, check.finding, check.threshold) for check in self.checks
        ]
        return [*found, (DUPLICATE, "pairs that occurred before", None)] if self.drops_duplicates else found

    def left_out(self, filters: Filters) -> dict[str, str]:
        """Finds the checks that were not made because something is missing, such as the languages.

        Args:
            filters: The filters from which this selection was made.

        Returns:
            What each missing check needs, by name of the check.
        """
        left_out = checks_left_out(self.checks)
        return {name: needs for name, needs in left_out.items() if name not in filters.thresholds}

    def identity(self) -> list[object]:
        """Names and thresholds of all checks; two selections with equal lists drop the same pairs."""
        return [[name, threshold] for name, _, threshold in self.findings()]


def read_test_set(name: str, options: ReadOptions) -> Iterator[Pair]:
    """Reads a test set.

    Args:
        name: One file with both languages, or the files of source and target with a comma between.
        options: How to read it.

    Yields:
        Its sentence pairs, not normalized.

    Raises:
        DataError: A file cannot be read.
    """
    files = files_of(name)
    for unit in open_corpus(files[0], files[1] if len(files) == 2 else None, options).units():
        yield Pair(*unit)


def _parse_setting(setting: str) -> tuple[str, float]:
    name, _, number = setting.partition("=")
    try:
        threshold = float(number)
    except ValueError:
        threshold = math.nan
    if not math.isfinite(threshold):
        raise ConfigError(f"--check: expected NAME=THRESHOLD, such as length=500, got {setting!r}")
    return name.strip(), threshold


def _add(thresholds: dict[str, float | None], name: str, threshold: float | None) -> None:
    names = (*CHECKS, DUPLICATE, LEAKAGE)
    if name not in names:
        raise ConfigError(
            f"--check or --without: expected the name of a check, one of {', '.join(names)}, got {name!r}"
        )
    if name in thresholds:
        raise ConfigError(f"{name}: expected one setting of this check, got two: give --check or --without once")
    thresholds[name] = threshold
