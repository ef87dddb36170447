"""From attention to word links: which matrix is read, which of its rows, and which cells become links.

The rules differ in what they can express. `strongest` gives every target word at most one source word, so it misses
half of a pair such as "s'est passée" / "was"; `threshold` links every source word with enough weight; `shares` also
starts from the source words and links each to the target words that attended to it most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from regard.config.model_sections import guided_layer
from regard.config.schema import Config
from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.store.manifest import StoredReadout
from regard.values import Links

Rule = Literal["shares", "strongest", "threshold"]
"""What a weight is compared with: the total of its source word (`shares`), its row (`strongest`), or a fixed limit."""

_GUIDED_THRESHOLD = 0.4
"""Weights above this are links, where a guided head has learned to attend to `</s>` if there is none."""
_SMALLEST = 0.02
"""A source word gets links of its own only from weights above this."""


@dataclass(frozen=True, slots=True)
class Readout:
    """How word links are read off an attention record.

    Attributes:
        rule: Which cells become links.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.
        shifted: Whether a target word's row is that of the next step, at which the word is the decoder's input, and
            not that of the step that generated it (Luong 2015, footnote 14; Chen 2020, §3).
        threshold: Limit of a share (`shares`) or a weight (`threshold`); None = 0.4 or 0.25.
        end: A target word whose weight on `</s>` exceeds this has no link of its own.
    """

    rule: Rule = "shares"
    layer: int | None = None
    head: int | None = None
    shifted: bool = False
    threshold: float | None = None
    end: float = 0.5

    def __post_init__(self) -> None:
        if self.rule not in _RULES:
            raise DataError(f"expected a rule out of {', '.join(_RULES)}, got {self.rule!r}")

    def at(self, layer: int | None, head: int | None, *, shifted: bool = False) -> Readout:
        """The same rule for another matrix.

        Args:
            layer: As for `AttentionRecord.matrix`.
            head: As for `AttentionRecord.matrix`.
            shifted: As in `Readout`.

        Returns:
            A new readout.
        """
        return replace(self, layer=layer, head=head, shifted=shifted)

    def for_matrix(self, layer: int | None, head: int | None) -> Readout:
        """The readout of a matrix that the user chose; called on the model's own readout.

        Args:
            layer: As for `AttentionRecord.matrix`.
            head: As for `AttentionRecord.matrix`.

        Returns:
            This readout if the user chose nothing or its own matrix; otherwise the default rule for that matrix.
        """
        own = (layer, head) in ((None, None), (self.layer, self.head))
        return self if own else Readout(layer=layer, head=head)

    def links(self, record: AttentionRecord) -> Links:
        """The word links of one sentence pair.

        Args:
            record: Attention of the pair.

        Returns:
            Sorted 0-based `(source word, target word)`.

        Raises:
            ShapeError: There is no such layer or head.
        """
        weights = record.words(self.layer, self.head, shifted=self.shifted)
        if not weights.shape[0] or weights.shape[1] < 2:
            return ()
        on_words, may_link = weights[:, :-1], weights[:, -1] <= self.end
        default, rule = _RULES[self.rule]
        linked = rule(on_words, may_link[:, None], default if self.threshold is None else self.threshold)
        return tuple(sorted((src, tgt) for tgt, src in linked.nonzero().tolist()))

    def to_stored(self) -> StoredReadout:
        """The readout as a model's manifest stores it."""
        return StoredReadout(**asdict(self))


def known_readout(config: Config, stored: StoredReadout | None) -> Readout | None:
    """The readout of a model, if it is known.

    Args:
        config: The model's configuration.
        stored: The readout in its manifest.

    Returns:
        The stored readout; without one, the head that word links guided in training; None where neither is known. A
        head that was guided one step later has learned to attend to `</s>` where there is no link, so that its weights
        are compared with a fixed limit.
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


def _largest(values: Tensor, dim: int) -> Tensor:
    """Marks the first largest value along a dimension, where it is more than 0."""
    marked = torch.zeros_like(values, dtype=torch.bool)
    return marked.scatter_(dim, values.argmax(dim, keepdim=True), True) & (values > 0)


def _shares(weights: Tensor, may_link: Tensor, threshold: float) -> Tensor:
    shares = weights / weights.sum(dim=0, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    enough = weights > _SMALLEST
    return (_largest(shares, 1) & may_link) | (_largest(shares, 0) & enough) | ((shares > threshold) & enough)


def _strongest(weights: Tensor, may_link: Tensor, _threshold: float) -> Tensor:
    return _largest(weights, 1) & may_link


def _above(weights: Tensor, may_link: Tensor, threshold: float) -> Tensor:
    return (weights > threshold) & may_link


_RULES: Mapping[str, tuple[float, Callable[[Tensor, Tensor, float], Tensor]]] = {
    "shares": (0.4, _shares),
    "strongest": (0.0, _strongest),
    "threshold": (0.25, _above),
}
"""Default limit and function of each rule."""
