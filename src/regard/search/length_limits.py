"""Length limits of sentences: by training data, by a model's positions, and by memory."""

from __future__ import annotations

from dataclasses import dataclass

from regard.config.schema import UNLIMITED, Config
from regard.values import Encoding

MAX_ATTENTION_WEIGHTS = 125_000_000
"""Largest number of attention weights of one sentence pair: half a gigabyte."""


@dataclass(frozen=True)
class LengthLimits:
    """Limits of the length of a sentence for a model.

    Attributes:
        max_source_len: Largest number of source subwords, without eos, translated at once.
        max_positions: Number of positions of the model, eos included, on either side.
        num_matrices: Number of attention matrices: layers times heads; 0 without attention.
    """

    max_source_len: int
    max_positions: int = UNLIMITED
    num_matrices: int = 1

    @classmethod
    def from_config(cls, config: Config) -> LengthLimits:
        """The limits of a model with this configuration: its positions, and the lengths that it was trained on."""
        model = config.model
        source = max(1, min(config.data.max_len, model.num_positions - 1, model.max_source_len - 1))
        return cls(source, model.num_positions, model.num_attention_matrices)

    def warning(self, src: Encoding, tgt: Encoding, *, num_matrices: int = 1) -> tuple[str, ...]:
        """The warning for a sentence pair that is too long for forced decoding.

        Args:
            src: The source.
            tgt: The target.
            num_matrices: Number of attention matrices that are kept.

        Returns:
            One message; empty if the model has enough positions and the attention fits into memory.
        """
        sizes = len(src.ids) + 1, len(tgt.ids) + 1  # with eos
        if max(sizes) > self.max_positions:
            return (f"not read: it has {max(sizes)} subwords, but the model has {self.max_positions} positions",)
        cells = sizes[0] * sizes[1] * num_matrices
        if cells <= MAX_ATTENTION_WEIGHTS:
            return ()
        room, allowed = 4 * cells / 1e9, 4 * MAX_ATTENTION_WEIGHTS / 1e9
        matrix = f"{num_matrices} x {sizes[1]} x {sizes[0]} weights"
        use = f"would take {room:.1f} GB, where {allowed:.1f} are allowed"
        return (f"not read: its attention, {matrix}, {use}: divide it into sentences",)
