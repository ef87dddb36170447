"""How long a sentence may be: what a model has learned or has positions for, and what there is room for."""

from __future__ import annotations

from dataclasses import dataclass

from regard.config.schema import UNLIMITED, Config
from regard.values import Encoding

MOST_CELLS = 125_000_000
"""Weights of one pair's attention, at most: half a gigabyte."""


@dataclass(frozen=True)
class LengthLimits:
    """How long a sentence may be.

    Attributes:
        source: Source subwords without eos that can be taken in one go.
        positions: Subwords with eos that there are positions for, on either side.
        matrices: Matrices of attention that it gives: one a layer and head.
    """

    source: int
    positions: int = UNLIMITED
    matrices: int = 1

    @classmethod
    def of(cls, config: Config) -> LengthLimits:
        """What a model of that configuration has learned, or is able, to read."""
        model = config.model
        source = max(1, min(config.data.max_len, model.num_positions - 1, model.max_source_len - 1))
        return cls(source, model.num_positions, model.num_attention_matrices)

    def warning(self, src: Encoding, tgt: Encoding, *, matrices: int = 1) -> tuple[str, ...]:
        """What is said of a pair that is too long to be read.

        Args:
            src: The source.
            tgt: The target.
            matrices: Matrices of its attention that are kept.

        Returns:
            A sentence, or nothing where there are positions for both, and room for the attention.
        """
        sizes = len(src.ids) + 1, len(tgt.ids) + 1  # with eos
        if max(sizes) > self.positions:
            return (f"not read: it has {max(sizes)} subwords, the model's positions end at {self.positions}",)
        cells = sizes[0] * sizes[1] * matrices
        if cells <= MOST_CELLS:
            return ()
        told = f"{4 * cells / 1e9:.1f} GB, where {4 * MOST_CELLS / 1e9:.1f} are allowed: divide it into sentences"
        return (f"not read: its attention, {matrices} x {sizes[1]} x {sizes[0]} weights, would take {told}",)
