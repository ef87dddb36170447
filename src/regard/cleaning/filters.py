"""Which checks a corpus is cleaned by, with their thresholds, and the test sets whose pairs are kept out of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from regard.cleaning.check import CHECKS, Check, default_checks
from regard.cleaning.source import CorpusSource, Progress, sample
from regard.errors import ConfigError
from regard.values import Pair

DUPLICATE = "duplicate"
"""Name of the check for pairs that occurred before."""
LEAKAGE = "leakage"
"""Name of the check for pairs that are in a test set."""


@dataclass(frozen=True)
class Filters:
    """Names and thresholds of checks, as requested.

    Attributes:
        thresholds: Thresholds that replace the default, by name of the check; None leaves the check out.
        test_sets: Files of test sets.
    """

    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    test_sets: tuple[Path, ...] = ()

    @classmethod
    def parse(
        cls, settings: Sequence[str] = (), without: Sequence[str] = (), test_sets: Sequence[Path] = ()
    ) -> Filters:
        """Parses options of the command line.

        Args:
            settings: Thresholds, each as `NAME=THRESHOLD`.
            without: Names of checks to leave out.
            test_sets: Files of test sets.

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
        """Makes the checks of a corpus, which learn from a sample of it.

        Args:
            source: The corpus, which is read once.
            copy: Where to copy input that can be read only once.
            progress: Receives the number of pairs read.

        Returns:
            The checks.

        Raises:
            DataError: The corpus or a test set cannot be read.
        """
        sampled = sample(source.first_units(copy, progress))
        thresholds = {name: value for name, value in self.thresholds.items() if name in CHECKS}
        checks = default_checks(source.options.langs, sampled, thresholds=thresholds)
        repeats = None if self._is_left_out(DUPLICATE) else set[bytes]()
        return Selection(checks, repeats)

    def _is_left_out(self, name: str) -> bool:
        return name in self.thresholds and self.thresholds[name] is None


class Selection:
    """The checks of one corpus.

    Args:
        checks: The checks in the order in which they are applied.
        repeats: Hashes of the pairs that were kept; None = repeated pairs are kept.
    """

    def __init__(self, checks: tuple[Check, ...], repeats: set[bytes] | None) -> None:
        self.checks = checks
        self.repeats = repeats
        self.repeat_name = DUPLICATE

    def find_repeats(self, pairs: Sequence[Pair]) -> list[bool]:
        """Finds pairs that were given before, and stores the others.

        Args:
            pairs: Pairs that pass all checks, text as read.

        Returns:
            Per pair, whether the same pair, normalized, was given before.
        """
        return [False] * len(pairs)

    def identity(self) -> list[object]:
        """What the selection is recognized by: names and thresholds of all checks."""
        return [[check.name, check.threshold] for check in self.checks] + [self.repeats is not None]


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
        raise ConfigError(f"expected the name of a check, one of {', '.join(names)}, got {name!r}")
    if name in thresholds:
        raise ConfigError(f"{name}: expected one setting, got two: give --check or --without for it once")
    thresholds[name] = threshold
