"""Length limits of sentences: by training data, by a model's positions, and by memory."""

from __future__ import annotations

from dataclasses import dataclass

from regard.config.schema import UNLIMITED, Config
from regard.values import Encoding

MAX_ATTENTION_WEIGHTS = 125_000_000
"""Largest number of attention weights of one sentence pair: half a gigabyte."""


@dataclass(frozen=True)
class LengthLimits:
    """Lengths of sentences that a model can process.

    Attributes:
        max_source_len: Largest number of source subwords, without eos, that are translated at once; longer text is
            divided.
        max_positions: Largest number of subwords with eos, on either side, for which the model has position embeddings.
        num_matrices: Number of attention matrices per sentence pair: layers times heads; 0 without attention.
    """

    max_source_len: int
    max_positions: int = UNLIMITED
    num_matrices: int = 1

    @classmethod
    def from_config(cls, config: Config) -> LengthLimits:
        """Computes a model's limits from its configuration: from its positions, and the lengths it was trained on."""
        model = config.model
        source = max(1, min(config.data.max_len, model.num_positions - 1, model.max_source_len - 1))
        return cls(source, model.num_positions, model.num_attention_matrices)

    def warning(self, src: Encoding, tgt: Encoding, *, num_matrices: int = 1) -> tuple[str, ...]:
        """Checks whether a sentence pair is too long for forced decoding, and makes a warning if it is.

        Args:
            src: Source sentence, segmented into subwords.
            tgt: Target sentence, segmented into subwords.
            num_matrices: Number of attention matrices that forced decoding keeps.

        Returns:
            A tuple with the warning, whose text does not name the sentence pair; an empty tuple if the model has enough
            positions and the attention fits into memory.
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
