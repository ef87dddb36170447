"""How many operations a training step needs: those that real words cost, whatever a toolkit spends beside them.

A multiplication with its addition counts as two operations, and the backward pass as two forward passes. Sizes are
those of `contender.py`. Embeddings, norms, softmax, dropout and the optimizer are not counted, nor is padding.
"""

from __future__ import annotations

from collections.abc import Sequence

VOCAB = 8000
WIDTH, FF, LAYERS = 256, 1024, 3
EMBED, ENCODER, DECODER = 256, 256, 512


def enters_recurrence(task: str, name: str) -> bool:
    """Whether a contender's attention goes into the next step of its decoder, so that steps must follow one another.

    Args:
        task: `T1`, `T2` or `T3`.
        name: As in the table of `training.py`.
    """
    if task == "T1" or name.endswith(" without feeding"):
        return False
    if name.startswith("regard "):
        return task == "T2" or name.endswith("feed")
    return True


def step_operations(task: str, src_len: Sequence[int], tgt_len: Sequence[int], *, feed: bool) -> float:
    """Operations of one step, forward and backward.

    Args:
        task: `T1`, `T2` or `T3`.
        src_len: Words of each source sentence, its end included.
        tgt_len: The same of its target.
        feed: Whether a decoder's recurrence reads the last look too; the Transformer has none.
    """
    if task == "T1":
        return transformer_operations(src_len, tgt_len)
    src, tgt = sum(src_len), sum(tgt_len)
    pairs = sum(one * other for one, other in zip(src_len, tgt_len, strict=True))
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
    """Operations of one step of a Transformer, forward and backward; T1 where no sizes are given.

    Args:
        src_len: Words of each source sentence, its end included.
        tgt_len: The same of its target.
        layers: Of the encoder, and of the decoder.
        width: D.
        ff_size: Width of the feed-forward networks' hidden layer.
        vocab: Words known.
    """
    src, tgt = sum(src_len), sum(tgt_len)
    attention, ff = 4 * width**2, 2 * width * ff_size
    encoder = src * (attention + ff)
    # Queries and outputs of the second attention belong to the target's words, keys and values to the source's.
    decoder = tgt * (attention + attention / 2 + ff) + src * attention / 2
    # A score and a weighted sum for each pair of words; half the pairs lie in a decoder's future.
    pairs = sum(one * one + one * other + other * other / 2 for one, other in zip(src_len, tgt_len, strict=True))
    return 3 * 2 * (layers * (encoder + decoder + 2 * width * pairs) + tgt * width * vocab)


def _recurrent(src: int, tgt: int, *, feed: bool, query: bool) -> float:
    context = 2 * ENCODER
    encoder = src * 2 * 4 * ENCODER * (EMBED + ENCODER)
    decoder = tgt * 4 * DECODER * (EMBED + DECODER + (context if feed else 0))
    keys, queries = src * context * DECODER, tgt * DECODER**2 if query else 0
    readout = tgt * (DECODER + context) * DECODER
    return encoder + decoder + keys + queries + readout
