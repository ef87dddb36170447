"""Attention records of given or random weights, and the types of fixtures that make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch

from regard.inspection.record import AttentionRecord
from regard.values import Encoding

Encode = Callable[[str], Encoding]


class MakeRecord(Protocol):
    """The type of `random_record`."""

    def __call__(
        self, src: str, tgt: str, *, layers: int = 1, heads: int = 1, seed: int = 1, finished: bool = True
    ) -> AttentionRecord: ...


def encoding_of(marked: str) -> Encoding:
    """Creates an encoding from words with `|` between subwords: `"ta jour|née"`."""
    text = marked.replace("|", "")
    pieces, spans, start = [], [], 0
    for number, word in enumerate(marked.split(" ")):
        start += number > 0
        for inner, piece in enumerate(word.split("|")):
            pieces.append(piece if inner else "▁" + piece)
            spans.append((start, start + len(piece)))
            start += len(piece)
    return Encoding(text, tuple(range(4, 4 + len(pieces))), tuple(pieces), tuple(spans))


def random_record(
    src: str, tgt: str, *, layers: int = 1, heads: int = 1, seed: int = 1, finished: bool = True
) -> AttentionRecord:
    """Creates a record with random weights whose rows sum to 1."""
    generator = torch.Generator().manual_seed(seed)
    encoded = encoding_of(src), encoding_of(tgt)
    shape = (heads, len(encoded[1].ids) + finished, len(encoded[0].ids) + 1)
    weights = [torch.softmax(3 * torch.randn(shape, generator=generator), dim=-1) for _ in range(layers)]
    return AttentionRecord(*encoded, tuple(weights))
