"""BLEU, chrF and TER by sacreBLEU on detokenized text, each with its signature.

All use sacreBLEU's defaults, so that scores are comparable: BLEU and chrF are cased, TER is not. BLEU's tokenizer
depends on the script of the references (see `regard.evaluate.tokenizers`). Both sides are normalized like all text in
regard, so that different Unicode encodings of a character are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from regard.errors import DataError
from regard.evaluate.tokenizers import AUTO, bleu_metric, choose_tokenizer
from regard.text.normalize import checked_texts, normalize


@dataclass(frozen=True, slots=True)
class Scores:
    """BLEU, chrF and TER of a set of translations, computed over all sentences together.

    Attributes:
        bleu: BLEU (Papineni et al. 2002), cased, 0 to 100; `bleu_signature` names its tokenizer.
        chrf: chrF2 (Popović 2015), cased, 0 to 100.
        ter: Translation edit rate (Snover et al. 2006) in percent, uncased; lower is better, and it can exceed 100.
        num_sentences: Number of scored sentences.
        bleu_signature: sacreBLEU's signature of `bleu`.
        chrf_signature: sacreBLEU's signature of `chrf`.
        ter_signature: sacreBLEU's signature of `ter`.
    """

    bleu: float
    chrf: float
    ter: float
    num_sentences: int
    bleu_signature: str
    chrf_signature: str
    ter_signature: str

    @property
    def signature(self) -> str:
        """Signatures from sacreBLEU of BLEU, chrF and TER on one line, each after the name of its metric."""
        return f"BLEU {self.bleu_signature} chrF {self.chrf_signature} TER {self.ter_signature}"

    def to_dict(self) -> dict[str, float | str]:
        """The scores as a dictionary for JSON, with the keys `bleu`, `chrf`, `ter` and `signature`."""
        return {"bleu": self.bleu, "chrf": self.chrf, "ter": self.ter, "signature": self.signature}


def corpus_scores(hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str = AUTO) -> Scores:
    """Computes BLEU, chrF and TER of translations; TER takes seconds for thousands of sentences.

    >>> corpus_scores(["Comment vas-tu ?"], ["Comment vas-tu ?"]).chrf
    100.0

    Args:
        hypotheses: Translations to score, detokenized.
        references: Reference translations, one per translation.
        tokenize: sacreBLEU's name of the tokenizer for BLEU; `auto` = chosen by the script of the references.

    Returns:
        The scores and their signatures.

    Raises:
        DataError: The numbers of translations and references differ or are 0, or the tokenizer is not available.
    """
    check_counts(hypotheses, references)
    hypotheses = normalized_lines(hypotheses, what="translation")
    references = normalized_lines(references, what="reference")
    metrics = (bleu_metric(choose_tokenizer(references, tokenize)), CHRF(), TER())
    # A signature contains the number of references only after a score was computed.
    values = [float(metric.corpus_score(hypotheses, [references]).score) for metric in metrics]
    signatures = [str(metric.get_signature()) for metric in metrics]
    return Scores(values[0], values[1], values[2], len(hypotheses), *signatures)


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str = AUTO) -> float:
    """Computes only the BLEU of translations, with the same result as `corpus_scores`.

    sacreBLEU's warning about text that looks tokenized is suppressed, because this function is called in every
    validation.

    Args:
        hypotheses: Translations to score, detokenized.
        references: Reference translations, one per translation.
        tokenize: sacreBLEU's name of the tokenizer for BLEU; `auto` = chosen by the script of the references.

    Returns:
        BLEU, 0 to 100.

    Raises:
        DataError: The numbers of translations and references differ or are 0, or the tokenizer is not available.
    """
    check_counts(hypotheses, references)
    hypotheses = normalized_lines(hypotheses, what="translation")
    references = normalized_lines(references, what="reference")
    metric = bleu_metric(choose_tokenizer(references, tokenize), force=True)
    return float(metric.corpus_score(hypotheses, [references]).score)


def corpus_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Computes only the chrF of translations, with the same result as `corpus_scores`.

    Args:
        hypotheses: Translations to score, detokenized.
        references: Reference translations, one per translation.

    Returns:
        chrF, 0 to 100.

    Raises:
        DataError: The numbers of translations and references differ or are 0.
    """
    check_counts(hypotheses, references)
    hypotheses = normalized_lines(hypotheses, what="translation")
    references = normalized_lines(references, what="reference")
    return float(CHRF().corpus_score(hypotheses, [references]).score)


def normalized_lines(lines: Sequence[str], *, what: str = "line") -> list[str]:
    """Normalizes the Unicode and whitespace of translations or references, so that equal text compares as equal.

    Args:
        lines: Translations or references.
        what: Name of an item of `lines` in error messages, such as `reference`.

    Returns:
        The normalized lines, see `regard.text.normalize`.

    Raises:
        DataError: An item is not a string.
    """
    return [normalize(line) for line in checked_texts(lines, kind=what)]


def check_counts(hypotheses: Sequence[str], references: Sequence[str], *, what: str = "translations") -> None:
    """Checks that there are as many translations as references, and at least one.

    Args:
        hypotheses: Translations, or source sentences.
        references: Reference translations.
        what: Name of the items of `hypotheses` in error messages.

    Raises:
        DataError: The numbers of translations and references differ or are 0.
    """
    if len(hypotheses) != len(references):
        raise DataError(
            f"expected as many {what} as references, got {len(hypotheses)} {what} and {len(references)} references: "
            "give the lines of both in the same order, without missing or extra lines"
        )
    if not hypotheses:
        raise DataError("expected at least one translation to score, got none: check that the input is not empty")
