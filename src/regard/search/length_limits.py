"""How long a sentence may be: what a model has learned or has positions for, and what there is room for."""

from __future__ import annotations

from dataclasses import dataclass

from regard.config.schema import Config, TransformerConfig
from regard.model.build import ENDLESS, max_source_len, num_positions
from regard.values import Encoding

MAX_ATTENTION_WEIGHTS = 125_000_000
"""Weights of one pair's attention, at most: half a gigabyte."""


@dataclass(frozen=True)
class LengthLimits:
    """How long a sentence may be.

    Attributes:
        max_source_len: Source subwords without eos that can be taken in one go.
        max_positions: Subwords with eos that there are positions for, on either side.
        num_matrices: Matrices of attention that it gives: one a layer and head.
    """

    max_source_len: int
    max_positions: int = ENDLESS
    num_matrices: int = 1

    @classmethod
    def from_config(cls, config: Config) -> LengthLimits:
        """What a model of that configuration has learned, or is able, to read."""
        model = config.model
        positions = num_positions(model)
        source = max(1, min(config.data.max_len, positions - 1, (max_source_len(model) or ENDLESS) - 1))
        if isinstance(model, TransformerConfig):
            return cls(source, positions, model.decoder_layers * model.heads)
        return cls(source, positions, model.attention.heads)

    def warning(self, src: Encoding, tgt: Encoding, *, num_matrices: int = 1) -> tuple[str, ...]:
        """What is said of a pair that is too long to be read.

        Args:
            src: The source.
            tgt: The target.
            num_matrices: Matrices of its attention that are kept.

        Returns:
            A sentence, or nothing where there are positions for both, and room for the attention.
        """
        sizes = len(src.ids) + 1, len(tgt.ids) + 1  # with eos
        if max(sizes) > self.max_positions:
            return (f"not read: it has {max(sizes)} subwords, the model's positions end at {self.max_positions}",)
        cells = sizes[0] * sizes[1] * num_matrices
        if cells <= MAX_ATTENTION_WEIGHTS:
            return ()
        room, allowed = 4 * cells / 1e9, 4 * MAX_ATTENTION_WEIGHTS / 1e9
        matrix = f"{num_matrices} x {sizes[1]} x {sizes[0]} weights"
        use = f"would take {room:.1f} GB, where {allowed:.1f} are allowed"
        return (f"not read: its attention, {matrix}, {use}: divide it into sentences",)
