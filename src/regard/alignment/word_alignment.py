"""Word alignment of one sentence pair, read off its attention."""

from __future__ import annotations

from regard.alignment.readout import Readout
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks, parse_pharaoh, pharaoh, read_pharaoh
from regard.values import Links

__all__ = ["GoldLinks", "Readout", "parse_pharaoh", "pharaoh", "read_pharaoh", "word_alignment"]


def word_alignment(
    record: AttentionRecord, *, layer: int | None = None, head: int | None = None, readout: Readout | None = None
) -> Links:
    """Word links of a sentence pair.

    Each weight is taken as its share of the total that its source word received. A target word is linked to the source
    word of its largest share, a source word to the target word of its largest share (see `Readout`). A target word with
    most of its weight on `</s>` has no link of its own.

    Args:
        record: Attention of the pair.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.
        readout: Another readout, in place of `layer` and `head`.

    Returns:
        Sorted 0-based `(source word, target word)`.

    Raises:
        ShapeError: There is no such layer or head.
    """
    return (readout or Readout(layer=layer, head=head)).links(record)
