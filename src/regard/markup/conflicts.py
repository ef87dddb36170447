"""Keeps elements apart whose translated words are mixed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from regard.values import Span


def resolve_conflicts(positions: Sequence[Sequence[int]]) -> list[Span | None]:
    """Assigns disjoint ranges of target words to elements next to each other.

    A word that is aligned to several elements belongs to the one to which it has most links, then to the one with
    fewest words. An element gets the run with most of its own words that no word of another element interrupts.

    >>> resolve_conflicts([[0, 4, 5], [2], [2, 7]])
    [(4, 6), (2, 3), (7, 8)]

    Args:
        positions: The target words that each element is aligned to, one per link.

    Returns:
        The range of each element; None for one without words of its own.
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
    """The boundary that separates two sets of target words best, as near to the first set as possible.

    >>> best_cut([0, 1, 7], [5, 8, 9])
    2

    Args:
        before: Words that should be before the boundary.
        after: Words that should be after it.

    Returns:
        A boundary after a word of `before`; None if all words of `before` are on the wrong side of the best boundary.
    """
    best, best_score, score = None, len(after), len(after)
    words = sorted([(word, 1) for word in before] + [(word, 0) for word in after])
    for word, belongs in words:
        score += 1 if belongs else -1
        if belongs and score > best_score:
            best, best_score = word + 1, score
    return best
