"""Symmetrization against the published pseudocode, written down with loops over matrices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment.symmetrize import METHODS, flipped, symmetrize
from regard.errors import DataError

SIZE = 6
link = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
alignment = st.sets(link, max_size=14)


def by_the_book(forward, backward, method):  # noqa: C901  # pseudocode, as it stands
    """Koehn, Och & Marcu 2003 as their pseudocode has it: matrices, and no bookkeeping but the matrix itself."""
    cells = [(i, j) for i in range(SIZE) for j in range(SIZE)]
    matrix = [[(i, j) in forward and (i, j) in backward for j in range(SIZE)] for i in range(SIZE)]
    neighbors = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]

    def src_free(i):
        return not any(matrix[i])

    def tgt_free(j):
        return not any(row[j] for row in matrix)

    if method == "union":
        return {one for one in cells if one in forward or one in backward}
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
def test_as_the_book_has_it(method, forward, backward):
    found = symmetrize(tuple(sorted(forward)), tuple(sorted(backward)), method)
    assert list(found) == sorted(by_the_book(forward, backward, method))


@pytest.mark.parametrize("method", ["grow-diag-final", "grow-diag-final-and"])
@given(alignment, alignment)
def test_growing_only_adds_what_either_has(method, forward, backward):
    one, other = tuple(sorted(forward)), tuple(sorted(backward))
    grown = [set(symmetrize(one, other, name)) for name in ("intersection", "grow-diag", method, "union")]
    assert grown[0] <= grown[1] <= grown[2] <= grown[3]


def test_by_hand():
    # The two agree on 0-0 alone. 1-1 touches it; 3-3 touches nothing and both its words are free; 3-0 is beyond:
    # its target word has a link.
    forward, backward = ((0, 0), (1, 1), (3, 3)), ((0, 0), (3, 0))
    assert symmetrize(forward, backward, "gd") == ((0, 0), (1, 1))
    assert symmetrize(forward, backward, "gdfa") == ((0, 0), (1, 1), (3, 3))
    assert symmetrize(forward, ((0, 0), (2, 0)), "gdf") == ((0, 0), (1, 1), (2, 0), (3, 3))


def test_flipped_twice_is_nothing():
    assert flipped(((0, 2), (1, 1))) == ((1, 1), (2, 0))
    assert flipped(flipped(((0, 2), (1, 1)))) == ((0, 2), (1, 1))


def test_unknown():
    with pytest.raises(DataError, match=r"grow-diag-final-and, got 'gdb'"):
        symmetrize((), (), "gdb")
