"""Word alignment read off attention."""

from __future__ import annotations

from regard.alignment.readout import Readout
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks, parse_pharaoh, pharaoh, read_pharaoh
from regard.values import Links

__all__ = ["GoldLinks", "Readout", "parse_pharaoh", "pharaoh", "read_pharaoh", "word_alignment"]


def word_alignment(
    record: AttentionRecord, *, layer: int | None = None, head: int | None = None, readout: Readout | None = None
) -> Links:
    """Which source word each target word was made from.

    A link stands where a target word looked at no other source word more, or where no other target word looked
    at a source word more, each weight taken as a share of all that its source word got (see `Readout`). A target
    word that looked at `</s>` above all has no link of its own.

    Args:
        record: What was attended to.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.
        readout: Another way to read; its own layer and head count.

    Returns:
        Sorted 0-based links.

    Raises:
        ShapeError: Where there is no such layer or head.
    """
    return (readout or Readout(layer=layer, head=head)).links(record)
