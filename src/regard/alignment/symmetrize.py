"""Symmetrization: alignments of both directions combined (Och & Ney 2003, §3; Koehn 2003, §2)."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from regard.errors import DataError
from regard.values import Links

_Points = set[tuple[int, int]]
_AROUND = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def flipped(links: Links) -> Links:
    """Exchanges source and target word in each link, and sorts the links again.

    >>> flipped(((0, 1), (2, 0)))
    ((0, 2), (1, 0))
    """
    return tuple(sorted((tgt, src) for src, tgt in links))


def symmetrize(forward: Links, backward: Links, method: str) -> Links:
    """Combines the word alignments of both translation directions into one alignment.

    `grow-diag` starts from the intersection. It adds a link of the union if a link next to it, also diagonally, was
    chosen before, and if its source or target word has no link yet; it visits the chosen links in sorted order, and
    repeats this until no link is added. `grow-diag-final` then adds the links, first of `forward`, then of `backward`,
    whose source or target word has no link; `grow-diag-final-and` adds only links of which both words have no link.

    >>> symmetrize(((0, 0), (1, 1)), ((0, 0), (1, 2)), "intersection")
    ((0, 0),)

    Args:
        forward: Links of the source-to-target direction as 0-based pairs `(source word, target word)`.
        backward: Links of the target-to-source direction, also as `(source word, target word)`; see `flipped`.
        method: `intersection`, `union`, `grow-diag` (`gd`), `grow-diag-final` (`gdf`) or `grow-diag-final-and`
            (`gdfa`).

    Returns:
        The combined links as pairs `(source word, target word)`, sorted.

    Raises:
        DataError: The method is unknown.
    """
    return tuple(sorted(METHODS[full_name(method)](set(forward), set(backward))))


def full_name(method: str) -> str:
    """Replaces the short name of a symmetrization method by its full name.

    >>> full_name("gdfa")
    'grow-diag-final-and'

    Args:
        method: A full name, which is one of the keys of `METHODS`, or a short name: `gd`, `gdf` or `gdfa`.

    Returns:
        The full name.

    Raises:
        DataError: The method is unknown.
    """
    name = _SHORT.get(method, method)
    if name not in METHODS:
        raise DataError(f"expected a symmetrization method, one of {', '.join(METHODS)}, got {method!r}")
    return name


def _grow_diag(forward: _Points, backward: _Points) -> _Points:
    either, taken = forward | backward, forward & backward
    sources, targets = {src for src, _ in taken}, {tgt for _, tgt in taken}
    before = -1
    while before < len(taken):
        before, waiting = len(taken), list(taken)
        heapify(waiting)
        while waiting:
            here = heappop(waiting)
            for down, right in _AROUND:
                point = (here[0] + down, here[1] + right)
                open_word = point[0] not in sources or point[1] not in targets
                if point in either and point not in taken and open_word:
                    taken.add(point)
                    sources.add(point[0])
                    targets.add(point[1])
                    if point > here:  # visited in this round; points before it in the next
                        heappush(waiting, point)
    return taken


def _final(taken: _Points, directions: tuple[_Points, _Points], *, needed: int) -> _Points:
    """Adds links of which at least `needed` words have no link."""
    sources, targets = {src for src, _ in taken}, {tgt for _, tgt in taken}
    for links in directions:
        for src, tgt in sorted(links):
            if (src not in sources) + (tgt not in targets) >= needed:
                taken.add((src, tgt))
                sources.add(src)
                targets.add(tgt)
    return taken


METHODS: dict[str, Callable[[_Points, _Points], _Points]] = {
    "intersection": lambda forward, backward: forward & backward,
    "union": lambda forward, backward: forward | backward,
    "grow-diag": _grow_diag,
    "grow-diag-final": lambda src, tgt: _final(_grow_diag(src, tgt), (src, tgt), needed=1),
    "grow-diag-final-and": lambda src, tgt: _final(_grow_diag(src, tgt), (src, tgt), needed=2),
}
"""Functions that combine forward and backward links, by the name of the symmetrization method."""
_SHORT = {"gd": "grow-diag", "gdf": "grow-diag-final", "gdfa": "grow-diag-final-and"}
