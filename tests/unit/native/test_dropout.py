"""Dropout, compiled or not: share of zeros, mean, gradients, and reproducible draws."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from regard.native import available_instruction_sets, disabled, limited_to
from regard.native.dropout import Dropout, ReLUDropout, _drop, dropout, relu_dropout

pytestmark = pytest.mark.usefixtures("instructions")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_of_zeros_and_scale_of_the_rest(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    y = dropout(torch.ones(1001, 999, dtype=dtype), rate)
    assert (y == 0).double().mean().item() == pytest.approx(rate, abs=0.002)  # deviation below 0.0005
    kept = y[y != 0].double().unique()
    assert kept.tolist() == pytest.approx([1 / (1 - rate)], rel=1e-2)


def test_compiled_dropout_says_that_it_is_missing() -> None:
    x = torch.ones(2, 2, requires_grad=True)
    with limited_to(available_instruction_sets()[-1]):
        y = relu_dropout(x, 0.5)
    with disabled():
        with pytest.raises(AssertionError, match=r"there is no compiled dropout kernel for torch.float32"):
            _drop(x, 0.5, 1, relu=False)
        with pytest.raises(AssertionError, match="there is no compiled kernel for the gradient of ReLU and dropout"):
            y.sum().backward()


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5, 31, 32, 33, 64, 16384])
def test_elements_are_independent(distance: int) -> None:
    # Elements 32 apart share a hash; with PyTorch, four neighbors share a number. Blocks have 64 elements, and threads
    # take 16,384 at a time.
    torch.manual_seed(2)
    kept = (dropout(torch.ones(1_000_000), 0.5) != 0).double()
    correlation = torch.corrcoef(torch.stack((kept[distance:], kept[:-distance])))[0, 1]
    assert correlation.abs() < 0.005  # five deviations


def test_draws_of_two_calls_are_independent() -> None:
    torch.manual_seed(2)
    kept = torch.stack([dropout(torch.ones(100_000), 0.5) != 0 for _ in range(8)]).double()
    assert (torch.corrcoef(kept) - torch.eye(8)).abs().max() < 0.02


@pytest.mark.parametrize("apply", [dropout, relu_dropout])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1000,), (7, 11, 13), (3,), (0, 4), (40_000,)])
def test_the_gradient_has_the_mask_of_the_values(
    apply: Callable[[Tensor, float], Tensor], dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(3)
    x = torch.randn(shape).to(dtype).requires_grad_()
    y = apply(x, 0.3)
    upstream = torch.randn(shape).to(dtype)
    y.backward(upstream)
    assert x.grad is not None
    scale = torch.tensor(1 / 0.7)
    torch.testing.assert_close(x.grad, torch.where(y != 0, upstream.float() * scale, 0.0).to(dtype))
    kept = y.detach() != 0
    torch.testing.assert_close(y.detach()[kept], (x.detach().float() * scale).to(dtype)[kept])


def test_views_with_any_strides() -> None:
    torch.manual_seed(4)
    base = torch.randn(6, 8, 10, requires_grad=True)
    y = dropout(base.transpose(0, 2), 0.4)
    y.sum().backward()  # an expanded gradient
    expected = torch.where(y != 0, 1 / 0.6, 0.0).transpose(0, 2)
    torch.testing.assert_close(base.grad, expected)


def test_relu_dropout_is_relu_then_dropout() -> None:
    x = torch.tensor([-2.0, -0.0, 0.0, 3.0, float("inf"), float("-inf")]).repeat(50)
    torch.manual_seed(5)
    y = relu_dropout(x, 0.25)
    assert not y[x <= 0].any()
    positive = x == 3.0
    assert set(y[positive].tolist()) == {0.0, 4.0}
    assert torch.equal(relu_dropout(x, 0.0), torch.relu(x))


@pytest.mark.parametrize("apply", [dropout, relu_dropout])
def test_nan_is_not_hidden(apply: Callable[[Tensor, float], Tensor]) -> None:
    torch.manual_seed(6)
    assert apply(torch.full((1000,), torch.nan), 0.1).isnan().any()


def test_equal_seeds_give_equal_draws_and_others_do_not() -> None:
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return dropout(torch.ones(97), 0.5)

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_threads_do_not_change_the_draws(instructions: str) -> None:
    def draw(threads: int) -> torch.Tensor:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        torch.manual_seed(7)
        try:
            return dropout(torch.ones(100_003), 0.5)
        finally:
            torch.set_num_threads(before)

    assert torch.equal(draw(1), draw(2))


def test_masks_of_different_seeds_are_independent() -> None:
    torch.manual_seed(3)
    kept = (torch.stack([dropout(torch.ones(100_000), 0.5) for _ in range(40)]) != 0).double()
    correlation = torch.corrcoef(kept) - torch.eye(40)
    assert correlation.abs().max() < 0.02  # six deviations
    assert (kept.mean(1) - 0.5).abs().max() < 0.008  # five deviations


def test_the_mask_is_the_same_with_all_instructions() -> None:
    def draw(name: str) -> Tensor:
        torch.manual_seed(4)
        with limited_to(name):
            return torch.cat((dropout(torch.ones(100_003), 0.3), relu_dropout(torch.ones(70), 0.3)))

    results = [draw(name) for name in available_instruction_sets()]
    assert all(torch.equal(result, results[0]) for result in results)


def test_no_mask_is_saved_for_the_backward_pass(instructions: str) -> None:
    if instructions == "PyTorch":
        pytest.skip("without the kernels the mask is saved")
    saved: list[Tensor] = []
    x = torch.randn(1000, requires_grad=True)

    def note(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        dropout(x, 0.1)
        assert not saved
        y = relu_dropout(x, 0.1)
    assert [tensor.data_ptr() for tensor in saved] == [y.data_ptr()]


def test_modules_drop_in_training_only() -> None:
    x = torch.ones(100)
    module = Dropout(0.5)
    assert module.eval()(x) is x
    assert (module.train()(x) == 0).any()
    assert Dropout(0.0).train()(x) is x
    assert "rate=0.5" in repr(module)
    assert torch.equal(ReLUDropout(0.5).eval()(-x), torch.zeros(100))
    assert (ReLUDropout(0.5).train()(x) == 0).any()
