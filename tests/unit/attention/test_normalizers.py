"""Normalizers: exact zeros, ties, extremes, masked rows, both attentions, and the softmax's fast paths."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from regard.attention import single
from regard.attention.kernels import masked_softmax
from regard.attention.multi import MultiHeadAttention
from regard.attention.normalizers import Normalizer, Sharpened, entmax15, smooth, sparsemax
from regard.attention.scores import ScaledDotScore
from regard.attention.single import Attention
from regard.model.build import NORMALIZERS

SPARSE = [sparsemax, entmax15]
LOWEST = torch.finfo(torch.float32).min


@pytest.mark.parametrize("normalizer", SPARSE)
def test_low_scores_get_a_weight_of_exactly_zero(normalizer: Normalizer) -> None:
    weights = normalizer(torch.tensor([[0.0, 0.3, -4.0, 0.1, -9.0]]), None)
    assert (weights > 0).tolist() == [[True, True, False, True, False]]
    assert weights.sum().item() == pytest.approx(1.0)


def test_two_scores_half_apart() -> None:
    """Closed forms: sparsemax gives (1 ± d) / 2; 1.5-entmax x² and y² with x - y = d / 2 and x² + y² = 1."""
    scores = torch.tensor([[0.5, 0.0]], dtype=torch.float64)
    assert sparsemax(scores, None).tolist() == [pytest.approx([0.75, 0.25])]
    y = (-0.25 + (2.0 - 0.0625) ** 0.5) / 2
    assert entmax15(scores, None).tolist() == [pytest.approx([(y + 0.25) ** 2, y**2])]


@pytest.mark.parametrize("normalizer", SPARSE)
@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([7.0], [1.0]),
        ([3.0, 3.0, 3.0, 3.0], [0.25] * 4),
        ([1e30, 0.0], [1.0, 0.0]),
        ([0.0, -1e30, 0.0], [0.5, 0.0, 0.5]),
        ([LOWEST, 2.0, LOWEST, LOWEST, LOWEST], [0.0, 1.0, 0.0, 0.0, 0.0]),
        ([LOWEST, LOWEST], [0.5, 0.5]),
    ],
    ids=str,
)
def test_ties_and_extremes(normalizer: Normalizer, scores: list[float], expected: list[float]) -> None:
    assert normalizer(torch.tensor([scores]), None)[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("normalizer", SPARSE)
@pytest.mark.parametrize("size", [0.01, 1.0, 30.0])
def test_long_rows_sum_to_one_in_float32(normalizer: Normalizer, size: float) -> None:
    torch.manual_seed(1)
    scores = size * torch.randn(20, 1000)
    scores[:, 500:] -= 8.0  # far below, many alike
    weights = normalizer(scores, None)
    torch.testing.assert_close(weights.sum(-1), torch.ones(20), rtol=0.0, atol=1e-5)
    torch.testing.assert_close(weights.double(), normalizer(scores.double(), None), rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("normalizer", NORMALIZERS.values())
def test_a_masked_row_and_its_gradient_are_zero(normalizer: Normalizer) -> None:
    scores = torch.randn(2, 1, 3, 4, requires_grad=True)
    mask = torch.tensor([[True, True, False, False], [False] * 4])[:, None, None]
    weights = normalizer(scores, mask)
    assert not weights[1].any() and not weights[0, ..., 2:].any()
    weights.square().sum().backward()
    assert scores.grad is not None and scores.grad.isfinite().all()
    assert not scores.grad[1].any() and scores.grad[0, ..., :2].any()


@pytest.mark.parametrize("normalizer", NORMALIZERS.values())
def test_the_scores_are_not_modified(normalizer: Normalizer) -> None:
    scores = torch.randn(2, 1, 3, 4)
    before = scores.clone()
    normalizer(scores, None)
    normalizer(scores, torch.tensor([True, True, False, True]))
    assert torch.equal(scores, before)


def test_smoothing_of_very_low_and_very_high_scores() -> None:
    weights = smooth(torch.tensor([[-200.0, -201.0, -500.0]]), None)
    expected = torch.tensor([[0.0, -1.0, -300.0]]).softmax(-1)  # far below zero a sigmoid is an exponential
    torch.testing.assert_close(weights, expected)
    high = smooth(torch.tensor([[90.0, 50.0, 20.0, -90.0]]), None)  # far above, no score counts more than another
    torch.testing.assert_close(high, torch.tensor([[1.0, 1.0, 1.0, 0.0]]) / 3.0)


def test_sharpening_is_an_inverse_temperature() -> None:
    scores = torch.randn(3, 5)
    torch.testing.assert_close(Sharpened(masked_softmax, 4.0)(scores, None), (4.0 * scores).softmax(-1))


@pytest.mark.parametrize("name", NORMALIZERS)
@pytest.mark.parametrize("need_weights", [True, False])
def test_single_head_and_multi_head_attention_use_it(name: str, need_weights: bool) -> None:
    torch.manual_seed(2)
    normalizer = NORMALIZERS[name]
    single_head = Attention(ScaledDotScore(6, 6), 6, normalizer=normalizer)
    states, query = 4.0 * torch.randn(2, 300, 6), torch.randn(2, 300, 6)  # long enough for the fused kernel
    output = single_head(query, single_head.project_memory(states), need_weights=need_weights)
    weights = normalizer(query @ states.transpose(1, 2) / 6**0.5, None)
    torch.testing.assert_close(output.context, weights @ states, rtol=1e-4, atol=1e-5)
    multi_head = MultiHeadAttention(6, 2, ScaledDotScore(3, 3), normalizer=normalizer)
    output = multi_head(query, multi_head.project_memory(states), need_weights=need_weights)
    heads = [
        m(x).unflatten(-1, (2, 3)).transpose(1, 2)
        for m, x in ((multi_head.query_map, query), (multi_head.key_map, states))
    ]
    weights = normalizer(heads[0] @ heads[1].transpose(2, 3) / 3**0.5, None)
    value = multi_head.value_map(states).unflatten(-1, (2, 3)).transpose(1, 2)
    expected = multi_head.output_map((weights @ value).transpose(1, 2).flatten(2))
    torch.testing.assert_close(output.context, expected, rtol=1e-4, atol=1e-5)


def test_the_fused_kernel_is_used_for_the_softmax_only(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fused: Callable[..., torch.Tensor] = F.scaled_dot_product_attention

    def counted(*args: object, **options: object) -> torch.Tensor:
        calls.append("fused")
        return fused(*args, **options)

    monkeypatch.setattr(F, "scaled_dot_product_attention", counted)
    monkeypatch.setattr(single, "_fused_is_faster", lambda query, memory: True)
    query = torch.randn(1, 4, 6)
    for normalizer in NORMALIZERS.values():
        attention = Attention(ScaledDotScore(6, 6), 6, normalizer=normalizer)
        attention(query, attention.project_memory(query))
        assert calls == ["fused"]  # by the softmax, which comes first


@pytest.mark.parametrize(
    "normalizer", [*NORMALIZERS.values(), Sharpened(sparsemax, 2.0)], ids=[*NORMALIZERS, "sharpened"]
)
def test_a_copied_attention_has_the_same_normalizer(normalizer: Normalizer) -> None:
    attention = Attention(ScaledDotScore(6, 6), 6, normalizer=normalizer)
    query = torch.randn(1, 4, 6)
    expected = attention(query, attention.project_memory(query)).context
    for other in (copy.deepcopy(attention), pickle.loads(pickle.dumps(attention))):
        assert other.normalizer == normalizer
        assert torch.equal(other(query, other.project_memory(query)).context, expected)
