"""Groups of sentence pairs that share a side, directly or through other pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.data.hashes import Keys

Ids = NDArray[np.int64]


def linked_groups(src_keys: Keys, tgt_keys: Keys) -> Ids:
    """Finds the groups of pairs that share a side, directly or through other pairs.

    Args:
        src_keys: Keys of the source sentences of N pairs, `(N,)`; equal sentences have equal keys.
        tgt_keys: Keys of their target sentences, `(N,)`.

    Returns:
        Number of the group of each pair, `(N,)`: numbers count from 0 in the order of the groups' first pairs.

    >>> linked_groups(np.array([1, 2, 2, 3], np.uint64), np.array([7, 8, 9, 9], np.uint64)).tolist()
    [0, 1, 1, 1]
    """
    sides = [np.unique(keys, return_inverse=True, return_counts=True)[1:] for keys in (src_keys, tgt_keys)]
    (src_ids, src_counts), (tgt_ids, tgt_counts) = sides
    linked = np.flatnonzero((src_counts[src_ids] > 1) | (tgt_counts[tgt_ids] > 1))
    first = np.arange(len(src_keys), dtype=np.int64)  # of each pair, a pair of the same group
    first[linked] = _union(src_ids[linked].tolist(), tgt_ids[linked].tolist(), linked.tolist())
    _, groups = np.unique(first, return_inverse=True)
    return groups.astype(np.int64)


def _union(src_ids: list[int], tgt_ids: list[int], rows: list[int]) -> list[int]:
    """For each row, the first row of its group (union-find with path halving)."""
    parent = list(range(len(rows)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    seen: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for index, ids in enumerate(zip(src_ids, tgt_ids, strict=True)):
        for side, key in zip(seen, ids, strict=True):
            other, here = root(side.setdefault(key, index)), root(index)
            parent[max(other, here)] = min(other, here)
    return [rows[root(index)] for index in range(len(rows))]
