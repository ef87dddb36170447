"""Normalizers, location features and history windows compared with loops written from the formulas.

The sparse normalizers are also compared with the `entmax` library of their authors.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import entmax
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from regard.attention.history import AttentionWithHistory
from regard.attention.location import LocationFeatures
from regard.attention.normalizers import Normalizer, entmax15, smooth, sparsemax
from regard.attention.scores import AdditiveScore
from regard.attention.single import Attention
from regard.attention.windows import MedianWindow

Vector = list[float]
ALPHA: dict[Normalizer, float] = {sparsemax: 2.0, entmax15: 1.5}
THEIRS: dict[Normalizer, Callable[[Tensor, int], Tensor]] = {sparsemax: entmax.sparsemax, entmax15: entmax.entmax15}


def bisect(scores: Vector, alpha: float) -> Vector:
    """α-entmax by bisection: `p_i = [(α - 1) z_i - τ]₊^(1 / (α - 1))`, with the τ for which they sum to 1."""
    z = [(alpha - 1) * score for score in scores]

    def weights(tau: float) -> Vector:
        return [max(0.0, z_i - tau) ** (1 / (alpha - 1)) for z_i in z]

    low, high = max(z) - 1.0, max(z)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(weights(middle)) > 1.0 else (low, middle)
    return weights(high)


@pytest.mark.parametrize("normalizer", ALPHA)
@settings(max_examples=200, deadline=None)
@given(row=st.lists(st.floats(-20, 20), min_size=1, max_size=12), size=st.sampled_from([0.01, 0.1, 1.0, 10.0]))
def test_sparse_weights_match_their_definition(normalizer: Normalizer, row: Vector, size: float) -> None:
    scores = [size * score for score in row]
    got = normalizer(torch.tensor(scores, dtype=torch.float64), None)
    assert got.tolist() == pytest.approx(bisect(scores, ALPHA[normalizer]), abs=1e-7)


@pytest.mark.parametrize("normalizer", ALPHA)
@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
def test_sparse_weights_and_gradients_equal_the_library(normalizer: Normalizer, size: float) -> None:
    torch.manual_seed(1)
    scores = (size * torch.randn(3, 2, 5, 17, dtype=torch.float64)).requires_grad_()
    mask = torch.arange(17) < torch.tensor([17, 9, 1])[:, None, None, None]
    ours, theirs = normalizer(scores, mask), THEIRS[normalizer](scores.masked_fill(~mask, -1e9), -1)
    torch.testing.assert_close(ours, theirs, rtol=0.0, atol=1e-12)
    upstream = torch.randn_like(ours)
    gradients = [torch.autograd.grad(weights, scores, upstream)[0] for weights in (ours, theirs)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0.0, atol=1e-10)


def test_smoothing_normalizes_sigmoids() -> None:
    scores = [-3.0, 0.5, 2.0, 40.0]
    sigmoids = [1 / (1 + math.exp(-score)) for score in scores]
    got = smooth(torch.tensor(scores, dtype=torch.float64), None)
    assert got.tolist() == pytest.approx([sigmoid / sum(sigmoids) for sigmoid in sigmoids], rel=1e-12)


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def softmax(scores: Vector) -> Vector:
    total = sum(math.exp(score) for score in scores)
    return [math.exp(score) / total for score in scores]


def test_location_features_match_equations_8_and_9() -> None:
    torch.manual_seed(2)
    S, D, K, k, half_width = 6, 4, 5, 3, 2
    attention = AttentionWithHistory(
        Attention(AdditiveScore(D, D, size=K), D), location=LocationFeatures(k, half_width, K)
    ).double()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    states, queries = torch.randn(1, S, D).double(), torch.randn(3, 1, 1, D).double()
    memory = attention.project_memory(states, torch.ones(1, 1, 1, S, dtype=torch.bool))
    score, filters = attention.attention.score, attention.get_parameter("location.filters.weight")[:, 0].tolist()
    to_hidden = attention.get_parameter("location.feature_map.weight")[0].tolist()  # U
    history, alpha = attention.initial_history(memory), [1.0] + [0.0] * (S - 1)
    for query in queries:
        output, history = attention(query, memory, history)
        padded = [0.0] * half_width + alpha + [0.0] * half_width
        energies = []
        for i in range(S):
            features = [dot(row, padded[i : i + 2 * half_width + 1]) for row in filters]
            hidden = [
                dot(score.get_parameter("query_map.weight")[0, n].tolist(), query[0, 0].tolist())
                + dot(score.get_parameter("key_map.weight")[0, n].tolist(), states[0, i].tolist())
                + dot(to_hidden[n], features)
                + score.get_parameter("key_map.bias")[0, 0, n].item()
                for n in range(K)
            ]
            energies.append(dot(score.get_parameter("v")[0].tolist(), [math.tanh(x) for x in hidden]))
        alpha = softmax(energies)
        assert output.weights[0, 0, 0].tolist() == pytest.approx(alpha, rel=1e-9, abs=1e-12)


def test_the_median_window_follows_the_weights() -> None:
    torch.manual_seed(3)
    S, D, half_width = 8, 4, 2
    attention = AttentionWithHistory(Attention(AdditiveScore(D, D), D), window=MedianWindow(half_width)).double()
    memory = attention.project_memory(torch.randn(1, S, D).double(), torch.ones(1, 1, 1, S, dtype=torch.bool))
    history, alpha = attention.initial_history(memory), [1.0] + [0.0] * (S - 1)
    for query in torch.randn(6, 1, 1, D).double():
        output, history = attention(query, memory, history)
        center = next(i for i in range(S) if sum(alpha[: i + 1]) >= 0.5)
        energies = attention.attention.score(query[:, None], memory.key)[0, 0, 0].tolist()
        window = [i for i in range(S) if abs(i - center) <= half_width]
        inside = dict(zip(window, softmax([energies[i] for i in window]), strict=True))
        alpha = [inside.get(i, 0.0) for i in range(S)]
        assert output.weights[0, 0, 0].tolist() == pytest.approx(alpha, rel=1e-9, abs=1e-12)
