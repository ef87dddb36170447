"""Hand-written and random attention records."""

from __future__ import annotations

import pytest
import torch
from records import Encode, MakeRecord, encoding_of, random_record

from regard.inspection.record import AttentionRecord
from regard.values import Encoding


@pytest.fixture
def encode() -> Encode:
    """A function that creates an encoding from words with `|` between subwords."""
    return encoding_of


@pytest.fixture
def make_record() -> MakeRecord:
    """A function that creates a random record from two sentences with `|` between subwords."""
    return random_record


@pytest.fixture
def day() -> AttentionRecord:
    """`How was your day?` with one hand-written matrix; its last words have several subwords."""
    rows = [
        [0.90, 0.05, 0.00, 0.00, 0.00, 0.05],  # Comment
        [0.10, 0.80, 0.00, 0.00, 0.00, 0.10],  # s'
        [0.00, 0.60, 0.00, 0.30, 0.00, 0.10],  # est
        [0.00, 0.00, 0.95, 0.05, 0.00, 0.00],  # ta
        [0.00, 0.00, 0.10, 0.70, 0.20, 0.00],  # journ
        [0.00, 0.00, 0.00, 0.50, 0.40, 0.10],  # ée
        [0.00, 0.00, 0.00, 0.00, 0.20, 0.80],  # ?
        [0.00, 0.00, 0.00, 0.00, 0.00, 1.00],  # </s>
    ]
    src, tgt = encoding_of("How was your day|?"), encoding_of("Comment s'|est ta journ|ée ?")
    return AttentionRecord(src, tgt, (torch.tensor([rows]),))


@pytest.fixture
def korean() -> AttentionRecord:
    """A sentence with characters two terminal cells wide, in two layers of two heads."""
    return random_record("My sister reads a book .", "여동생|은 책|을 읽|어요 .", layers=2, heads=2)


HOSTILE = (
    "</script><script>alert(1)</script>",
    "</script/",
    "<!--<script/",
    "<img/src=x/onerror=alert(1)>",
    "&lt;b&gt;",
    "{{data}}",
    "'\"`${alert(1)}",
    "\u2028\u2029",
    "\x1b[31mred\x07",
    "\ud800",
    "$\\frac{$",
    "\u202egnihtemos",
)


@pytest.fixture
def hostile() -> AttentionRecord:
    """Words that could act as markup, scripts, terminal control sequences or formulas."""
    pieces = tuple(word.replace("\u2028\u2029", "a\u2028\u2029") for word in HOSTILE)
    text, spans, start = " ".join(pieces), [], 0
    for piece in pieces:
        spans.append((start, start + len(piece)))
        start += len(piece) + 1
    encoding = Encoding(text, tuple(range(len(pieces))), pieces, tuple(spans))
    size = len(pieces) + 1
    return AttentionRecord(encoding, encoding, (torch.full((1, size, size), 1 / size),), ("</script>",))
