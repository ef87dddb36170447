"""IBM model 2 as in fast_align (Dyer, Chahuneau & Smith 2013): the baseline that a neural aligner must beat.

Target word i of m is aligned to the null word with probability p0, and otherwise to source word j of n with a
probability that falls with the distance from the diagonal, `exp(-λ |i/m - j/n|)`. It is then drawn from the translation
table of that source word, which has a sparse prior (variational Bayes). Trained by expectation maximization over all
pairs; λ is updated after each iteration.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from regard.values import Links

NULL_PROBABILITY = 0.08
"""p0: probability of the null word."""
ALPHA = 0.01
"""α of the Dirichlet prior over the translations of a word."""
CHUNK = 1 << 21
"""Candidate links per chunk."""
Floats = NDArray[np.float64]


class _Candidates:
    """All candidate links in flat arrays: per target word, first the null word, then all source words of its pair."""

    def __init__(self, src: Sequence[Sequence[int]], tgt: Sequence[Sequence[int]], words: int) -> None:
        keys, distances, widths = [], [], []
        by_size: dict[tuple[int, int], Floats] = {}
        for source, target in zip(src, tgt, strict=True):
            n, m = len(source), len(target)
            if not n or not m:
                continue
            if (n, m) not in by_size:
                distance = np.abs((np.arange(m) + 1)[:, None] / m - (np.arange(n) + 1)[None, :] / n)
                by_size[n, m] = np.concatenate((np.full((m, 1), np.inf), distance), axis=1)
            keys.append((np.asarray(target, dtype=np.int64)[:, None] * words + np.asarray([0, *source])).ravel())
            distances.append(by_size[n, m].ravel().astype(np.float32))
            widths.append(np.full(m, n + 1))
        entries, self.entry = np.unique(np.concatenate(keys), return_inverse=True)
        self.source_of_entry = entries % words
        self.distance = np.concatenate(distances)
        self.width = np.concatenate(widths)
        self.start = np.concatenate(([0], np.cumsum(self.width)))

    def chunks(self) -> list[tuple[int, int]]:
        """Ranges `[first, last)` of rows (target words) with about `CHUNK` candidates each."""
        edges = np.searchsorted(self.start, np.arange(0, self.start[-1], CHUNK))
        return [(int(a), int(b)) for a, b in zip(edges, [*edges[1:], len(self.width)], strict=True) if a < b]

    def posterior(self, rows: tuple[int, int], table: Floats, tension: float) -> tuple[Floats, Floats, slice]:
        """Prior and posterior of the candidates of some rows, and the slice of these candidates."""
        here = slice(int(self.start[rows[0]]), int(self.start[rows[1]]))
        first, width = self.start[rows[0] : rows[1]] - here.start, self.width[rows[0] : rows[1]]
        near = np.exp(-tension * self.distance[here].astype(np.float64))  # null word: e^-∞ = 0
        prior = near * np.repeat((1 - NULL_PROBABILITY) / np.add.reduceat(near, first), width)
        prior[first] = NULL_PROBABILITY
        both = prior * table[self.entry[here]]
        return prior, both / np.repeat(np.add.reduceat(both, first), width), here


def ibm2_links(src: Sequence[Sequence[str]], tgt: Sequence[Sequence[str]], *, rounds: int = 5) -> list[Links]:
    """Aligns sentence pairs, with at most one link per target word.

    Args:
        src: Words of the sources.
        tgt: Words of the targets.
        rounds: Iterations of expectation maximization.

    Returns:
        Links of each pair, from source to target, 0-based.
    """
    numbers: dict[str, int] = {}
    sources, targets = (
        [[numbers.setdefault(word.lower(), len(numbers) + 1) for word in words] for words in side]
        for side in (src, tgt)
    )
    words = len(numbers) + 1
    candidates = _Candidates(sources, targets, words)
    table, tension = np.full(len(candidates.source_of_entry), 1.0 / words), 4.0
    for _ in range(rounds):
        counts, observed, expected = np.zeros_like(table), 0.0, 0.0
        for rows in candidates.chunks():
            prior, posterior, here = candidates.posterior(rows, table, tension)
            counts += np.bincount(candidates.entry[here], posterior, minlength=len(table))
            distance = np.where(np.isinf(candidates.distance[here]), 0.0, candidates.distance[here])
            observed += float((posterior * distance).sum())
            expected += float((prior * distance).sum())
        # Higher if words lie closer to the diagonal than expected.
        tension = float(np.clip(tension * (expected / observed) ** 0.5, 0.1, 14.0))
        totals = np.bincount(candidates.source_of_entry, counts, minlength=words)[candidates.source_of_entry]
        num_entries = np.bincount(candidates.source_of_entry, minlength=words)[candidates.source_of_entry]
        table = np.exp(_digamma(counts + ALPHA) - _digamma(totals + ALPHA * num_entries))
    best = np.concatenate([_best(candidates, rows, table, tension) for rows in candidates.chunks()])
    links: list[tuple[tuple[int, int], ...]] = []
    row = 0
    for source, target in zip(sources, targets, strict=True):
        if not source or not target:
            links.append(())
            continue
        links.append(tuple(sorted((int(j) - 1, i) for i, j in enumerate(best[row : row + len(target)]) if j)))
        row += len(target)
    return links


def _digamma(x: Floats) -> Floats:
    return np.asarray(torch.digamma(torch.from_numpy(x)))


def _best(candidates: _Candidates, rows: tuple[int, int], table: Floats, tension: float) -> NDArray[np.int64]:
    """The most probable source word of each target word, 1-based; 0 = null word."""
    _, posterior, here = candidates.posterior(rows, table, tension)
    first = candidates.start[rows[0] : rows[1]] - here.start
    top = np.repeat(np.maximum.reduceat(posterior, first), candidates.width[rows[0] : rows[1]])
    place = np.arange(len(posterior)) - np.repeat(first, candidates.width[rows[0] : rows[1]])
    return np.minimum.reduceat(np.where(posterior == top, place, len(posterior)), first)
