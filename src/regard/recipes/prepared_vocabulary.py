"""Vocabularies of prepared text: learned from a sample in a separate process, or given by the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from regard.config.resolved import DerivedConfig
from regard.data.hashes import Keys
from regard.data.prepared.collecting import CollectedPart
from regard.data.prepared.corpus import file_hash
from regard.data.prepared.permutation import Permutation
from regard.data.prepared.pool import WorkerPool
from regard.data.prepared.shard import REMEDY
from regard.data.prepared.text_part import TextPart
from regard.errors import CheckpointError
from regard.files.atomic import remove, write_text
from regard.text.subword import Subword
from regard.values import Pair

SAMPLE_CHARS = 8_000_000
"""Characters of the sample from which vocabularies are learned, both sides together. It takes 0.25 GB of memory; more
text changes few subwords."""
SRC_VOCABULARY, TGT_VOCABULARY = "subword.src.model", "subword.tgt.model"
_SAMPLE = 3
# First part of the key of the permutation that draws the sample.


def sample_pairs(parts: Sequence[CollectedPart], held_out: Keys, *, seed: int) -> list[Pair]:
    """Draws training pairs at random, to learn vocabularies from; excludes pairs held out for validation.

    Args:
        parts: Files that together contain the normalized text of all corpora.
        held_out: Hashes (from `text_hash`) of the K sources that are held out, sorted, `(K,)` uint64.
        seed: Random seed.

    Returns:
        Pairs with about 8 million characters in total (`SAMPLE_CHARS`), or all pairs if the text has fewer, in the
        order of the text.
    """
    total = sum(part.num_pairs for part in parts)
    num_chars = max(1, sum(sum(part.num_chars) for part in parts))
    count = min(total, max(1, total * SAMPLE_CHARS // num_chars))
    drawn = np.sort(Permutation(total, _SAMPLE, seed)(np.arange(count)))
    pairs: list[Pair] = []
    first = 0
    for part in parts:
        rows = drawn[np.searchsorted(drawn, first) : np.searchsorted(drawn, first + part.num_pairs)] - first
        first += part.num_pairs
        text = TextPart(part.path)
        pairs += text.pairs(rows[~np.isin(text.keys[rows, 0], held_out)])
        text.release()
    return pairs


def learn_vocabularies(
    config: DerivedConfig,
    pairs: Sequence[Pair],
    tags: Sequence[str],
    directory: Path,
    *,
    check: Callable[[], object],
) -> tuple[tuple[Subword, Subword], list[str]]:
    """Learns the vocabularies of a training in a separate process, so that this process needs no more memory.

    Args:
        config: Configuration, of which `[subword]` and `train.seed` are used.
        pairs: The sample to learn from.
        tags: Tags that may precede a source, such as `>>fr<<`; each becomes a subword.
        directory: Directory for the vocabularies, and for temporary files.
        check: Function that is called several times per second, and may raise to stop.

    Returns:
        Source and target vocabulary, the same object if they are shared; and notes for the user.

    Raises:
        RegardError: The vocabulary cannot be learned from this text.
    """
    sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    options = config.subword
    texts = {SRC_VOCABULARY: (sources, list(tags)), TGT_VOCABULARY: (targets, [])}
    if options.shared:
        texts = {SRC_VOCABULARY: ([*sources, *targets], list(tags))}
    notes: list[str] = []
    with WorkerPool({"work": "learn"}, num_workers=1, check=check) as pool:
        for name, (sentences, own_tags) in texts.items():
            sample = directory / "sample.txt"
            text = "".join(f"{sentence}\n" for sentence in sentences)
            write_text(sample, text)
            task = {
                "sentences": str(sample),
                "out": str(directory / name),
                "vocab_size": options.vocab_size,
                "kind": options.kind,
                "seed": config.train.seed,
                "tags": own_tags,
            }
            notes += [str(answer["note"]) for _, answer in pool.answers([task]) if answer["note"]]
            remove(sample)
    return load_vocabularies(directory, shared=options.shared), notes


def load_vocabularies(directory: Path, *, shared: bool, hashes: Sequence[str] | None = None) -> tuple[Subword, Subword]:
    """Loads the vocabularies of prepared text.

    Args:
        directory: The directory of the prepared text.
        shared: Whether source and target share a vocabulary.
        hashes: Expected SHA-256 of the source and of the target vocabulary; None = hashes are not checked.

    Returns:
        Source and target vocabulary, the same object if they are shared.

    Raises:
        CheckpointError: A file is missing or damaged.
    """
    paths = directory / SRC_VOCABULARY, directory / TGT_VOCABULARY
    for path, expected in zip(paths, hashes or (), strict=False):
        if file_hash(path) != expected:
            raise CheckpointError(f"{path}: damaged: its content does not match its hash in the manifest: {REMEDY}")
    src = Subword.load(paths[0])
    return src, src if shared else Subword.load(paths[1])
