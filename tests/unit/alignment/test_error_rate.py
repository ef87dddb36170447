"""Alignment error rate against its formula and the cases that people get wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment.error_rate import alignment_error_rate
from regard.errors import DataError

LINKS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8).map(lambda links: tuple(set(links)))
CORPUS = st.lists(st.tuples(LINKS, LINKS, LINKS), min_size=1, max_size=5)


@given(corpus=CORPUS)
def test_counts_are_summed_before_rates_are_taken(corpus: list[tuple[tuple[tuple[int, int], ...], ...]]) -> None:
    guessed, sure, possible = (list(side) for side in zip(*corpus, strict=True))
    found = alignment_error_rate(guessed, sure, possible)
    hits_sure = hits_possible = num_predicted = num_sure = 0
    for a, s, p in corpus:
        num_predicted += len(a)
        num_sure += len(s)
        for link in a:
            hits_sure += link in s
            hits_possible += link in s or link in p
    if num_predicted + num_sure:
        assert found.aer == pytest.approx(1 - (hits_sure + hits_possible) / (num_predicted + num_sure))
    if num_predicted:
        assert found.precision == pytest.approx(hits_possible / num_predicted)
    if num_sure:
        assert found.recall == pytest.approx(hits_sure / num_sure)
    assert 0 <= found.aer <= 1


def test_by_hand() -> None:
    # Och & Ney's measure rewards a guess on a possible link once and on a sure link twice.
    found = alignment_error_rate([((0, 0), (1, 2), (3, 3))], [((0, 0), (2, 2))], [((1, 2),)])
    assert (found.num_predicted, found.num_sure, found.num_in_sure, found.num_in_possible) == (3, 2, 1, 2)
    assert found.aer == pytest.approx(1 - (1 + 2) / (3 + 2))
    assert found.to_dict() == {"aer": found.aer, "precision": pytest.approx(2 / 3), "recall": 0.5}


def test_without_possible_links_all_are_sure() -> None:
    links = [((0, 0), (1, 1)), ((0, 1),)]
    assert alignment_error_rate(links, links).aer == 0
    assert alignment_error_rate([((1, 0),), ()], links).aer == 1


def test_links_given_twice_count_once() -> None:
    assert alignment_error_rate([((0, 0), (0, 0))], [((0, 0),)]).num_predicted == 1


def test_nothing_to_link_and_nothing_linked_is_no_error() -> None:
    found = alignment_error_rate([()], [()])
    assert (found.aer, found.precision, found.recall) == (0, 1, 1)
    assert alignment_error_rate([((0, 0),)], [()]).aer == 1
    assert alignment_error_rate([()], [((0, 0),)]).aer == 1


def test_files_of_different_length_are_refused() -> None:
    with pytest.raises(DataError, match="got 1 guessed, 2 sure and 2 possible"):
        alignment_error_rate([()], [(), ()])
    with pytest.raises(DataError, match="got 1 guessed, 1 sure and 2 possible"):
        alignment_error_rate([()], [()], [(), ()])
