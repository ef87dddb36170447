"""IBM's second model as fast_align has it (Dyer, Chahuneau & Smith 2013): what a neural aligner must beat.

A target word i of m is said by no source word with probability p0, else by word j of n with a probability that falls
with the distance from the diagonal, `exp(-λ |i/m - j/n|)`; then it is drawn from that word's dictionary, whose entries
have a sparse prior (variational Bayes). Expectation maximization over all pairs, λ chosen anew after each round.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from regard.values import Links

NOBODY = 0.08
"""p0: share of target words that no source word says."""
SPARSE = 0.01
"""α of the prior over a word's dictionary."""
CHUNK = 1 << 21
Floats = NDArray[np.float64]


class _Cells:
    """Every target word with every source word of its pair, nobody first: row after row of one long list."""

    def __init__(self, src: Sequence[Sequence[int]], tgt: Sequence[Sequence[int]], words: int) -> None:
        keys, places, widths = [], [], []
        by_size: dict[tuple[int, int], Floats] = {}
        for source, target in zip(src, tgt, strict=True):
            n, m = len(source), len(target)
            if not n or not m:
                continue
            if (n, m) not in by_size:
                distance = np.abs((np.arange(m) + 1)[:, None] / m - (np.arange(n) + 1)[None, :] / n)
                by_size[n, m] = np.concatenate((np.full((m, 1), np.inf), distance), axis=1)
            keys.append((np.asarray(target, dtype=np.int64)[:, None] * words + np.asarray([0, *source])).ravel())
            places.append(by_size[n, m].ravel().astype(np.float32))
            widths.append(np.full(m, n + 1))
        entries, self.entry = np.unique(np.concatenate(keys), return_inverse=True)
        self.source_of_entry = entries % words
        self.distance = np.concatenate(places)
        self.width = np.concatenate(widths)
        self.start = np.concatenate(([0], np.cumsum(self.width)))

    def chunks(self) -> list[tuple[int, int]]:
        """Rows `[from, to)` of a bearable number of cells."""
        edges = np.searchsorted(self.start, np.arange(0, self.start[-1], CHUNK))
        return [(int(a), int(b)) for a, b in zip(edges, [*edges[1:], len(self.width)], strict=True) if a < b]

    def posterior(self, rows: tuple[int, int], table: Floats, tension: float) -> tuple[Floats, Floats, slice]:
        """Who said each word: prior and posterior of the cells of some rows, and where those cells are."""
        here = slice(int(self.start[rows[0]]), int(self.start[rows[1]]))
        first, width = self.start[rows[0] : rows[1]] - here.start, self.width[rows[0] : rows[1]]
        near = np.exp(-tension * self.distance[here].astype(np.float64))  # nobody: e^-∞ = 0
        prior = near * np.repeat((1 - NOBODY) / np.add.reduceat(near, first), width)
        prior[first] = NOBODY
        both = prior * table[self.entry[here]]
        return prior, both / np.repeat(np.add.reduceat(both, first), width), here


def ibm2_links(src: Sequence[Sequence[str]], tgt: Sequence[Sequence[str]], *, rounds: int = 5) -> list[Links]:
    """Links of each pair, from source to target; a target word has one or none.

    Args:
        src: Words of the sources.
        tgt: Words of the targets.
        rounds: Of expectation maximization.

    Returns:
        Links of each pair, 0-based.
    """
    numbers: dict[str, int] = {}
    sources, targets = (
        [[numbers.setdefault(word.lower(), len(numbers) + 1) for word in words] for words in side]
        for side in (src, tgt)
    )
    words = len(numbers) + 1
    cells = _Cells(sources, targets, words)
    table, tension = np.full(len(cells.source_of_entry), 1.0 / words), 4.0
    for _ in range(rounds):
        counts, seen, expected = np.zeros_like(table), 0.0, 0.0
        for rows in cells.chunks():
            prior, posterior, here = cells.posterior(rows, table, tension)
            counts += np.bincount(cells.entry[here], posterior, minlength=len(table))
            distance = np.where(np.isinf(cells.distance[here]), 0.0, cells.distance[here])
            seen += float((posterior * distance).sum())
            expected += float((prior * distance).sum())
        # Tenser when words lie closer to the diagonal than was expected.
        tension = float(np.clip(tension * (expected / seen) ** 0.5, 0.1, 14.0))
        whole = np.bincount(cells.source_of_entry, counts, minlength=words)[cells.source_of_entry]
        kinds = np.bincount(cells.source_of_entry, minlength=words)[cells.source_of_entry]
        table = np.exp(_digamma(counts + SPARSE) - _digamma(whole + SPARSE * kinds))
    best = np.concatenate([_best(cells, rows, table, tension) for rows in cells.chunks()])
    found, row = [], 0
    for source, target in zip(sources, targets, strict=True):
        if not source or not target:
            found.append(())
            continue
        found.append(tuple(sorted((int(j) - 1, i) for i, j in enumerate(best[row : row + len(target)]) if j)))
        row += len(target)
    return found


def _digamma(x: Floats) -> Floats:
    return np.asarray(torch.digamma(torch.from_numpy(x)))


def _best(cells: _Cells, rows: tuple[int, int], table: Floats, tension: float) -> NDArray[np.int64]:
    """The top_log_probs speaker of each word, 0 = nobody."""
    _, posterior, here = cells.posterior(rows, table, tension)
    first = cells.start[rows[0] : rows[1]] - here.start
    top = np.repeat(np.maximum.reduceat(posterior, first), cells.width[rows[0] : rows[1]])
    place = np.arange(len(posterior)) - np.repeat(first, cells.width[rows[0] : rows[1]])
    return np.minimum.reduceat(np.where(posterior == top, place, len(posterior)), first)
