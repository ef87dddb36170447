"""Number of operations that a training step needs for its words, independent of the toolkit.

A multiplication with its addition counts as two operations, and the backward pass as two forward passes. Sizes are
those of `contender.py`. Embeddings, norms, softmax, dropout, the optimizer and padding are not counted.
"""

from __future__ import annotations

from collections.abc import Sequence

VOCAB = 8000
WIDTH, FF, LAYERS = 256, 1024, 3
EMBED, ENCODER, DECODER = 256, 256, 512


def enters_recurrence(task: str, name: str) -> bool:
    """Whether a contender's attention is an input of the next decoder step, so that steps are sequential.

    Args:
        task: `T1`, `T2` or `T3`.
        name: Name of the contender, as in the table of `training.py`.
    """
    if task == "T1" or name.endswith(" without feeding"):
        return False
    if name.startswith("regard "):
        return task == "T2" or name.endswith("feed")
    return True


def step_operations(task: str, src_len: Sequence[int], tgt_len: Sequence[int], *, feed: bool) -> float:
    """Number of operations of one training step, forward and backward.

    Args:
        task: `T1`, `T2` or `T3`.
        src_len: Words of each source sentence, its end included.
        tgt_len: Words of each target sentence, its end included.
        feed: Whether the decoder's recurrence also reads the last context; ignored for the Transformer.
    """
    if task == "T1":
        return transformer_operations(src_len, tgt_len)
    src, tgt = sum(src_len), sum(tgt_len)
    pairs = sum(s * t for s, t in zip(src_len, tgt_len, strict=True))
    products = _recurrent(src, tgt, feed=feed, query=task == "T2")
    products += pairs * (DECODER + 2 * ENCODER)
    return 3 * 2 * (products + tgt * DECODER * VOCAB)


def transformer_operations(
    src_len: Sequence[int],
    tgt_len: Sequence[int],
    *,
    layers: int = LAYERS,
    width: int = WIDTH,
    ff_size: int = FF,
    vocab: int = VOCAB,
) -> float:
    """Number of operations of one training step of a Transformer, by default that of T1.

    Args:
        src_len: Words of each source sentence, its end included.
        tgt_len: Words of each target sentence, its end included.
        layers: Layers of the encoder, and of the decoder.
        width: Model width D.
        ff_size: Width of the feed-forward networks' hidden layer.
        vocab: Vocabulary size.
    """
    src, tgt = sum(src_len), sum(tgt_len)
    attention, ff = 4 * width**2, 2 * width * ff_size
    encoder = src * (attention + ff)
    # In cross-attention, queries and outputs are computed per target word, keys and values per source word.
    decoder = tgt * (attention + attention / 2 + ff) + src * attention / 2
    # One score and one weighted sum per pair of words; in the decoder, half of the pairs are masked.
    pairs = sum(s * s + s * t + t * t / 2 for s, t in zip(src_len, tgt_len, strict=True))
    return 3 * 2 * (layers * (encoder + decoder + 2 * width * pairs) + tgt * width * vocab)


def _recurrent(src: int, tgt: int, *, feed: bool, query: bool) -> float:
    context = 2 * ENCODER
    encoder = src * 2 * 4 * ENCODER * (EMBED + ENCODER)
    decoder = tgt * 4 * DECODER * (EMBED + DECODER + (context if feed else 0))
    keys, queries = src * context * DECODER, tgt * DECODER**2 if query else 0
    readout = tgt * (DECODER + context) * DECODER
    return encoder + decoder + keys + queries + readout
