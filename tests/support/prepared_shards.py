"""Prepared corpora made directly of sentence pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from regard.data.hashes import text_hash
from regard.data.prepared.encoding import EncodingTask, ShardEncoder
from regard.data.prepared.manifest import CorpusSummary, Manifest, ShardEntry
from regard.data.prepared.text_part import PartWriter
from regard.text.subword import Subword
from regard.values import Pair


def prepare(
    directory: Path,
    parts: list[list[Pair]],
    subword: Subword,
    *,
    with_text: bool = True,
    held_out: tuple[str, ...] = (),
) -> list[ShardEntry]:
    """Writes parts of text, encodes each, and writes a manifest."""
    keys = np.sort(np.array([text_hash(src) for src in held_out], np.uint64))
    encoder = ShardEncoder(directory, "job", (subword, subword), max_len=60, held_out=keys, with_text=with_text)
    entries = []
    for number, pairs in enumerate(parts):
        writer = PartWriter(directory / f"text-{number}")
        writer.add((pair.src, pair.tgt, pair.line) for pair in pairs)
        writer.write()
        entries.append(encoder(EncodingTask(number, writer.path, 0, None, is_eligible=True)).entry)
    num_pairs = sum(entry.num_pairs for entry in entries)
    manifest = Manifest(
        {},
        (),
        (CorpusSummary("text", num_pairs, num_pairs, num_pairs, 1.0, (1, 1)),),
        tuple(entries),
        (len(subword), len(subword)),
        (subword.fingerprint(), subword.fingerprint()),
    )
    manifest.write(directory)
    return entries
