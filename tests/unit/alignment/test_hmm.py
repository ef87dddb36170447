"""The hidden Markov model of word alignment, against the sum over all sequences of states."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment import hmm
from regard.alignment.hmm import link_probabilities

START, NO_LINK = -1, None


def by_enumeration(weights: list[list[float]], no_link: list[float]) -> list[list[float]]:
    """Posterior probability of each state at each word: over all sequences of states, with words without a link."""
    num_states = len(weights[0])

    def jump(before: int, after: int) -> float:
        def value(state: int) -> float:
            return math.exp(-0.5 * abs(state - before - 1)) + 0.02

        return value(after) / sum(value(state) for state in range(num_states))

    totals = [[0.0] * num_states for _ in weights]
    everything = 0.0
    for states in itertools.product([NO_LINK, *range(num_states)], repeat=len(weights)):
        probability, position = 1.0, START
        for row, rest, state in zip(weights, no_link, states, strict=True):
            if state is NO_LINK:
                probability *= 0.04 * max(rest, 0.1 / num_states)
            else:
                probability *= 0.96 * jump(position, state) * max(row[state], 0.1 / num_states)
                position = state
        everything += probability
        for word, state in enumerate(states):
            if state is not NO_LINK:
                totals[word][state] += probability
    return [[total / everything for total in row] for row in totals]


def expected(weights: torch.Tensor) -> hmm.Array:
    words, end = weights[:, :-1].tolist(), weights[:, -1].tolist()
    received = [sum(column) for column in zip(*words, strict=True)]
    columns = [
        [value / max(1.0, total) for value in column]
        for column, total in zip(zip(*words, strict=True), received, strict=True)
    ]
    forward = np.array(by_enumeration(words, end))
    backward = np.array(by_enumeration(columns, [max(0.0, 1.0 - total) for total in received]))
    probabilities: hmm.Array = np.sqrt(forward * backward.T)
    return probabilities


def attention(num_tgt: int, num_src: int, seed: int) -> torch.Tensor:
    """Random attention weights, most of them peaked, some on `</s>`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(3 * torch.randn(num_tgt, num_src + 1, generator=generator), dim=1)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000))
def test_it_is_the_sum_over_all_sequences(num_tgt: int, num_src: int, seed: int) -> None:
    weights = attention(num_tgt, num_src, seed)
    np.testing.assert_allclose(link_probabilities([weights])[0], expected(weights.double()), rtol=1e-6, atol=1e-12)


def test_pairs_of_all_lengths_are_independent(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [attention(1 + seed % 7, 1 + seed * 5 % 11, seed) for seed in range(80)]
    together = link_probabilities(pairs)
    for pair, found in zip(pairs, together, strict=True):
        assert found.shape == (len(pair), pair.shape[1] - 1)
        np.testing.assert_allclose(found, link_probabilities([pair])[0], rtol=1e-12)
    monkeypatch.setattr(hmm, "_MAX_CELLS", 77)  # of the longest pair
    for found, in_small_groups in zip(together, link_probabilities(pairs), strict=True):
        np.testing.assert_allclose(in_small_groups, found, rtol=1e-12)
    assert link_probabilities([]) == []


def test_neighbors_decide_where_attention_does_not() -> None:
    """A word that occurs twice: the attention of the middle word is the same on both places."""
    weights = torch.tensor([[0.9, 0.0, 0.0, 0.0, 0.1], [0.0, 0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 0.9, 0.0, 0.1]])
    [found] = link_probabilities([weights])
    assert found[1, 1] > 0.7 and found[1, 3] < 0.5


def test_a_word_with_attention_on_the_end_has_no_link() -> None:
    weights = torch.tensor([[0.9, 0.05, 0.05], [0.05, 0.05, 0.9], [0.05, 0.9, 0.05]])
    [found] = link_probabilities([weights])
    assert found[1].max() < 0.35
    assert found[0, 0] > 0.8 and found[2, 1] > 0.8


def test_a_word_without_attention_has_no_link() -> None:
    [found] = link_probabilities([torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.0, 0.0]])])
    assert found[0, 0] > 0.5 and not found[1].any()


def test_certain_attention_on_a_distant_word_is_kept() -> None:
    weights = torch.full((6, 7), 0.01)
    for word, state in enumerate([5, 4, 3, 2, 1, 0]):  # the reverse order
        weights[word, state] = 0.94
    [found] = link_probabilities([weights])
    assert [int(row.argmax()) for row in found] == [5, 4, 3, 2, 1, 0]
    assert found.max(axis=1).min() > 0.35


def test_a_very_long_pair_is_read_by_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = attention(3, 4, 1), attention(9, 9, 2)
    expected_short = link_probabilities([short])[0]
    monkeypatch.setattr(hmm, "_MAX_CELLS", 80)
    of_long, of_short = link_probabilities([long, short])
    np.testing.assert_array_equal(of_long, long[:, :-1].double().numpy())
    np.testing.assert_allclose(of_short, expected_short, rtol=1e-12)
