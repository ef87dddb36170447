"""Batches of sentences of similar length, in an order that limits memory."""

from __future__ import annotations

from collections.abc import Sequence

MAX_ROWS, MAX_POSITIONS, MAX_CELLS = 64, 20_000, 4_000_000
"""Limits of a batch: sentences, padded source positions of all beams, and attention weights."""


def length_sorted(lengths: Sequence[int], *, beam: int, areas: Sequence[int] = ()) -> list[list[int]]:
    """Groups sentences of similar length into batches, in an order in which lengths first rise, then fall.

    The batch of the longest sentences needs the most memory. It comes in the middle: by then, nearly everything that
    the search caches (kernels compiled by oneDNN) exists, so the first part of a long input needs as much memory as any
    later part. Batches of short sentences come last, so that all threads finish at about the same time.

    Args:
        lengths: Number of tokens of each sentence.
        beam: Number of hypotheses per sentence.
        areas: For each sentence, the number of attention weights of a layer and head (source times target tokens);
            empty = no attention weights are kept.

    Returns:
        Per batch, the indices of its sentences in `lengths`.
    """
    batches: list[list[int]] = []
    max_area = 0
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        batch = batches[-1] if batches else []
        max_area = max(max_area, areas[row]) if areas else 0
        rows = len(batch) + 1
        if (
            not batch
            or rows > MAX_ROWS
            or rows * lengths[batch[0]] * beam > MAX_POSITIONS
            or rows * max_area > MAX_CELLS
        ):
            batches.append(batch := [])
            max_area = areas[row] if areas else 0
        batch.append(row)
    return [*batches[1::2][::-1], *batches[::2]]
