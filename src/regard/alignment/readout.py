"""How word links are read off attention: which matrix, which rows of it, and which cells become links.

The rules differ in what they can say. `strongest` gives every target word at most one source word, so that it
misses half of a pair such as "s'est passée" / "was"; `threshold` gives it all that got enough; `shares` also asks
the source words, each for the target words that looked at it most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from regard.config.schema import Config
from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.text.words import word_of_piece, word_spans
from regard.train.guided import guided_layer
from regard.values import Encoding, Links

Rule = Literal["shares", "strongest", "threshold"]
"""`shares` judges a weight by what its source word gets in all, `strongest` by its row, `threshold` by itself."""

_SURE = 0.4
"""Weights above this are links of a head that knows when there is none (docs/alignment.md)."""
_LEAST = 0.02
"""Source words that no target word looked at even so much are asked for nothing."""


@dataclass(frozen=True, slots=True)
class Readout:
    """What turns a record into links.

    Attributes:
        rule: Which cells become links.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.
        shifted: Whether a target word's row is that of the step in which it was read, one later than the step in
            which it was said (Luong 2015, footnote 14; Chen 2020, §3).
        threshold: What a share (`shares`) or a weight (`threshold`) must exceed; None = 0.4 or 0.25.
        end: A target word that looked at `</s>` more than this stays without a link of its own.
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
            shifted: Whether to take the row after each subword's own.

        Returns:
            A new readout.
        """
        return replace(self, layer=layer, head=head, shifted=shifted)

    def named(self, layer: int | None, head: int | None) -> Readout:
        """How a matrix that somebody names is read, of the model whose own readout this is.

        Args:
            layer: As for `AttentionRecord.matrix`.
            head: As for `AttentionRecord.matrix`.

        Returns:
            This one where nothing is named or its own matrix, with the row and rule that go with it; another is read by
            default.
        """
        own = (layer, head) in ((None, None), (self.layer, self.head))
        return self if own else Readout(layer=layer, head=head)

    def links(self, record: AttentionRecord) -> Links:
        """The word links of one sentence pair.

        Args:
            record: What was attended to.

        Returns:
            Sorted 0-based `(source word, target word)`.

        Raises:
            ShapeError: Where there is no such layer or head.
        """
        mass = word_mass(record, self.layer, self.head, shifted=self.shifted)
        if not mass.shape[0] or mass.shape[1] < 2:
            return ()
        on_words, speaks = mass[:, :-1], mass[:, -1] <= self.end
        default, rule = _RULES[self.rule]
        chosen = rule(on_words, speaks[:, None], default if self.threshold is None else self.threshold)
        return tuple(sorted((src, tgt) for tgt, src in chosen.nonzero().tolist()))


def own_readout(config: Config) -> Readout:
    """How a trained model's attention is best read as far as its configuration tells.

    Args:
        config: The model's own.

    Returns:
        Where word links guided its attention, that layer, head and row; else the mean of all. A head that was guided
        a step later has learned to look at `</s>` where there is no link, so that its weights are judged by themselves.
    """
    train = config.train
    if not train.guided_weight:
        return Readout()
    layer = guided_layer(train.guided_layer, config.model.attending_layers)
    if not train.guided_shift:
        return Readout(layer=layer, head=train.guided_head)
    return Readout("threshold", layer, train.guided_head, shifted=True, threshold=_SURE)


def rows_of_subwords(
    record: AttentionRecord, layer: int | None = None, head: int | None = None, *, shifted: bool
) -> Tensor:
    """The row of each target subword.

    Args:
        record: What was attended to.
        layer: As for `AttentionRecord.matrix`.
        head: As for `AttentionRecord.matrix`.
        shifted: Whether to take the row after each subword's own.

    Returns:
        `(T, S)` for T target subwords; the last ones are missing where a sentence was cut short.
    """
    first = int(shifted)
    return record.matrix(layer, head)[first : first + len(record.tgt.ids)]


def word_mass(record: AttentionRecord, layer: int | None = None, head: int | None = None, *, shifted: bool) -> Tensor:
    """How much each target word looked at each source word: summed over its subwords, the most of those that asked.

    Where a target word falls into subwords, one of them often decides and the others follow from it: their mean
    would water down what the one saw.

    Args:
        record: What was attended to.
        layer: As for `AttentionRecord.matrix`.
        head: As for `AttentionRecord.matrix`.
        shifted: Whether to take the row after each subword's own.

    Returns:
        `(T, S + 1)` for T target and S source words; the last column is what lay on no word, above all `</s>`.
    """
    weights = rows_of_subwords(record, layer, head, shifted=shifted)
    num_rows, num_src = len(record.tgt.ids), len(word_spans(record.src.text))
    padded = weights
    if len(weights) < num_rows:
        padded = torch.zeros(num_rows, weights.shape[1])
        padded[: len(weights)] = weights
    # A subword that belongs to no word goes to the last column, or to a row that is cut off.
    columns = [*_owners(record.src, num_src), num_src]
    mass = torch.zeros(num_rows, num_src + 1).index_add_(1, torch.tensor(columns), padded)
    num_tgt = len(word_spans(record.tgt.text))
    rows = torch.tensor(_owners(record.tgt, num_tgt), dtype=torch.int64)[:, None].expand_as(mass)
    return torch.zeros(num_tgt + 1, num_src + 1).scatter_reduce_(0, rows, mass, "amax")[:num_tgt]


def _owners(encoding: Encoding, nobody: int) -> list[int]:
    return [nobody if word is None else word for word in word_of_piece(encoding)]


def _best(values: Tensor, dim: int) -> Tensor:
    """Marks the first largest value along a dimension, where it is more than 0."""
    marked = torch.zeros_like(values, dtype=torch.bool)
    return marked.scatter_(dim, values.argmax(dim, keepdim=True), True) & (values > 0)


def _shares(mass: Tensor, speaks: Tensor, threshold: float) -> Tensor:
    shares = mass / mass.sum(dim=0, keepdim=True).clamp_min(torch.finfo(mass.dtype).tiny)
    seen = mass > _LEAST
    return (_best(shares, 1) & speaks) | (_best(shares, 0) & seen) | ((shares > threshold) & seen)


def _strongest(mass: Tensor, speaks: Tensor, _threshold: float) -> Tensor:
    return _best(mass, 1) & speaks


def _threshold(mass: Tensor, speaks: Tensor, threshold: float) -> Tensor:
    return (mass > threshold) & speaks


_RULES: dict[str, tuple[float, Callable[[Tensor, Tensor, float], Tensor]]] = {
    "shares": (0.4, _shares),
    "strongest": (0.0, _strongest),
    "threshold": (0.25, _threshold),
}
