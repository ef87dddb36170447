"""Chooses the source sentences to hold out of a corpus of any size, from hashes on disk, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.data.hashes import Keys, mixed

_NUM_CANDIDATES_PER_SOURCE = 4
"""Candidates per source to hold out: many are in groups that share translations and are too large."""
_MAX_GROUP_SHARE = 20
"""A group that shares sentences is at most one part in so many of what is held out, so that it is varied."""
_MAX_PASSES = 16
"""Passes over the keys; a group that is still growing after them is too large."""
_FILTER_BITS = 22

KeyBlocks = Callable[[], Iterator[tuple[Keys, bool]]]
"""Reads the keys (hashes) of all pairs, once more at each call: source and target keys `(N, 2)` of each text part, and
whether it is eligible, that is, whether pairs of its corpus may be held out."""


@dataclass(frozen=True)
class Chosen:
    """The source sentences that were chosen to be held out for validation.

    Attributes:
        keys: Keys (hashes by `text_hash`) of the K chosen sources, sorted, `(K,)` uint64.
        num_sources: Number of different sources among which they were chosen: those of all corpora whose pairs may be
            held out. A large number is an estimate, accurate to about 2 %.
        is_separate: Whether no target of a chosen source is also a target of a source that was not chosen.
    """

    keys: Keys
    num_sources: int
    is_separate: bool


def choose_held_out(read: KeyBlocks, *, seed: int, share: float, limit: int) -> Chosen:
    """Chooses random sources to hold out for validation, if possible with targets that no remaining source has.

    Candidates are the sources with the smallest keys (hashes), after the keys were mixed with the seed. A candidate
    forms a group with all sources that share a target with it, directly or through further pairs. A group is chosen as
    a whole or not at all.

    Args:
        read: Function that yields, for each part of the text, the source and target keys of its N pairs, `(N, 2)`, and
            whether these pairs may be held out. It is called once for each pass over the text.
        seed: Random seed.
        share: Fraction of the sources to choose, from 0 to 1.
        limit: Largest number of sources to choose.

    Returns:
        The chosen sources. If all groups are too large, sources are chosen without regard to their targets.
    """
    candidates, num_sources = _candidates(read, seed, _NUM_CANDIDATES_PER_SOURCE * limit)
    count = min(limit, max(1, round(share * num_sources)))
    candidates = candidates[: _NUM_CANDIDATES_PER_SOURCE * count]
    for largest in (max(1, count // _MAX_GROUP_SHARE), count):
        groups = _Groups(candidates, largest)
        groups.grow(read)
        chosen = groups.choose(candidates, count)
        if chosen:
            return Chosen(np.sort(np.array(chosen, np.uint64)), num_sources, True)
    return Chosen(np.sort(candidates[:count]), num_sources, False)


def count_shared_targets(read: KeyBlocks, held_out: Keys) -> int:
    """Counts the held-out pairs whose target is also the target of a pair that is not held out.

    Args:
        read: Function that yields, for each part of the text, the source and target keys (hashes) of its N pairs,
            `(N, 2)`, and whether these pairs may be held out.
        held_out: Keys of the K sources that are held out, sorted, `(K,)` uint64.

    Returns:
        Number of such pairs.
    """
    parts = [keys[np.isin(keys[:, 0], held_out), 1] for keys, is_eligible in read() if is_eligible]
    targets = np.sort(np.concatenate([np.zeros(0, np.uint64), *parts]))
    found = np.zeros(len(targets), dtype=bool)
    for keys, _ in read():
        others = keys[~np.isin(keys[:, 0], held_out), 1]
        found |= np.isin(targets, others[_may_contain(targets, others)])
    return int(found.sum())


def _candidates(read: KeyBlocks, seed: int, count: int) -> tuple[Keys, int]:
    """Random different sources, in random order, and the number of all different sources."""
    start = np.random.SeedSequence(seed % 2**64).generate_state(1, np.uint64)[0]
    keys, ranks = np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    for block, is_eligible in read():
        if not is_eligible:
            continue
        new = block[:, 0]
        if len(keys) == count:  # all others are too large
            new = new[mixed(new ^ start) < ranks[-1]]
        keys = np.unique(np.concatenate([keys, new]))
        ranks = mixed(keys ^ start)
        order = np.argsort(ranks, kind="stable")[:count]
        keys, ranks = keys[order], ranks[order]
    if len(keys) < count:
        return keys, len(keys)
    return keys, round((count - 1) * 2.0**64 / float(ranks[-1]))  # Bar-Yossef et al. 2002: the k smallest hashes


def _may_contain(known: Keys, keys: Keys) -> NDArray[np.bool_]:
    """Which keys may be among `known`: all that are, and few others."""
    mask = np.uint64((1 << _FILTER_BITS) - 1)
    table = np.zeros(1 << _FILTER_BITS, dtype=bool)
    table[known & mask] = True
    found: NDArray[np.bool_] = table[keys & mask]
    return found


class _Groups:
    """Groups of sentences that are linked by translations, grown from candidates by passes over the corpus.

    Source and target of a pair are in the same group. A group starts as one candidate, a source sentence, and has all
    sentences that pairs link to it, directly or through other sentences.

    Args:
        candidates: Keys of the source sentences to start from.
        largest: Largest number of sources of a group that may be chosen.
    """

    def __init__(self, candidates: Keys, largest: int) -> None:
        self.largest = largest
        self._parents = list(range(len(candidates)))
        self._sources = {key: number for number, key in enumerate(candidates.tolist())}
        self._targets: dict[int, int] = {}
        self._sizes = [1] * len(candidates)
        self._new: tuple[set[int], set[int]] = (set(self._sources), set())

    def grow(self, read: KeyBlocks) -> None:
        """Adds the linked sentences to each group, until no group grows or every growing one is too large.

        A group that still grows after `_MAX_PASSES` passes counts as too large.

        Args:
            read: Function that reads the keys of all pairs; see `KeyBlocks`.
        """
        for _ in range(_MAX_PASSES):
            new = [np.array(sorted(keys), np.uint64) for keys in self._new]
            self._new = (set(), set())
            for keys, is_eligible in read():
                for pair in self._linked(keys, new).tolist():
                    self._link(*pair, is_eligible=is_eligible)
            if not any(self._new):
                return
        for side, numbers in zip(self._new, (self._sources, self._targets), strict=True):
            for key in side:
                self._sizes[self._root(numbers[key])] = self.largest + 1

    def choose(self, candidates: Keys, count: int) -> list[int]:
        """Keys of the sources to hold out, at most `count`: the sources of all groups that are small enough.

        Either all sources of a group are chosen or none. Groups are taken in the order of their first candidates.
        """
        members: dict[int, list[int]] = {}
        for key, number in self._sources.items():
            members.setdefault(self._root(number), []).append(key)
        chosen: list[int] = []
        for root in dict.fromkeys(self._root(self._sources[key]) for key in candidates.tolist()):
            fits = self._sizes[root] <= min(self.largest, count - len(chosen))
            chosen += members[root] if fits else []
        return chosen

    def _linked(self, keys: Keys, new: Sequence[Keys]) -> Keys:
        """Source and target keys `(N, 2)` of the pairs with a sentence that was added to a group in the last pass."""
        hits = np.zeros(len(keys), dtype=bool)
        for side, added in enumerate(new):
            if len(added):
                rows = np.flatnonzero(_may_contain(added, keys[:, side]))
                hits[rows] |= np.isin(keys[rows, side], added)
        return keys[hits]

    def _link(self, src: int, tgt: int, *, is_eligible: bool) -> None:
        """Joins the groups of both sides of a pair; a group with pairs of other corpora can never be held out."""
        numbers = [self._sources.get(src), self._targets.get(tgt)]
        roots = [self._root(number) for number in numbers if number is not None]
        root = min(roots)
        for other in roots:
            if other != root:
                self._parents[other] = root
                self._sizes[root] += self._sizes[other]
        if not is_eligible:
            self._sizes[root] = self.largest + 1
        if numbers[0] is None:
            self._sizes[root] += 1
        for key, known, new, number in zip((src, tgt), (self._sources, self._targets), self._new, numbers, strict=True):
            if number is None:
                known[key] = root
                if self._sizes[root] <= self.largest:  # otherwise the group need not be known any further
                    new.add(key)

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number
