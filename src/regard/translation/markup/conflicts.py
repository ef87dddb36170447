"""Assigns ranges of target words to inline elements, such as `<b>`, whose translated words are interleaved."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from regard.values import Span


def resolve_conflicts(positions: Sequence[Sequence[int]]) -> list[Span | None]:
    """Assigns disjoint ranges of target words to inline elements next to each other.

    A target word that is aligned to the words of several elements belongs to the element to which it has most links; of
    several with the same number of links, to the one to which fewest different target words are aligned. Each element
    gets the range that contains most words that belong to the element and none that belong to another.

    >>> resolve_conflicts([[0, 4, 5], [2], [2, 7]])
    [(4, 6), (2, 3), (7, 8)]

    Args:
        positions: For each element, the indices of the target words aligned to its words, one per link.

    Returns:
        The range of each element, as the index of its first word and the index after its last; None for an element to
        which no word belongs.
    """
    votes: dict[int, dict[int, int]] = {}
    for element, targets in enumerate(positions):
        for target in targets:
            counts = votes.setdefault(target, {})
            counts[element] = counts.get(element, 0) + 1
    sizes = [len(set(targets)) for targets in positions]
    owners = [
        (target, max(counts, key=lambda element: (counts[element], -sizes[element], -element)))
        for target, counts in sorted(votes.items())
    ]
    best: list[tuple[int, int, int] | None] = [None] * len(positions)
    for element, group in groupby(owners, key=lambda pair: pair[1]):
        run = [target for target, _ in group]
        previous = best[element]
        if previous is None or len(run) > previous[0]:
            best[element] = (len(run), run[0], run[-1] + 1)
    return [None if run is None else run[1:] for run in best]


def best_cut(before: Sequence[int], after: Sequence[int]) -> int | None:
    """Finds where to cut a target sentence so that the fewest words of two sets are on the wrong side.

    Boundary b is before word b, counted from 0. Of equally good boundaries, the first one is returned.

    >>> best_cut([0, 1, 7], [5, 8, 9])
    2

    Args:
        before: Indices of the words that should be before the boundary.
        after: Indices of the words that should be after the boundary.

    Returns:
        The boundary, directly after a word of `before`; None if the best boundary is before all words of `before`.
    """
    best, best_score, score = None, len(after), len(after)
    words = sorted([(word, 1) for word in before] + [(word, 0) for word in after])
    for word, belongs in words:
        score += 1 if belongs else -1
        if belongs and score > best_score:
            best, best_score = word + 1, score
    return best
