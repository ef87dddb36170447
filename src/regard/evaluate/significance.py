"""Whether one set of translations is better than another by more than chance, by sacreBLEU's paired test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest, Result

from regard.evaluate.scores import check_counts
from regard.evaluate.tokenizers import AUTO, bleu_metric, choose_tokenizer

NUM_SAMPLES = 1000
"""Random assignments of the paired test."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The scores of two sets of translations of the same sentences.

    Attributes:
        metric: Name of the metric, `BLEU` or `chrF`.
        before: Score of the first set, 0 to 100.
        after: Score of the second set, 0 to 100.
        p_value: Probability of a difference at least this large if both sets were equally good, by approximate
            randomization (Riezler & Maxwell 2005).
    """

    metric: str
    before: float
    after: float
    p_value: float


def differences(
    before: Sequence[str], after: Sequence[str], references: Sequence[str], *, tokenize: str = AUTO
) -> list[Difference]:
    """Compares two sets of translations by BLEU and chrF.

    Args:
        before: First set of translations, detokenized, one per reference.
        after: Second set, of the same sentences in the same order.
        references: Reference translations.
        tokenize: sacreBLEU's name of the tokenizer for BLEU; `auto` = chosen by the script of the references.

    Returns:
        Two comparisons with scores and p-value: first by BLEU, then by chrF.

    Raises:
        DataError: The numbers of lines differ, or there are none.
    """
    for translations in (before, after):
        check_counts(translations, references)
    metrics = {"BLEU": bleu_metric(choose_tokenizer(references, tokenize)), "chrF": CHRF()}
    systems: list[tuple[str, Sequence[str]]] = [("before", list(before)), ("after", list(after))]
    test = PairedTest(systems, metrics, [list(references)], test_type="ar", n_samples=NUM_SAMPLES)
    results = test()[1]
    del results["System"]  # the names
    return [_difference(name, *pair) for name, pair in zip(metrics, results.values(), strict=True)]


def _difference(metric: str, before: str | Result, after: str | Result) -> Difference:
    if isinstance(before, str) or isinstance(after, str) or after.p_value is None:
        raise AssertionError(
            "expected sacreBLEU's paired test to return a score of each set of translations, and a p-value, got "
            f"{before!r} and {after!r}"
        )
    # sacreBLEU counts larger differences only, so that equal translations would differ significantly.
    p_value = after.p_value if after.score != before.score else 1.0
    return Difference(metric, before.score, after.score, p_value)
