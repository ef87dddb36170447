"""From attention to word links: which attention matrix is used, which of its rows, and which cells become links.

Four rules select the cells. `strongest` links every target word to at most one source word, so it misses half of a
pair such as "s'est passée" / "was". `threshold` links a target word to every source word with enough weight. `shares`
also starts from the source words, and links each of them to the target words that attended to it most. `hmm` also uses
the links of the neighboring words; see `regard.alignment.hmm`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from regard.alignment.hmm import link_probabilities
from regard.config.model_sections import guided_layer
from regard.config.schema import Config
from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.store.manifest import StoredReadout
from regard.values import Links

Rule = Literal["hmm", "shares", "strongest", "threshold"]
"""Rule that selects links; it compares a weight with the total weight of the source word (`shares`), with the other
weights of the target word (`strongest`), or with a fixed threshold (`threshold`); or it computes the probability of
each link with a hidden Markov model (`hmm`)."""

_GUIDED_THRESHOLD = 0.4
"""Attention weight above which a word is linked, for a head that was trained by word links to attend to `</s>` if a
target word has no link."""
_SMALLEST = 0.02
"""Smallest attention weight at which the rule `shares` links a source word to a target word."""


@dataclass(frozen=True, slots=True)
class Readout:
    """How word alignment links are derived from the cross-attention of a sentence pair.

    Attributes:
        rule: Which attention weights become links. `strongest`: the largest weight of each target word. `threshold`:
            all weights above `threshold`. `shares`: each weight is divided by the total weight of its source word; the
            largest share of each target word becomes a link, and so do, if their weight is above 0.02, the largest
            share of each source word and all shares above `threshold`. `hmm`: links whose probability is above
            `threshold`, given the weights and the order of the words (`regard.alignment.hmm`); for a head that was
            trained to attend to `</s>` if a target word has no link.
        layer: 0-based number of the layer; None = mean over the layers.
        head: 0-based number of the head; None = mean over the heads.
        shifted: Whether the attention weights of a target word are those of the next decoding step, at which the word
            is the decoder's input, instead of those of the step that generated the word (Luong 2015, footnote 14; Chen
            2020, §3).
        threshold: Threshold above which a probability (rule `hmm`), a share (rule `shares`) or a weight (rule
            `threshold`) becomes a link; None = 0.35 for `hmm`, 0.4 for `shares`, 0.25 for `threshold`. The rule
            `strongest` has none.
        end: Attention weight on the source `</s>` above which a target word does not select a source word. With the
            rule `shares`, source words also select target words, so such a target word may still be linked. It has no
            effect on the rule `hmm`.

    Raises:
        DataError: The rule is unknown.
    """

    rule: Rule = "shares"
    layer: int | None = None
    head: int | None = None
    shifted: bool = False
    threshold: float | None = None
    end: float = 0.5

    def __post_init__(self) -> None:
        if self.rule not in _RULES:
            raise DataError(
                f"expected a rule that turns attention into word links, one of {', '.join(_RULES)}, got {self.rule!r}"
            )

    def at(self, layer: int | None, head: int | None, *, shifted: bool = False) -> Readout:
        """Makes a readout that derives links by the same rule and thresholds, but from another layer, head and step.

        Args:
            layer: 0-based number of the layer; None = mean over the layers.
            head: 0-based number of the head; None = mean over the heads.
            shifted: Whether the weights of a target word are those of the next decoding step; see `Readout`.

        Returns:
            A new readout.
        """
        return replace(self, layer=layer, head=head, shifted=shifted)

    def for_matrix(self, layer: int | None, head: int | None) -> Readout:
        """Makes the readout (how word links are derived from attention) for the layer and head that the user chose.

        `self` is the model's own readout.

        Args:
            layer: 0-based number of the chosen layer; None = the user chose none.
            head: 0-based number of the chosen head; None = the user chose none.

        Returns:
            This readout if both are None, or if both are the layer and head of this readout. Otherwise a readout of the
            chosen layer and head (None = mean) with default values in all other fields: the rule `shares`, and
            `shifted` False.
        """
        own = (layer, head) in ((None, None), (self.layer, self.head))
        return self if own else Readout(layer=layer, head=head)

    def links(self, record: AttentionRecord) -> Links:
        """Derives the word links of one sentence pair from its attention.

        Args:
            record: Attention of the sentence pair.

        Returns:
            Links as 0-based pairs `(source word, target word)`, sorted.

        Raises:
            ShapeError: The record does not have the layer or head of this readout.
        """
        return self.links_of([record])[0]

    def links_of(self, records: Sequence[AttentionRecord]) -> list[Links]:
        """Derives the word links of several sentence pairs; with the rule `hmm`, in a fraction of the time.

        Args:
            records: Attention of the sentence pairs.

        Returns:
            Links of each pair as 0-based pairs `(source word, target word)`, sorted.

        Raises:
            ShapeError: A record does not have the layer or head of this readout.
        """
        weights = [record.words(self.layer, self.head, shifted=self.shifted) for record in records]
        rows = [row for row, pair in enumerate(weights) if pair.shape[0] and pair.shape[1] > 1]  # others have no words
        default, rule = _RULES[self.rule]
        linked = rule([weights[row] for row in rows], self.end, default if self.threshold is None else self.threshold)
        links: list[Links] = [()] * len(records)
        for row, cells in zip(rows, linked, strict=True):
            links[row] = tuple(sorted((src, tgt) for tgt, src in cells.nonzero().tolist()))
        return links

    def to_stored(self) -> StoredReadout:
        """Converts the readout to the fields that are written to the manifest file of a stored model."""
        return StoredReadout(**asdict(self))


def known_readout(config: Config, stored: StoredReadout | None) -> Readout | None:
    """The readout (layer, head and rule for word links) that is stored with a model or follows from its configuration.

    Args:
        config: The model's configuration.
        stored: The readout that is stored with the model; None if none is stored.

    Returns:
        The stored readout. If none is stored but a head was trained to attend along given word links
        (`train.guided_weight` above 0), a readout of that layer and head. If `train.guided_shift` is set as well, this
        readout uses the rule `threshold`, because such a head has learned to attend to `</s>` for words without a link.
        Otherwise None.
    """
    if stored is not None:
        return Readout(**stored.model_dump())
    train = config.train
    if not train.guided_weight:
        return None
    layer = guided_layer(train.guided_layer, config.model.attending_layers)
    if not train.guided_shift:
        return Readout(layer=layer, head=train.guided_head)
    return Readout("threshold", layer, train.guided_head, shifted=True, threshold=_GUIDED_THRESHOLD)


def guided_readout(config: Config) -> Readout | None:
    """The readout to store with a new model whose attention was trained by word links.

    Args:
        config: The model's configuration.

    Returns:
        The readout of the guided layer and head. If `train.guided_shift` is set, it uses the rule `hmm`; older models,
        with which no readout is stored, are still read as before, see `known_readout`. None if no head was guided.
    """
    readout = known_readout(config, None)
    return readout if readout is None or not readout.shifted else replace(readout, rule="hmm", threshold=None)


def _largest(values: Tensor, dim: int) -> Tensor:
    """Marks the first largest value along a dimension, where it is more than 0."""
    marked = torch.zeros_like(values, dtype=torch.bool)
    return marked.scatter_(dim, values.argmax(dim, keepdim=True), True) & (values > 0)


def _hmm(weights: Sequence[Tensor], _end: float, threshold: float) -> list[Tensor]:
    return [torch.from_numpy(pair > threshold) for pair in link_probabilities(weights)]


def _shares(weights: Sequence[Tensor], end: float, threshold: float) -> list[Tensor]:
    return [_enough_shares(pair[:, :-1], pair[:, -1:] <= end, threshold) for pair in weights]


def _enough_shares(weights: Tensor, may_link: Tensor, threshold: float) -> Tensor:
    shares = weights / weights.sum(dim=0, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    enough = weights > _SMALLEST
    return (_largest(shares, 1) & may_link) | (_largest(shares, 0) & enough) | ((shares > threshold) & enough)


def _strongest(weights: Sequence[Tensor], end: float, _threshold: float) -> list[Tensor]:
    return [_largest(pair[:, :-1], 1) & (pair[:, -1:] <= end) for pair in weights]


def _above(weights: Sequence[Tensor], end: float, threshold: float) -> list[Tensor]:
    return [(pair[:, :-1] > threshold) & (pair[:, -1:] <= end) for pair in weights]


_RULES: Mapping[str, tuple[float, Callable[[Sequence[Tensor], float, float], list[Tensor]]]] = {
    "hmm": (0.35, _hmm),
    "shares": (0.4, _shares),
    "strongest": (0.0, _strongest),
    "threshold": (0.25, _above),
}
"""Default threshold and function of each rule: from the weights of sentence pairs, `end` and a threshold to links."""
