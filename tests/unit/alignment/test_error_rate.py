"""Alignment error rate: against its formula, and in border cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment.error_rate import alignment_error_rate
from regard.errors import DataError

LINKS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8).map(lambda links: tuple(set(links)))
CORPUS = st.lists(st.tuples(LINKS, LINKS, LINKS), min_size=1, max_size=5)


@given(corpus=CORPUS)
def test_rates_are_computed_from_summed_counts(corpus: list[tuple[tuple[tuple[int, int], ...], ...]]) -> None:
    predicted, sure, possible = (list(links) for links in zip(*corpus, strict=True))
    found = alignment_error_rate(predicted, sure, possible)
    hits_sure = hits_possible = num_predicted = num_sure = 0
    for predicted_links, sure_links, possible_links in corpus:
        num_predicted += len(predicted_links)
        num_sure += len(sure_links)
        for link in predicted_links:
            hits_sure += link in sure_links
            hits_possible += link in sure_links or link in possible_links
    if num_predicted + num_sure:
        assert found.aer == pytest.approx(1 - (hits_sure + hits_possible) / (num_predicted + num_sure))
    if num_predicted:
        assert found.precision == pytest.approx(hits_possible / num_predicted)
    if num_sure:
        assert found.recall == pytest.approx(hits_sure / num_sure)
    assert 0 <= found.aer <= 1


def test_example() -> None:
    # A predicted link counts once if it is possible and twice if it is sure (Och & Ney 2003).
    found = alignment_error_rate([((0, 0), (1, 2), (3, 3))], [((0, 0), (2, 2))], [((1, 2),)])
    assert (found.num_predicted, found.num_sure, found.num_in_sure, found.num_in_possible) == (3, 2, 1, 2)
    assert found.aer == pytest.approx(1 - (1 + 2) / (3 + 2))
    assert found.to_dict() == {"aer": found.aer, "precision": pytest.approx(2 / 3), "recall": 0.5}


def test_without_possible_links_only_sure_ones_count() -> None:
    links = [((0, 0), (1, 1)), ((0, 1),)]
    assert alignment_error_rate(links, links).aer == 0
    assert alignment_error_rate([((1, 0),), ()], links).aer == 1


def test_repeated_links_count_once() -> None:
    assert alignment_error_rate([((0, 0), (0, 0))], [((0, 0),)]).num_predicted == 1


def test_no_links_at_all_are_no_error() -> None:
    found = alignment_error_rate([()], [()])
    assert (found.aer, found.precision, found.recall) == (0, 1, 1)
    assert alignment_error_rate([((0, 0),)], [()]).aer == 1
    assert alignment_error_rate([()], [((0, 0),)]).aer == 1


def test_different_numbers_of_pairs_are_refused() -> None:
    with pytest.raises(DataError, match="got those of 1, 2 and 2 pairs"):
        alignment_error_rate([()], [(), ()])
    with pytest.raises(DataError, match="got those of 1, 1 and 2 pairs"):
        alignment_error_rate([()], [()], [(), ()])
