"""The contract of a check of sentence pairs, and the checks that are used by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from regard.cleaning import checks_lengths
from regard.errors import ConfigError
from regard.values import Pair

Scorer = Callable[[Sequence[Pair]], Sequence[float]]
"""Scores sentence pairs, one number per pair; a higher score is worse. It can be pickled, for worker processes."""
Langs = tuple[str, str]
"""Canonical codes of the source and the target language."""


@dataclass(frozen=True, slots=True)
class Check:
    """One reason to leave a sentence pair out of a corpus.

    Attributes:
        name: Name on the command line and in reports, such as `length-ratio`.
        finding: What the pairs that fail are, a plural noun phrase, such as `sides of very different length`.
        threshold: Highest score that passes: a pair fails if its score is above it.
        scores: Scores pairs whose text is as read, not normalized; pure: a score depends on its pair alone.
    """

    name: str
    finding: str
    threshold: float
    scores: Scorer

    def failures(self, pairs: Sequence[Pair]) -> list[bool]:
        """Tells which pairs fail.

        Args:
            pairs: Sentence pairs, text as read; any number.

        Returns:
            Per pair, whether its score is above the threshold.
        """
        return [score > self.threshold for score in self.scores(pairs)]


@dataclass(frozen=True, slots=True)
class CheckKind:
    """A check that can be requested by name.

    Attributes:
        finding: See `Check.finding`.
        threshold: Default threshold.
        build: Makes the scorer from the languages, if known, and from a sample of the corpus; None = this check
            cannot be made from them, such as a language check without languages.
    """

    finding: str
    threshold: float
    build: Callable[[Langs | None, Sequence[Pair]], Scorer | None]


def _fixed(scorer: Scorer) -> Callable[[Langs | None, Sequence[Pair]], Scorer | None]:
    """Builder of a scorer that needs neither languages nor a sample."""
    return lambda langs, sample: scorer


CHECKS: dict[str, CheckKind] = {
    "empty": CheckKind("pairs with an empty side", 0.5, _fixed(checks_lengths.empty)),
    "identical": CheckKind("pairs with the same text on both sides", 0.5, _fixed(checks_lengths.identical)),
    "length": CheckKind("sides with more characters than allowed", 2000, _fixed(checks_lengths.longest_side)),
}
"""All checks by name, in the order in which they are applied: the first that fails names the reason."""


def default_checks(
    langs: Langs | None,
    sample: Sequence[Pair] = (),
    *,
    thresholds: Mapping[str, float | None] | None = None,
) -> tuple[Check, ...]:
    """Makes the checks of a corpus.

    Args:
        langs: Canonical codes of the source and the target language; None = unknown, which leaves out the checks
            that need them.
        sample: Pairs of the corpus, text as read, from which checks learn what is usual in it (such as the ratio of
            lengths, and which words translate which): all pairs, or 100,000 spread over the corpus. Empty leaves out
            the checks that need it.
        thresholds: Thresholds that replace the default, by name of the check; None leaves the check out.

    Returns:
        The checks, in the order in which they are applied; cheap ones come first. Same arguments, same scores.

    Raises:
        ConfigError: A name in `thresholds` is not a check.
    """
    chosen = dict(thresholds or {})
    for name in chosen:
        if name not in CHECKS:
            raise ConfigError(f"unknown check {name!r}: expected one of {', '.join(CHECKS)}")
    checks = []
    for name, kind in CHECKS.items():
        threshold = chosen.get(name, kind.threshold)
        scorer = None if threshold is None else kind.build(langs, sample)
        if threshold is not None and scorer is not None:
            checks.append(Check(name, kind.finding, threshold, scorer))
    return tuple(checks)
