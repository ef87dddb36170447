"""Every attention: rows masked everywhere, masks, dropout, weights on request, helpful errors."""

from __future__ import annotations

import itertools

import pytest
import torch

from regard.attention import multi
from regard.attention.kernels import masked_softmax
from regard.attention.multi import MultiHeadAttention
from regard.attention.rotary import rotate
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
from regard.attention.windows import MonotonicWindow
from regard.errors import ShapeError

WIDTH = 6


def scores(heads: int = 1, width: int = WIDTH) -> list[Score]:
    return [
        DotScore(width, width),
        ScaledDotScore(width, width),
        GeneralScore(width, width, num_heads=heads),
        AdditiveScore(width, width, num_heads=heads),
        LocationScore(width, max_source=8, num_heads=heads),
        CosineScore(width, width, num_heads=heads),
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("score", scores(), ids=lambda s: type(s).__name__)
def test_fused_and_plain_paths_agree(score: Score, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    attention = Attention(score, WIDTH).to(dtype)
    length = 300 if dtype != torch.float64 else 7  # long enough for the fused kernel in every type
    query = torch.randn(2, length, WIDTH, dtype=dtype)
    memory = attention.project_memory(torch.randn(2, length, WIDTH, dtype=dtype), None)
    plain = attention(query, memory, need_weights=True)
    fused = attention(query, memory)
    assert fused.weights is None
    error = (fused.context - plain.context).double().norm() / plain.context.double().norm()
    assert error < {torch.float32: 1e-6, torch.float64: 1e-14, torch.bfloat16: 1e-2}[dtype]


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("score", scores(), ids=lambda s: type(s).__name__)
def test_a_row_that_is_masked_everywhere_gives_zeros(score: Score, dtype: torch.dtype, need_weights: bool) -> None:
    attention = Attention(score, WIDTH).to(dtype)
    states = torch.randn(2, 4, WIDTH, dtype=dtype, requires_grad=True)
    mask = torch.tensor([[True, True, False, False], [False] * 4])[:, None, None]
    output = attention(
        torch.randn(2, 3, WIDTH, dtype=dtype), attention.project_memory(states, mask), need_weights=need_weights
    )
    assert output.context[1].abs().max() == 0.0
    assert output.context[0].abs().min() > 0.0
    if output.weights is not None:
        assert output.weights[1].abs().max() == 0.0
    output.context.sum().backward()
    assert states.grad is not None and states.grad.isfinite().all()


def test_softmax_is_taken_in_float32() -> None:
    # In bfloat16 the weights of equal scores need not sum to 1.
    weights = masked_softmax(torch.zeros(1, 1, 1, 3, dtype=torch.bfloat16), None)
    assert weights.dtype == torch.float32
    assert weights.sum().item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("score", scores(), ids=lambda s: type(s).__name__)
def test_padding_changes_nothing(score: Score) -> None:
    torch.manual_seed(2)
    attention = Attention(score, WIDTH)
    states, query = torch.randn(1, 4, WIDTH), torch.randn(1, 2, WIDTH)
    alone = attention(
        query, attention.project_memory(states, torch.ones(1, 1, 1, 4, dtype=torch.bool)), need_weights=True
    )
    padded = torch.cat([states, torch.full((1, 3, WIDTH), 9.0)], dim=1)
    mask = torch.tensor([True] * 4 + [False] * 3)[None, None, None]
    beside_padding = attention(query, attention.project_memory(padded, mask), need_weights=True)
    torch.testing.assert_close(alone.context, beside_padding.context)
    torch.testing.assert_close(alone.weights, beside_padding.weights[..., :4])
    assert beside_padding.weights[..., 4:].max() == 0.0


def test_weights_are_returned_before_dropout() -> None:
    torch.manual_seed(3)
    attention = Attention(DotScore(WIDTH, WIDTH), WIDTH, dropout=0.9).train()
    memory = attention.project_memory(torch.randn(1, 5, WIDTH), None)
    query = torch.randn(1, 3, WIDTH)
    trained = attention(query, memory, need_weights=True)
    evaluated = attention.eval()(query, memory, need_weights=True)
    torch.testing.assert_close(trained.weights, evaluated.weights)
    assert not torch.allclose(trained.context, evaluated.context)


@pytest.mark.parametrize("make", [DotScore, ScaledDotScore, CosineScore])
def test_scores_that_need_equal_widths_refuse_others(make: type[DotScore]) -> None:
    with pytest.raises(ShapeError, match="queries have width 4 and keys 6"):
        make(4, 6)


def test_general_and_additive_accept_unequal_widths() -> None:
    for score in (GeneralScore(4, 6), AdditiveScore(4, 6, size=3)):
        key = score.project_key(torch.randn(2, 1, 5, 6))
        assert score(torch.randn(2, 1, 3, 4), key).shape == (2, 1, 3, 5)


def test_location_gives_no_weight_beyond_its_maximal_source_length() -> None:
    attention = Attention(LocationScore(WIDTH, max_source=3), WIDTH)
    weights = attention(
        torch.randn(1, 1, WIDTH), attention.project_memory(torch.randn(1, 5, WIDTH)), need_weights=True
    ).weights
    assert weights[..., 3:].max() == 0.0
    assert weights.sum().item() == pytest.approx(1.0)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ShapeError, match="got width 8 and 3 heads"):
        MultiHeadAttention(8, 3, ScaledDotScore(2, 2))


def test_a_users_own_score() -> None:
    class Network(Score):
        """A small feed-forward network over the concatenated query and key."""

        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(2 * WIDTH, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))

        def forward(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
            pairs = torch.cat(torch.broadcast_tensors(query.unsqueeze(-2), key.unsqueeze(-3)), dim=-1)
            scores: torch.Tensor = self.net(pairs).squeeze(-1)
            return scores

    attention = Attention(Network(), WIDTH)
    output = attention(torch.randn(2, 3, WIDTH), attention.project_memory(torch.randn(2, 4, WIDTH)), need_weights=True)
    assert output.context.shape == (2, 3, WIDTH)
    torch.testing.assert_close(output.weights.sum(-1), torch.ones(2, 1, 3))


def test_rotary_scores_depend_on_the_distance_only() -> None:
    torch.manual_seed(4)
    query, key = torch.randn(1, 1, 1, 8).double(), torch.randn(1, 1, 1, 8).double()
    near = [(rotate(query, start=p) * rotate(key, start=p + 3)).sum().item() for p in (0, 5, 40)]
    far = (rotate(query, start=0) * rotate(key, start=4)).sum().item()
    assert near == pytest.approx([near[0]] * 3, abs=1e-4)
    assert abs(far - near[0]) > 1e-3
    whole = rotate(torch.randn(1, 2, 5, 8).double())
    torch.testing.assert_close(whole.norm(), whole.norm())


def test_rotary_positions_continue_where_they_stopped() -> None:
    x = torch.randn(1, 2, 5, 8)
    torch.testing.assert_close(rotate(x)[:, :, 3:], rotate(x[:, :, 3:], start=3))


def test_a_window_needs_no_mask() -> None:
    attention = Attention(DotScore(WIDTH, WIDTH), WIDTH, window=MonotonicWindow(1))
    states, query = torch.randn(2, 6, WIDTH), torch.randn(2, 4, WIDTH)
    with_mask = attention(
        query, attention.project_memory(states, torch.ones(2, 1, 1, 6, dtype=torch.bool)), need_weights=True
    )
    without_mask = attention(query, attention.project_memory(states), need_weights=True)
    assert (without_mask.weights == 0).sum() > 0
    torch.testing.assert_close(without_mask.weights, with_mask.weights, atol=0, rtol=0)


def test_a_window_stays_within_the_source() -> None:
    window = MonotonicWindow(2)
    mask = torch.tensor([[True] * 3 + [False] * 3, [True] * 6])[:, None, None]
    inside, bias = window(torch.zeros(2, 9, WIDTH), mask)
    assert bias is None
    assert inside.shape == (2, 1, 9, 6)
    assert inside.any(-1).all(), "after the end of the source the window stays at its last positions"
    for row, length in itertools.product(range(9), (3, 6)):
        expected = [abs(i - min(row, length - 1)) <= 2 and i < length for i in range(6)]
        assert inside[0 if length == 3 else 1, 0, row].tolist() == expected


def test_key_maps_that_do_not_affect_scores_are_not_trained() -> None:
    for score, learns in ((ScaledDotScore(4, 4), True), (LocationScore(4, max_source=9, num_heads=2), False)):
        attention = MultiHeadAttention(8, 2, score)
        states = torch.randn(1, 5, 8)
        attention(torch.randn(1, 3, 8), attention.project_memory(states)).context.square().sum().backward()
        for name, parameter in attention.named_parameters():
            assert parameter.requires_grad == (learns or not name.startswith("key_map")), name
            assert (parameter.grad is not None) == parameter.requires_grad, name


@pytest.mark.parametrize("masked", ["nothing", "keys", "each query"])
def test_queries_in_chunks_give_the_same_context(monkeypatch: pytest.MonkeyPatch, masked: str) -> None:
    attention = MultiHeadAttention(8, 2, ScaledDotScore(4, 4), rotary=True).eval()
    states = torch.randn(3, 7, 8)
    masks = {
        "nothing": None,
        "keys": torch.arange(7).lt(torch.tensor([7, 4, 2])[:, None])[:, None, None],
        "each query": torch.ones(7, 7, dtype=torch.bool).tril(),
    }
    memory = attention.project_memory(states)
    bias = torch.randn(7, 7)
    for query_bias in (None, bias):
        whole = attention(states, memory, mask=masks[masked], bias=query_bias).context
        with monkeypatch.context() as patch:
            patch.setattr(multi, "MAX_WEIGHTS", 100)  # two queries at a time
            chunked = attention(states, memory, mask=masks[masked], bias=query_bias).context
        assert torch.allclose(whole, chunked, atol=1e-6)
