"""Word alignment of one sentence pair, derived from its attention."""

from __future__ import annotations

from regard.alignment.readout import Readout
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks, parse_pharaoh, pharaoh, read_pharaoh
from regard.values import Links

__all__ = ["GoldLinks", "Readout", "parse_pharaoh", "pharaoh", "read_pharaoh", "word_alignment"]


def word_alignment(
    record: AttentionRecord, *, layer: int | None = None, head: int | None = None, readout: Readout | None = None
) -> Links:
    """Derives the word links of a sentence pair from its attention.

    By default, each attention weight is divided by the total weight that its source word received from all target
    words. Each target word is linked to the source word with the largest such share, and each source word to the target
    word with its largest share. A target word with most of its weight on `</s>` selects no source word itself; it is
    linked only if a source word selects it. See `Readout`.

    Args:
        record: Attention of the sentence pair.
        layer: 0-based number of the layer; None = mean over the layers.
        head: 0-based number of the head; None = mean over the heads.
        readout: Layer, head, decoding step and rule to use instead of these defaults; if given, `layer` and `head` are
            ignored.

    Returns:
        Links as 0-based pairs `(source word, target word)`, sorted.

    Raises:
        ShapeError: The record does not have the layer or head.
    """
    return (readout or Readout(layer=layer, head=head)).links(record)
