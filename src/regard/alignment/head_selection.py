"""Selection of the layer and head that align best, on a few sentence pairs, with or without gold links.

Without gold links a candidate is judged by the dictionary that its links make: words that are linked once should be
linked again when they occur together again. A head that follows positions, the end or the previous word makes a bad
dictionary.
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

Criterion = Callable[[Sequence[Links]], float]
"""Maps the links of some sentence pairs to their quality; more is better."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A readout and the quality of its links.

    Attributes:
        readout: The readout.
        score: Quality of its links, in the unit of the criterion.
    """

    readout: Readout
    score: float

    def __str__(self) -> str:
        """Such as `layer 1, head 3, shifted: 0.912`."""
        readout = self.readout
        layer = "mean of layers" if readout.layer is None else f"layer {readout.layer}"
        head = "mean of heads" if readout.head is None else f"head {readout.head}"
        return f"{layer}, {head}{', shifted' if readout.shifted else ''}: {self.score:.3f}"


def rank_candidates(
    records: Sequence[AttentionRecord], criterion: Criterion, readout: Readout | None = None
) -> list[Candidate]:
    """Ranks all layers and heads and their means, each unshifted and shifted.

    Args:
        records: Attention of some sentence pairs, by one model.
        criterion: Quality of links.
        readout: The rule; layer, head and shift are replaced.

    Returns:
        All candidates, best first. Among equals the simpler one is first: means before heads, unshifted before shifted.
    """
    candidates = [
        Candidate(candidate, criterion([candidate.links(record) for record in records]))
        for candidate in _candidates(records[0], readout or Readout())
    ]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def gold_criterion(gold: Sequence[GoldLinks]) -> Criterion:
    """1 - alignment error rate.

    Args:
        gold: Gold links of the same sentence pairs.

    Returns:
        The criterion.
    """
    sure, possible = [links.sure for links in gold], [links.possible for links in gold]
    return lambda links: 1.0 - alignment_error_rate(links, sure, possible).aer


def dictionary_criterion(records: Sequence[AttentionRecord]) -> Criterion:
    """How well linked words predict each other elsewhere, in nats per target word.

    A link counts the pointwise mutual information of its two words over all other links; less than 0 counts as 0.

    Args:
        records: Attention of the same sentence pairs.

    Returns:
        The criterion.
    """
    words = [(record.src_words, record.tgt_words) for record in records]
    num_tgt = sum(len(tgt) for _, tgt in words)

    def criterion(links: Sequence[Links]) -> float:
        pairs = [(src[i], tgt[j]) for (src, tgt), linked in zip(words, links, strict=True) for i, j in linked]
        joint, left, right = Counter(pairs), Counter(src for src, _ in pairs), Counter(tgt for _, tgt in pairs)
        nats = 0.0
        for (src, tgt), count in joint.items():
            if count > 1:
                nats += count * max(0.0, log((count - 1) * len(pairs) / (left[src] * right[tgt])))
        return nats / max(1, num_tgt, len(pairs))

    return criterion


def _candidates(record: AttentionRecord, readout: Readout) -> Iterator[Readout]:
    """The mean of all layers, the mean of each layer, and each head; a mean of a single matrix is left out."""
    for shifted in (False, True):
        if len(record.layers) > 1:
            yield readout.at(None, None, shifted=shifted)
        for layer, weights in enumerate(record.layers):
            if len(weights) > 1:
                yield readout.at(layer, None, shifted=shifted)
            for head in range(len(weights)):
                yield readout.at(layer, head, shifted=shifted)
