"""Word alignment read off attention."""

from __future__ import annotations

from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks, parse_pharaoh, pharaoh, read_pharaoh
from regard.values import Links

__all__ = ["GoldLinks", "parse_pharaoh", "pharaoh", "read_pharaoh", "word_alignment"]


def word_alignment(record: AttentionRecord, *, layer: int | None = None, head: int | None = None) -> Links:
    """For each target word, the source word that it attended to most.

    A target word stays without a link where `</s>` received more than any word. On a tie the earlier
    source word wins.

    Args:
        record: What was attended to.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.

    Returns:
        Sorted 0-based links, at most one a target word.
    """
    links = []
    for tgt, row in enumerate(record.words(layer, head).tolist()):
        src = row.index(max(row))
        if src < len(row) - 1 and row[src] > 0:
            links.append((src, tgt))
    return tuple(sorted(links))
