"""BLEU, chrF and TER by sacreBLEU, over text as a reader sees it, each with the signature that it needs.

All are sacreBLEU's defaults, so that numbers can be compared: BLEU and chrF mind the case, TER does not. BLEU's
tokenizer follows the script of the references (see `regard.evaluate.tokenizers`). Both sides are normalized as regard
normalizes all text, so that two spellings of one character in Unicode are the same character.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from regard.errors import DataError
from regard.evaluate.tokenizers import AUTO, bleu_metric, choose_tokenizer
from regard.text.checks import checked_texts
from regard.text.normalize import normalize


@dataclass(frozen=True, slots=True)
class Scores:
    """What a set of translations scores against its references.

    Attributes:
        bleu: BLEU (Papineni et al. 2002), cased, 0 to 100; `bleu_signature` names its tokenizer.
        chrf: chrF2 (Popović 2015), cased, 0 to 100.
        ter: Translation edit rate (Snover et al. 2006) in percent, caseless; lower is better, above 100 possible.
        num_sentences: Sentences scored.
        bleu_signature: How sacreBLEU computed `bleu`; the next two likewise.
        chrf_signature: Of `chrf`.
        ter_signature: Of `ter`.
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
        """The three signatures in one line, each after the name of its measure."""
        return f"BLEU {self.bleu_signature} chrF {self.chrf_signature} TER {self.ter_signature}"

    def to_dict(self) -> dict[str, float | str]:
        """The scores as JSON has them: `bleu`, `chrf`, `ter` and `signature`."""
        return {"bleu": self.bleu, "chrf": self.chrf, "ter": self.ter, "signature": self.signature}


def score(hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str = AUTO) -> Scores:
    """Scores translations by all three measures; TER takes seconds for thousands of sentences.

    >>> score(["Comment vas-tu ?"], ["Comment vas-tu ?"]).chrf
    100.0

    Args:
        hypotheses: One translation a sentence, detokenized.
        references: The right translation of each.
        tokenize: Tokenizer of BLEU, by sacreBLEU's name; `auto` = by the script of the references.

    Returns:
        The scores and their signatures.

    Raises:
        DataError: The two differ in number, or there are none; the tokenizer cannot be used.
    """
    check_counts(hypotheses, references)
    found, right = comparable(hypotheses, what="translation"), comparable(references, what="reference")
    metrics = (bleu_metric(choose_tokenizer(right, tokenize)), CHRF(), TER())
    # A signature knows the number of references only after the score was taken.
    values = [float(metric.corpus_score(found, [right]).score) for metric in metrics]
    signatures = [str(metric.get_signature()) for metric in metrics]
    return Scores(values[0], values[1], values[2], len(hypotheses), *signatures)


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str = AUTO) -> float:
    """Only BLEU, as in `score`, and without sacreBLEU's advice on text that looks tokenized: many call it many times.

    Args:
        hypotheses: One translation a sentence.
        references: The right translation of each.
        tokenize: As for `score`.

    Returns:
        0 to 100.

    Raises:
        DataError: As for `score`.
    """
    check_counts(hypotheses, references)
    right = comparable(references, what="reference")
    metric = bleu_metric(choose_tokenizer(right, tokenize), force=True)
    return float(metric.corpus_score(comparable(hypotheses, what="translation"), [right]).score)


def corpus_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Only chrF, as in `score`.

    Args:
        hypotheses: One translation a sentence.
        references: The right translation of each.

    Returns:
        0 to 100.

    Raises:
        DataError: The two differ in number, or there are none.
    """
    check_counts(hypotheses, references)
    return float(
        CHRF()
        .corpus_score(comparable(hypotheses, what="translation"), [comparable(references, what="reference")])
        .score
    )


def comparable(lines: Sequence[str], *, what: str = "line") -> list[str]:
    """Text in the one form in which translations and references are compared.

    Args:
        lines: Translations, or references.
        what: What one of them is, for the message.

    Returns:
        Them normalized (see `regard.text.normalize`).

    Raises:
        DataError: One is no text.
    """
    return [normalize(line) for line in checked_texts(lines, kind=what)]


def check_counts(hypotheses: Sequence[str], references: Sequence[str], *, what: str = "translations") -> None:
    """Refuses what cannot be scored.

    Args:
        hypotheses: Translations.
        references: What they are compared with.
        what: What the first are, for the message.

    Raises:
        DataError: The two differ in number, or there are none.
    """
    if len(hypotheses) != len(references):
        raise DataError(
            f"expected one line of each, got {len(hypotheses)} {what} and {len(references)} references: align them "
            "line by line"
        )
    if not hypotheses:
        raise DataError("expected at least one translation to score, got none: the input is empty")
