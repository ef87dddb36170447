"""Scores, windows and multi-head attention compared with float64 loops written from the formulas."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from regard.attention.multi import MultiHeadAttention
from regard.attention.scores import (
    AdditiveScore,
    CosineScore,
    DotScore,
    GeneralScore,
    LocationScore,
    ScaledDotScore,
    Score,
)
from regard.attention.single import Attention
from regard.attention.windows import MonotonicWindow, PredictiveWindow

B, H, T, S, K = 2, 3, 4, 5, 6
Vector = list[float]


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def matvec(matrix: list[Vector], x: Vector) -> Vector:
    return [dot(row, x) for row in matrix]


def loop_dot(score: Score, head: int, s: Vector, h: Vector, i: int) -> float:
    return dot(s, h)


def loop_scaled(score: Score, head: int, s: Vector, h: Vector, i: int) -> float:
    return dot(s, h) / math.sqrt(len(h))


def loop_general(score: Score, head: int, s: Vector, h: Vector, i: int) -> float:
    return dot(s, matvec(score.get_parameter("key_map.weight")[head].tolist(), h))


def loop_additive(score: Score, head: int, s: Vector, h: Vector, i: int) -> float:
    query = matvec(score.get_parameter("query_map.weight")[head].tolist(), s)
    key = matvec(score.get_parameter("key_map.weight")[head].tolist(), h)
    bias = score.get_parameter("key_map.bias")[head, 0].tolist()
    return dot(
        score.get_parameter("v")[head].tolist(),
        [math.tanh(q + k + b) for q, k, b in zip(query, key, bias, strict=True)],
    )


def loop_location(score: Score, head: int, s: Vector, h: Vector, i: int) -> float:
    return matvec(score.get_parameter("position_map.weight")[head].tolist(), s)[i]


def loop_cosine(score: Score, head: int, s: Vector, h: Vector, i: int) -> float:
    sharpness = math.exp(score.get_parameter("log_sharpness")[head].item())
    return sharpness * dot(s, h) / (math.sqrt(dot(s, s)) * math.sqrt(dot(h, h)))


Loop = Callable[[Score, int, Vector, Vector, int], float]
CASES: dict[str, tuple[Callable[[int], Score], Loop]] = {
    "dot": (lambda heads: DotScore(K, K), loop_dot),
    "scaled-dot": (lambda heads: ScaledDotScore(K, K), loop_scaled),
    "general": (lambda heads: GeneralScore(K, K, num_heads=heads), loop_general),
    "additive": (lambda heads: AdditiveScore(K, K, size=7, num_heads=heads), loop_additive),
    "location": (lambda heads: LocationScore(K, max_source=9, num_heads=heads), loop_location),
    "cosine": (lambda heads: CosineScore(K, K, num_heads=heads), loop_cosine),
}


@pytest.mark.parametrize("heads", [1, H])
@pytest.mark.parametrize("name", CASES)
def test_scores_match_their_formulas(name: str, heads: int) -> None:
    torch.manual_seed(1)
    make_score, loop = CASES[name]
    score = make_score(heads).double()
    for parameter in score.parameters():  # zero biases would hide a missing one
        torch.nn.init.normal_(parameter)
    query = torch.randn(B, heads, T, K, dtype=torch.float64)
    key = torch.randn(B, heads, S, K, dtype=torch.float64)
    got = score(query, score.project_key(key))
    for b in range(B):
        for j in range(heads):
            for t in range(T):
                for i in range(S):
                    expected = loop(score, j, query[b, j, t].tolist(), key[b, j, i].tolist(), i)
                    assert got[b, j, t, i].item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


def loop_softmax(scores: Vector, allowed: list[bool]) -> Vector:
    largest = max((e for e, may_attend in zip(scores, allowed, strict=True) if may_attend), default=0.0)
    exps = [math.exp(e - largest) if may_attend else 0.0 for e, may_attend in zip(scores, allowed, strict=True)]
    total = sum(exps)
    return [x / total for x in exps] if total else exps


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_attention_is_softmax_and_weighted_sum(name: str, need_weights: bool) -> None:
    torch.manual_seed(2)
    make_score, loop = CASES[name]
    attention = Attention(make_score(1).double(), K)
    lengths = [5, 3]
    states = torch.randn(B, S, K, dtype=torch.float64)
    query = torch.randn(B, T, K, dtype=torch.float64)
    mask = torch.tensor([[i < n for i in range(S)] for n in lengths])[:, None, None]
    output = attention(query, attention.project_memory(states, mask), need_weights=need_weights)
    assert (output.weights is None) != need_weights
    for b, n in enumerate(lengths):
        for t in range(T):
            scores = [loop(attention.score, 0, query[b, t].tolist(), states[b, i].tolist(), i) for i in range(S)]
            alpha = loop_softmax(scores, [i < n for i in range(S)])
            context = [sum(alpha[i] * states[b, i, d].item() for i in range(S)) for d in range(K)]
            assert output.context[b, t].tolist() == pytest.approx(context, rel=1e-9, abs=1e-12)
            if output.weights is not None:
                assert output.weights[b, 0, t].tolist() == pytest.approx(alpha, rel=1e-9, abs=1e-12)


def test_local_m_is_centered_at_the_target_position() -> None:
    torch.manual_seed(3)
    attention = Attention(DotScore(K, K).double(), K, window=MonotonicWindow(1))
    states, query = torch.randn(1, S, K).double(), torch.randn(1, T, K).double()
    mask = torch.tensor([True, True, True, False, False])[None, None, None]
    weights = attention(query, attention.project_memory(states, mask), start=1, need_weights=True).weights
    for row, step in enumerate(range(1, 1 + T)):
        center = min(step, 2)
        allowed = [abs(i - center) <= 1 and i < 3 for i in range(S)]
        scores = [dot(query[0, row].tolist(), states[0, i].tolist()) for i in range(S)]
        assert weights[0, 0, row].tolist() == pytest.approx(loop_softmax(scores, allowed), abs=1e-12)


def test_local_p_is_centered_at_the_predicted_position_and_prefers_it() -> None:
    torch.manual_seed(4)
    half_width, length = 2, 4
    window = PredictiveWindow(half_width, K).double()
    attention = Attention(DotScore(K, K).double(), K, window=window)
    states, query = torch.randn(1, S, K).double(), torch.randn(1, T, K).double()
    mask = torch.tensor([i < length for i in range(S)])[None, None, None]
    weights = attention(query, attention.project_memory(states, mask), need_weights=True).weights
    for t in range(T):
        hidden = [math.tanh(x) for x in matvec(window.hidden_map.weight.tolist(), query[0, t].tolist())]
        center = (length - 1) / (1 + math.exp(-dot(window.v.weight[0].tolist(), hidden)))
        allowed = [abs(i - center) <= half_width and i < length for i in range(S)]
        scores = [
            dot(query[0, t].tolist(), states[0, i].tolist()) - (i - center) ** 2 / (2 * (half_width / 2) ** 2)
            for i in range(S)
        ]
        # the center is computed in float32
        assert weights[0, 0, t].tolist() == pytest.approx(loop_softmax(scores, allowed), abs=1e-6)


@pytest.mark.parametrize("memory_size", [8, 5])
def test_multi_head_equals_pytorch(memory_size: int) -> None:
    torch.manual_seed(5)
    width, heads = 8, 2
    ours = MultiHeadAttention(width, heads, ScaledDotScore(4, 4), memory_size=memory_size).double()
    theirs = torch.nn.MultiheadAttention(
        width, heads, batch_first=True, kdim=memory_size, vdim=memory_size, dtype=torch.float64
    )
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter)
    with torch.no_grad():
        if memory_size == width:
            theirs.in_proj_weight.copy_(torch.cat([ours.query_map.weight, ours.key_map.weight, ours.value_map.weight]))
        else:
            theirs.q_proj_weight.copy_(ours.query_map.weight)
            theirs.k_proj_weight.copy_(ours.key_map.weight)
            theirs.v_proj_weight.copy_(ours.value_map.weight)
        theirs.in_proj_bias.copy_(torch.cat([ours.query_map.bias, ours.key_map.bias, ours.value_map.bias]))
        theirs.out_proj.weight.copy_(ours.output_map.weight)
        theirs.out_proj.bias.copy_(ours.output_map.bias)
    query, states = torch.randn(B, T, width).double(), torch.randn(B, S, memory_size).double()
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    expected, weights = theirs(query, states, states, key_padding_mask=padding, average_attn_weights=False)
    memory = ours.project_memory(states, ~padding[:, None, None])
    for need_weights in (True, False):
        output = ours(query, memory, need_weights=need_weights)
        torch.testing.assert_close(output.context, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(ours(query, memory, need_weights=True).weights, weights, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradients_against_finite_differences(name: str) -> None:
    torch.manual_seed(6)
    attention = MultiHeadAttention(4, 2, _small_score(name), rotary=True).double()
    query = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    states = torch.randn(1, 3, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([True, True, False])[None, None, None]

    def run(query: torch.Tensor, states: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        context: torch.Tensor = attention(query, attention.project_memory(states, mask), need_weights=True).context
        return context

    assert torch.autograd.gradcheck(run, (query, states, *attention.parameters()))


def _small_score(name: str) -> Score:
    scores: dict[str, Score] = {
        "dot": DotScore(2, 2),
        "scaled-dot": ScaledDotScore(2, 2),
        "general": GeneralScore(2, 2, num_heads=2),
        "additive": AdditiveScore(2, 2, num_heads=2),
        "location": LocationScore(2, max_source=4, num_heads=2),
        "cosine": CosineScore(2, 2, num_heads=2),
    }
    return scores[name]
