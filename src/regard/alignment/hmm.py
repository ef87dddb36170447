"""Word links by a hidden Markov model over attention: neighboring words mostly translate neighboring words.

Vogel et al. (1996) align words with a hidden Markov model. Its hidden state is the source word that a target word
translates, and the probability of the next state depends on the jump from the previous one. Here, attention weights
take the place of translation probabilities. As in Och and Ney (2003), a word without a link keeps the state of the word
before it. The model is applied in both directions, because a source word also competes for target words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

_DECAY, _ANY_JUMP = 0.5, 0.02
# A jump of d words has a probability proportional to exp(-_DECAY |d - 1|) + _ANY_JUMP.
_NO_LINK = 0.04
# Probability that a word has no link, before its attention weights are known.
_FLOOR = 0.1
# Smallest total attention weight of a word: attention that is certain and wrong can be corrected by the neighbors.
_AT_ONCE, _MAX_CELLS = 64, 1 << 20
# Sentence pairs of similar length that are processed at once, and the padded size of their matrices in all.


def link_probabilities(weights: Sequence[Tensor]) -> list[Array]:
    """Computes how probable it is that two words are linked, from attention weights and the order of the words.

    Args:
        weights: For each sentence pair, the attention weights of its T target words on its S source words and, in the
            last column, on `</s>`, `(T, S + 1)`; T and S at least 1. A weight on `</s>` means that the target word has
            no link.

    Returns:
        For each sentence pair, probabilities from 0 to 1, `(T, S)`: the geometric mean of the posterior probabilities
        in both directions. The probabilities of a target word without any attention are 0. For a pair with more than
        a million cells, they are the attention weights themselves.
    """
    attended = [pair.double().numpy() for pair in weights]
    found = [pair[:, :-1] for pair in attended]
    rows = [row for row, words in enumerate(found) if words.size <= _MAX_CELLS]
    for row, linked in zip(rows, _in_both_directions([attended[row] for row in rows]), strict=True):
        found[row] = linked
    return found


def _in_both_directions(weights: Sequence[Array]) -> list[Array]:
    words = [pair[:, :-1] for pair in weights]
    received = [pair.sum(axis=0) for pair in words]
    forward = _posteriors(words, [pair[:, -1] for pair in weights])
    backward = _posteriors(
        [pair.T / np.maximum(total, 1.0)[:, None] for pair, total in zip(words, received, strict=True)],
        [np.maximum(1.0 - total, 0.0) for total in received],
    )
    return [
        np.sqrt(ahead * back.T) * (pair.sum(axis=1) > 0)[:, None]
        for pair, ahead, back in zip(words, forward, backward, strict=True)
    ]


def _posteriors(weights: Sequence[Array], no_link: Sequence[Array]) -> list[Array]:
    """Posterior probability of each state at each word of each sequence.

    Args:
        weights: For each sequence, the weight of each state at each word, `(T, S)`.
        no_link: For each sequence, the weight of having no link at each word, `(T,)`.

    Returns:
        The posterior probabilities of each sequence, `(T, S)`.
    """
    found: dict[int, Array] = {}
    for numbers in _similar(weights):
        posteriors = _forward_backward([weights[number] for number in numbers], [no_link[number] for number in numbers])
        for row, number in enumerate(numbers):
            num_words, num_states = weights[number].shape
            found[number] = posteriors[:num_words, row, 1 : num_states + 1]
    return [found[number] for number in range(len(weights))]


def _similar(weights: Sequence[Array]) -> Iterator[list[int]]:
    """Numbers of sequences to be processed at once, the longest first."""
    group: list[int] = []
    for number in sorted(range(len(weights)), key=lambda number: weights[number].shape, reverse=True):
        num_words = len(weights[(group or [number])[0]])
        num_states = max(weights[member].shape[1] for member in (*group, number))
        if group and (len(group) == _AT_ONCE or num_words * num_states * (len(group) + 1) > _MAX_CELLS):
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _forward_backward(weights: Sequence[Array], no_link: Sequence[Array]) -> Array:
    """The forward-backward algorithm for N sequences, longest first; returns `(T, N, S + 1)` for the largest T and S.

    State 0 is the position before the first source word.
    """
    lens, sizes = np.array([pair.shape for pair in weights]).T
    shape = int(lens[0]), len(weights), int(sizes.max()) + 1
    linked, skipped = np.zeros(shape), np.zeros((shape[0], shape[1], 1))
    for row, (pair, rest, size) in enumerate(zip(weights, no_link, sizes.tolist(), strict=True)):
        linked[: len(pair), row, 1 : size + 1] = (1 - _NO_LINK) * np.maximum(pair, _FLOOR / size)
        skipped[: len(pair), row, 0] = _NO_LINK * np.maximum(rest, _FLOOR / size)
    jumps, totals = _jumps(shape[2], sizes)
    num_open = [int((lens > word).sum()) for word in range(shape[0])]
    arrived, states = np.zeros(shape), np.zeros(shape)
    before = np.zeros(shape[1:])
    before[:, 0] = 1.0
    for word, count in enumerate(num_open):
        before = before[:count]
        arrived[word, :count] = (before / totals[:count]) @ jumps * linked[word, :count]
        before = arrived[word, :count] + skipped[word, :count] * before
        scale = 1 / before.sum(axis=1, keepdims=True)
        arrived[word, :count] *= scale
        before = states[word, :count] = before * scale
    after = np.ones(shape[1:])
    for word, count in reversed([*enumerate(num_open)]):
        later = after[:count]
        arrived[word, :count] *= later / (states[word, :count] * later).sum(axis=1, keepdims=True)
        later = (later * linked[word, :count]) @ jumps.T / totals[:count] + skipped[word, :count] * later
        after[:count] = later / later.max(axis=1, keepdims=True)
    return arrived


def _jumps(num_states: int, sizes: NDArray[np.int64]) -> tuple[Array, Array]:
    """Weights of each state (column) after each state (row), `(S + 1, S + 1)`; their sums by size, `(N, S + 1)`."""
    numbers = np.arange(num_states)
    jumps = np.exp(-_DECAY * np.abs(numbers[None] - numbers[:, None] - 1)) + _ANY_JUMP
    jumps[:, 0] = 0.0  # no word is linked to the position before the first
    totals: Array = jumps.cumsum(axis=1).T[sizes]
    return jumps, totals
