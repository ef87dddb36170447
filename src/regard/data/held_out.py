"""Sentence pairs that are held out of a corpus, for validation or as a test set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from regard.data.linked_groups import linked_groups
from regard.values import Pair

_MAX_GROUP_SHARE = 20
"""A group that shares sentences is at most one part in so many of what is held out, so that it is varied."""


def hold_out(pairs: Sequence[Pair], choose: Callable[[Sequence[str]], Iterable[str]]) -> tuple[list[Pair], list[Pair]]:
    """Holds out some source sentences with all their translations, so that no source is in both parts.

    Args:
        pairs: The corpus.
        choose: Function that gets the different sources, in the order of the corpus, and returns those to hold out.

    Returns:
        The other pairs, and the pairs held out, both in the order of the corpus.

    >>> corpus = [Pair("a", "x", 1), Pair("b", "y", 2), Pair("a", "z", 3)]
    >>> rest, held_out = hold_out(corpus, lambda sources: sources[:1])
    >>> [pair.tgt for pair in rest], [pair.tgt for pair in held_out]
    (['y'], ['x', 'z'])
    """
    chosen = set(choose(list(dict.fromkeys(pair.src for pair in pairs))))
    return [pair for pair in pairs if pair.src not in chosen], [pair for pair in pairs if pair.src in chosen]


def choose_unshared(pairs: Sequence[Pair], ranked: Iterable[str], count: int) -> list[str]:
    """Chooses sources to hold out such that none of their translations translates another source as well.

    Sentences that are linked by translations, directly or through others, form a group, which is chosen as a whole or
    not at all. So no source and no target is both among the pairs held out and among the others.

    Args:
        pairs: The corpus.
        ranked: Sources of the corpus that may be chosen, in order of preference. A group with a source that is not
            among them is never chosen.
        count: Largest number of sources to choose.

    Returns:
        The chosen sources, at most `count`; none if every group is too large.

    >>> corpus = [Pair("yes", "oui"), Pair("yeah", "oui"), Pair("a cat", "un chat"), Pair("a dog", "un chien")]
    >>> choose_unshared(corpus, ["yes", "a dog", "yeah", "a cat"], 1)
    ['a dog']
    """
    groups = _groups(pairs)
    sizes = Counter(groups.values())
    members: dict[int, list[str]] = {}
    for source in ranked:
        members.setdefault(groups[source], []).append(source)
    for limit in (max(1, count // _MAX_GROUP_SHARE), count):
        chosen: list[str] = []
        for group, sources in members.items():  # in the order of their first source
            fits = len(sources) == sizes[group] <= min(limit, count - len(chosen))
            chosen += sources if fits else []
        if chosen:
            return chosen
    return []


def _groups(pairs: Sequence[Pair]) -> dict[str, int]:
    """Number of the group of each source; sources that translations link are in the same group."""
    sides = [[pair.src for pair in pairs], [pair.tgt for pair in pairs]]
    return dict(zip(sides[0], linked_groups(*map(_numbered, sides)).tolist(), strict=True))


def _numbered(texts: Iterable[str]) -> NDArray[np.uint64]:
    """A number for each text; equal texts have equal numbers."""
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), np.uint64)
