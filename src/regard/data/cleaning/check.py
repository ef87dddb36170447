"""The contract of a check of sentence pairs, and the checks that are used by default."""

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
        finding: What the pairs that fail are, a plural noun phrase, such as `sides of very different length`.
        threshold: Default threshold.
        build: Makes the scorer from the languages, if known, and from a sample of the corpus; None = it cannot be made
            from them.
        needs: What `build` needs, for messages; the empty string = nothing.
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
        sample: Pairs of the corpus, text as read, from which checks learn what is usual in it (such as the ratio of
            lengths, and which words translate which): all pairs, or `SAMPLE_SIZE` spread evenly over the corpus. Empty
            leaves out the checks that need it.
        thresholds: Thresholds that replace the default, by name of the check; None leaves the check out. Without a
            threshold here, a check that cannot be made is left out; see `checks_left_out`.

    Returns:
        The checks, in the order in which they are applied; cheap ones come first. Same arguments, same scores.

    Raises:
        ConfigError: A name in `thresholds` is not a check, or a check that it names with a threshold cannot be made.
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
            raise ConfigError(f"the check {name!r} needs {kind.needs}: provide them, or leave the check out")
    return tuple(checks)


def leakage_check(leakage: Leakage, threshold: float = 0.95) -> Check:
    """Makes the check that finds pairs of test sets in a training corpus.

    Args:
        leakage: The texts of the test sets.
        threshold: Largest share of the words of a test sentence that a pair may contain in sequences of 6 words.

    Returns:
        The check, with the name `leaked`.
    """
    return Check("leaked", "pairs with a side that contains a sentence of a test set", threshold, leakage)


def checks_left_out(checks: Sequence[Check]) -> dict[str, str]:
    """Finds the checks that were not made, for a message to the user.

    Args:
        checks: The checks that were made.

    Returns:
        What each other check needs, by name.
    """
    made = {check.name for check in checks}
    return {name: kind.needs for name, kind in CHECKS.items() if kind.needs and name not in made}
