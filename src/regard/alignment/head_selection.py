"""Which layer and head align best: found on a few sentence pairs, with gold links or without any.

Without gold links a matrix is judged by whether its links would make a good dictionary: words that are linked
once should be linked again when they meet again. A head that looks at positions, at the end, or at the word
before makes a bad one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from regard.alignment.error_rate import alignment_error_rate
from regard.alignment.readout import Readout
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks
from regard.values import Links

Judge = Callable[[Sequence[Links]], float]
"""Links of some sentence pairs to how good they are: more is better."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A matrix and how well it did.

    Attributes:
        readout: The matrix and the rule.
        score: How good its links are, in what the judge counts.
    """

    readout: Readout
    score: float

    def __str__(self) -> str:
        """Such as `layer 1, head 3, shifted: 0.912`."""
        readout = self.readout
        layer = "mean of layers" if readout.layer is None else f"layer {readout.layer}"
        head = "mean of heads" if readout.head is None else f"head {readout.head}"
        return f"{layer}, {head}{', shifted' if readout.shifted else ''}: {self.score:.3f}"


def rank(records: Sequence[AttentionRecord], judge: Judge, readout: Readout | None = None) -> list[Choice]:
    """Tries every matrix on some sentence pairs: all layers and heads, their means, each as it is and shifted.

    Args:
        records: Of one model.
        judge: What judges their links.
        readout: The rule; its layer, head and shift are what is sought.

    Returns:
        All of them, the best first; at equal scores the simpler one, means before heads and unshifted before
        shifted.
    """
    choices = [
        Choice(one, judge([one.links(record) for record in records]))
        for one in _candidates(records[0], readout or Readout())
    ]
    return sorted(choices, key=lambda choice: -choice.score)


def by_gold(gold: Sequence[GoldLinks]) -> Judge:
    """A judge that knows what is right: 1 - alignment error rate.

    Args:
        gold: Links of the same sentence pairs.

    Returns:
        The judge.
    """
    sure, possible = [one.sure for one in gold], [one.possible for one in gold]
    return lambda links: 1.0 - alignment_error_rate(links, sure, possible).aer


def by_dictionary(records: Sequence[AttentionRecord]) -> Judge:
    """A judge that knows only the words: how well a link's words predict each other elsewhere, nats a target word.

    A link counts the pointwise mutual information of its two words, counted without itself; less than 0 is 0.

    Args:
        records: Of the same sentence pairs.

    Returns:
        The judge.
    """
    words = [(record.src_words, record.tgt_words) for record in records]
    num_tgt = sum(len(tgt) for _, tgt in words)

    def judge(links: Sequence[Links]) -> float:
        pairs = [(src[i], tgt[j]) for (src, tgt), one in zip(words, links, strict=True) for i, j in one]
        together, left, right = Counter(pairs), Counter(one for one, _ in pairs), Counter(one for _, one in pairs)
        gained = 0.0
        for (src, tgt), count in together.items():
            if count > 1:
                gained += count * max(0.0, log((count - 1) * len(pairs) / (left[src] * right[tgt])))
        return gained / max(1, num_tgt, len(pairs))

    return judge


def _candidates(record: AttentionRecord, readout: Readout) -> Iterator[Readout]:
    """The whole mean, each layer's mean, each head; a mean of one is left out."""
    for shifted in (False, True):
        if len(record.layers) > 1:
            yield readout.at(None, None, shifted=shifted)
        for layer, weights in enumerate(record.layers):
            if len(weights) > 1:
                yield readout.at(layer, None, shifted=shifted)
            for head in range(len(weights)):
                yield readout.at(layer, head, shifted=shifted)
