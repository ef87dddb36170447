"""Symmetrization against the published pseudocode, with loops over matrices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment.symmetrize import METHODS, flipped, symmetrize
from regard.errors import DataError

Link = tuple[int, int]
SIZE = 6
link = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
alignment = st.sets(link, max_size=14)


def by_pseudocode(forward: set[Link], backward: set[Link], method: str) -> set[Link]:  # noqa: C901  # as published
    """The pseudocode of Koehn, Och & Marcu 2003, whose only state is the matrix."""
    cells = [(i, j) for i in range(SIZE) for j in range(SIZE)]
    matrix = [[(i, j) in forward and (i, j) in backward for j in range(SIZE)] for i in range(SIZE)]
    neighbors = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]

    def src_free(i: int) -> bool:
        return not any(matrix[i])

    def tgt_free(j: int) -> bool:
        return not any(row[j] for row in matrix)

    if method == "union":
        return {cell for cell in cells if cell in forward or cell in backward}
    if method.startswith("grow"):
        changed = True
        while changed:
            changed = False
            for i, j in cells:
                if not matrix[i][j]:
                    continue
                for di, dj in neighbors:
                    a, b = i + di, j + dj
                    if not (0 <= a < SIZE and 0 <= b < SIZE) or matrix[a][b]:
                        continue
                    if (src_free(a) or tgt_free(b)) and ((a, b) in forward or (a, b) in backward):
                        matrix[a][b] = changed = True
    for direction in (forward, backward) if "final" in method else ():
        for i, j in cells:
            both, either = src_free(i) and tgt_free(j), src_free(i) or tgt_free(j)
            if (i, j) in direction and (both if method.endswith("and") else either):
                matrix[i][j] = True
    return {(i, j) for i, j in cells if matrix[i][j]}


@pytest.mark.parametrize("method", METHODS)
@given(alignment, alignment)
def test_against_the_pseudocode(method: str, forward: set[Link], backward: set[Link]) -> None:
    found = symmetrize(tuple(sorted(forward)), tuple(sorted(backward)), method)
    assert list(found) == sorted(by_pseudocode(forward, backward, method))


@pytest.mark.parametrize("method", ["grow-diag-final", "grow-diag-final-and"])
@given(alignment, alignment)
def test_methods_lie_between_intersection_and_union(method: str, forward: set[Link], backward: set[Link]) -> None:
    directions = tuple(sorted(forward)), tuple(sorted(backward))
    grown = [set(symmetrize(*directions, name)) for name in ("intersection", "grow-diag", method, "union")]
    assert grown[0] <= grown[1] <= grown[2] <= grown[3]


def test_example() -> None:
    # Both directions have 0-0. 1-1 is adjacent to it; 3-3 is not, but neither of its words has a link; 3-0 is not
    # adjacent either, and its target word has a link.
    forward, backward = ((0, 0), (1, 1), (3, 3)), ((0, 0), (3, 0))
    assert symmetrize(forward, backward, "gd") == ((0, 0), (1, 1))
    assert symmetrize(forward, backward, "gdfa") == ((0, 0), (1, 1), (3, 3))
    assert symmetrize(forward, ((0, 0), (2, 0)), "gdf") == ((0, 0), (1, 1), (2, 0), (3, 3))


def test_flipping_twice_gives_the_same_links() -> None:
    assert flipped(((0, 2), (1, 1))) == ((1, 1), (2, 0))
    assert flipped(flipped(((0, 2), (1, 1)))) == ((0, 2), (1, 1))


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(DataError, match=r"grow-diag-final-and, got 'gdb'"):
        symmetrize((), (), "gdb")
