"""Selection of the layer and head whose attention aligns words best, on a few sentence pairs.

With gold links, layers and heads are compared by alignment error rate. Without gold links, they are compared by the
bilingual dictionary that their links make: words that are linked once should be linked again when they occur together
again. A head that attends to fixed positions, to the end or to the previous word makes a bad dictionary.
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
"""Function that maps the word links of some sentence pairs to a score of their quality; higher is better."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to derive word links from the attention of a model, with the quality of these links.

    Attributes:
        readout: The layer and head whose attention is read, at which decoding step (see `Readout.shifted`), and the
            rule that turns attention weights into links.
        score: Quality of the links; higher is better. The unit depends on the function that scored the links.
    """

    readout: Readout
    score: float

    def __str__(self) -> str:
        """Describes layer, head and score in a line of text, such as `layer 1, head 3, shifted: 0.912`."""
        readout = self.readout
        layer = "mean of layers" if readout.layer is None else f"layer {readout.layer}"
        head = "mean of heads" if readout.head is None else f"head {readout.head}"
        return f"{layer}, {head}{', shifted' if readout.shifted else ''}: {self.score:.3f}"


def rank_candidates(
    records: Sequence[AttentionRecord], criterion: Criterion, readout: Readout | None = None
) -> list[Candidate]:
    """Ranks the attention heads of a model, and means over heads and layers, by the word links that each gives.

    Each is tried twice: the links of a target word are read from the attention weights of the decoding step that
    generated the word, and from those of the next step, whose input the word is (`Readout.shifted`).

    Args:
        records: Attention of some sentence pairs, all from the same model; at least one.
        criterion: Function that takes the links of each sentence pair, in the order of `records`, and returns a score;
            higher is better.
        readout: Rule and thresholds for all candidates; its `layer`, `head` and `shifted` are ignored. None = the
            default rule.

    Returns:
        All candidates, best first. Of candidates with equal scores the simpler is first: means before single heads,
        unshifted before shifted.
    """
    candidates = [
        Candidate(candidate, criterion(candidate.links_of(records)))
        for candidate in _candidates(records[0], readout or Readout())
    ]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def gold_criterion(gold: Sequence[GoldLinks]) -> Criterion:
    """Makes a function that scores word links by `1 - alignment error rate` against gold links.

    Args:
        gold: Gold links of the sentence pairs whose links the function will score.

    Returns:
        A function of the links of each sentence pair, in the order of `gold`. It returns a score up to 1; higher is
        better.
    """
    sure, possible = [links.sure for links in gold], [links.possible for links in gold]
    return lambda links: 1.0 - alignment_error_rate(links, sure, possible).aer


def dictionary_criterion(records: Sequence[AttentionRecord]) -> Criterion:
    """Makes a function that scores word links without gold links, by how consistently they pair the same words.

    Each link adds the pointwise mutual information of its two words, estimated from all other links; negative values
    count as 0. Layers and heads are compared by these scores.

    Args:
        records: Attention records of the sentence pairs whose links the function will score; only their words are
            used.

    Returns:
        A function of the links of each sentence pair, in the order of `records`. It returns nats per target word;
        higher is better.
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
