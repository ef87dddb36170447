"""Checks that find bad sentence pairs in a parallel corpus: their interface, and the checks used by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from regard.data.cleaning import checks_alignment, checks_characters, checks_content, checks_language, checks_lengths
from regard.data.cleaning.leakage import Leakage
from regard.errors import ConfigError
from regard.values import Pair

Scorer = Callable[[Sequence[Pair]], Sequence[float]]
"""Scores sentence pairs, one number per pair; a higher score is worse. It can be pickled, for worker processes."""
Langs = tuple[str, str]
"""Canonical codes of the source and the target language."""
SAMPLE_SIZE = 200_000
"""Number of pairs that are enough as a sample for the checks that learn from the corpus."""


@dataclass(frozen=True, slots=True)
class Check:
    """One reason to leave a sentence pair out of a corpus.

    Attributes:
        name: Name on the command line and in reports, such as `length-ratio`.
        finding: Plural noun phrase for what is wrong with pairs that fail, such as `sides of very different length`.
        threshold: Highest score that passes: a pair fails if its score is above it.
        scores: Function that scores pairs, not normalized; a higher score is worse. A score depends on its pair alone.
    """

    name: str
    finding: str
    threshold: float
    scores: Scorer

    def failures(self, pairs: Sequence[Pair]) -> list[bool]:
        """Finds out which pairs fail the check.

        Args:
            pairs: Any number of sentence pairs, not normalized.

        Returns:
            For each pair, True if it fails: its score is above the threshold.
        """
        return [score > self.threshold for score in self.scores(pairs)]


@dataclass(frozen=True, slots=True)
class CheckKind:
    """A check that can be requested by name.

    Attributes:
        finding: Plural noun phrase for what is wrong with pairs that fail, such as `sides of very different length`.
        threshold: Default threshold: a pair fails if its score is above it.
        build: Function that makes the scorer of pairs from the two languages (None = unknown) and a sample of the
            corpus; it returns None if they are not sufficient.
        needs: What `build` needs, for messages, such as `the two languages`; "" = nothing.
    """

    finding: str
    threshold: float
    build: Callable[[Langs | None, Sequence[Pair]], Scorer | None]
    needs: str = ""


def _always(scorer: Scorer) -> Callable[[Langs | None, Sequence[Pair]], Scorer | None]:
    """Builder of a scorer that needs neither languages nor a sample."""
    return lambda langs, sample: scorer


CHECKS: dict[str, CheckKind] = {
    "empty": CheckKind("pairs with an empty side", 0, _always(checks_lengths.empty)),
    "identical": CheckKind("pairs with the same words on both sides", 0, _always(checks_lengths.identical)),
    "length": CheckKind("sides of too many characters", 2000, _always(checks_lengths.longest_side)),
    "long-word": CheckKind("sides with an overlong word", 60, _always(checks_lengths.longest_word)),
    "length-ratio": CheckKind(
        "sides of very different length",
        3,
        lambda langs, sample: checks_lengths.LengthRatio.learn(sample),
        f"a sample of at least {checks_lengths.MIN_SAMPLE} pairs",
    ),
    "broken-characters": CheckKind(
        "sides with replacement, control or private-use characters", 0, _always(checks_characters.broken_characters)
    ),
    "mojibake": CheckKind("sides with characters decoded wrongly", 0.5, _always(checks_characters.mojibake)),
    "markup": CheckKind("sides with different numbers of tags or entities", 0, _always(checks_content.markup)),
    "repetition": CheckKind("sides that repeat a word many times", 5, _always(checks_content.repetition)),
    "numbers": CheckKind("sides with different numbers", 0, _always(checks_content.numbers)),
    "urls": CheckKind("sides with different web or mail addresses", 0.5, _always(checks_content.urls)),
    "script": CheckKind(
        "sides in another script than their language",
        0.7,
        lambda langs, sample: checks_language.Script(langs) if langs is not None else None,
        "the two languages",
    ),
    "language": CheckKind(
        "sides in another language",
        1.75,
        lambda langs, sample: checks_language.Language.learn(langs, sample) if langs is not None else None,
        "the package py3langid (pip install 'regard[data]') and two different languages that it knows",
    ),
    "misaligned": CheckKind(
        "sides that do not translate each other",
        0.9,
        lambda langs, sample: checks_alignment.Misaligned.learn(sample),
        f"a sample of at least {checks_alignment.MIN_SAMPLE} pairs whose words show what translates what",
    ),
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
        sample: Pairs of the corpus, not normalized, from which checks learn what is usual in it (such as the ratio of
            lengths, and which words translate which): all pairs, or `SAMPLE_SIZE` spread evenly over the corpus. Empty
            leaves out the checks that need a sample.
        thresholds: Thresholds that replace the default, by name of the check; None leaves the check out. A check
            without a threshold here is left out if it cannot be made; see `checks_left_out`.

    Returns:
        The checks, in the order in which they are applied; fast ones come first. They are deterministic: the same
        arguments give checks with the same scores.

    Raises:
        ConfigError: `thresholds` has the name of no check; or a check with a threshold there cannot be made, because
            the languages, the sample or a package is missing.
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
        elif chosen.get(name) is not None:
            raise ConfigError(
                f"the check {name!r} needs {kind.needs}: provide them (languages: --langs), or do not set a threshold "
                "for this check (--check)"
            )
    return tuple(checks)


def leakage_check(leakage: Leakage, threshold: float = 0.95) -> Check:
    """Makes the check that finds sentences of test sets in a training corpus.

    Args:
        leakage: Scores each pair with the share of a test sentence that it contains, from 0 to 1.
        threshold: Largest share that passes.

    Returns:
        The check, whose name is `leaked`.
    """
    return Check("leaked", "pairs with a side that contains a sentence of a test set", threshold, leakage)


def checks_left_out(checks: Sequence[Check]) -> dict[str, str]:
    """Finds the checks that were not made, among those that need languages, a sample or a package.

    Args:
        checks: The checks that were made.

    Returns:
        What each such check needs, such as `the two languages`, by its name.
    """
    made = {check.name for check in checks}
    return {name: kind.needs for name, kind in CHECKS.items() if kind.needs and name not in made}
