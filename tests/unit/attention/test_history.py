"""Attention that depends on earlier weights: coverage, location features and history windows."""

from __future__ import annotations

import pytest
import torch

from regard.attention.coverage import Coverage
from regard.attention.history import AttentionWithHistory
from regard.attention.location import LocationFeatures
from regard.attention.multi import MultiHeadAttention
from regard.attention.scores import AdditiveScore, DotScore
from regard.attention.single import Attention
from regard.attention.windows import MeanWindow, MedianWindow
from regard.values import Memory

WIDTH = 6


def project_memory(attention: AttentionWithHistory, lengths: tuple[int, ...] = (4, 3)) -> Memory:
    mask = torch.arange(4) < torch.tensor(lengths)[:, None]
    return attention.project_memory(torch.randn(len(lengths), 4, WIDTH), mask[:, None, None])


def test_coverage_has_no_effect_until_it_is_trained() -> None:
    torch.manual_seed(5)
    plain = Attention(DotScore(WIDTH, WIDTH), WIDTH)
    covered = AttentionWithHistory(plain, coverage=Coverage())
    memory = project_memory(covered)
    query = torch.randn(2, 1, WIDTH)
    initial = covered.initial_history(memory)
    assert initial is not None and not initial[1].any()
    first, after = covered(query, memory, initial, need_weights=True)
    torch.testing.assert_close(first.weights, plain(query, memory, need_weights=True).weights)
    assert after is not None
    torch.testing.assert_close(after[1], first.weights)
    torch.nn.init.normal_(covered.get_parameter("coverage.u"))
    second, after_two = covered(query, memory, after, need_weights=True)
    assert not torch.allclose(first.weights, second.weights)
    assert after_two is not None
    torch.testing.assert_close(after_two[1].sum(-1), torch.full((2, 1, 1), 2.0))


def test_without_coverage_location_and_window_there_is_no_history() -> None:
    plain = Attention(DotScore(WIDTH, WIDTH), WIDTH)
    attention = AttentionWithHistory(plain)
    memory, query = project_memory(attention), torch.randn(2, 3, WIDTH)
    assert attention.initial_history(memory) is None
    output, after = attention(query, memory, None)
    assert after is None and output.weights is None
    assert torch.equal(output.context, plain(query, memory).context)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_before_the_first_step_all_weight_lies_on_the_first_position(dtype: torch.dtype) -> None:
    attention = AttentionWithHistory(
        MultiHeadAttention(WIDTH, 2, DotScore(3, 3)), location=LocationFeatures(2, 1, 3, num_heads=2)
    ).to(dtype)
    states = torch.randn(2, 4, WIDTH, dtype=dtype)
    memory = attention.project_memory(states, torch.ones(2, 1, 1, 4, dtype=torch.bool))
    initial = attention.initial_history(memory)
    assert initial is not None
    assert initial[0].shape == initial[1].shape == (2, 2, 1, 4)
    assert (initial[0] == torch.tensor([1.0, 0.0, 0.0, 0.0])).all()
    assert initial[0].dtype == torch.promote_types(dtype, torch.float32)
    output, after = attention(torch.randn(2, 1, WIDTH, dtype=dtype), memory, initial)
    assert output.context.dtype == dtype and after is not None
    assert after[0] is output.weights


def test_location_features_depend_on_the_previous_weights_and_not_on_their_sum() -> None:
    torch.manual_seed(6)
    attention = AttentionWithHistory(
        Attention(AdditiveScore(WIDTH, WIDTH, size=5), WIDTH), location=LocationFeatures(3, 1, 5)
    )
    memory, query = project_memory(attention), torch.randn(2, 1, WIDTH)
    initial = attention.initial_history(memory)
    assert initial is not None
    previous, total = initial
    expected, _ = attention(query, memory, (previous, total))
    same, _ = attention(query, memory, (previous, total + 1.0))
    other, _ = attention(query, memory, (previous.roll(1, -1), total))
    assert torch.equal(expected.weights, same.weights)
    assert not torch.allclose(expected.weights, other.weights)


def test_the_gradient_flows_through_earlier_weights() -> None:
    attention = AttentionWithHistory(
        Attention(AdditiveScore(WIDTH, WIDTH, size=5), WIDTH), location=LocationFeatures(3, 1, 5)
    )
    memory, first = project_memory(attention), torch.randn(2, 1, WIDTH, requires_grad=True)
    _, after = attention(first, memory, attention.initial_history(memory))
    output, _ = attention(torch.randn(2, 1, WIDTH), memory, after)
    output.context.sum().backward()
    assert first.grad is not None and first.grad.any()
    gradient = attention.get_parameter("location.filters.weight").grad
    assert gradient is not None
    assert gradient.any()


@pytest.mark.parametrize(
    ("previous", "median", "mean"),
    [
        ([1.0, 0.0, 0.0, 0.0, 0.0], 0, 0.0),
        ([0.0, 0.0, 0.0, 0.0, 1.0], 4, 4.0),
        ([0.5, 0.5, 0.0, 0.0, 0.0], 0, 0.5),
        ([0.4, 0.2, 0.0, 0.0, 0.4], 1, 1.8),
        ([0.0, 0.4, 0.0, 0.0, 0.6], 4, 2.8),
        ([0.0, 0.0, 0.0, 0.0, 0.0], 0, 0.0),
    ],
)
def test_windows_are_centered_by_the_previous_weights(previous: list[float], median: int, mean: float) -> None:
    weights = torch.tensor(previous)[None, None, None]
    for window, center in ((MedianWindow(1), float(median)), (MeanWindow(1), mean)):
        assert window.center(weights).item() == pytest.approx(center)
        assert window(weights)[0, 0, 0].tolist() == [abs(i - window.center(weights).item()) <= 1.0 for i in range(5)]


@pytest.mark.parametrize("window", [MedianWindow(1), MeanWindow(1)])
def test_positions_outside_the_window_get_no_weight(window: MedianWindow | MeanWindow) -> None:
    torch.manual_seed(7)
    heads = MultiHeadAttention(WIDTH, 2, DotScore(3, 3))
    attention = AttentionWithHistory(heads, window=window)
    memory = project_memory(attention, (4, 2))
    history = attention.initial_history(memory)
    for _ in range(5):
        before = history
        output, history = attention(torch.randn(2, 1, WIDTH), memory, before)
        assert before is not None and output.weights is not None
        assert not (output.weights * ~window(before[0])).any()
        assert not output.weights[1, ..., 2:].any(), "padding is attended to"
        torch.testing.assert_close(output.weights.sum(-1), torch.ones(2, 2, 1))
