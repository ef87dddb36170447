"""The fused loss equals PyTorch's cross entropy of the whole logits, in value and in every gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.train.loss import chunked_cross_entropy

PAD = 1


def inputs(dtype: torch.dtype = torch.float64) -> tuple[Tensor, nn.Parameter, nn.Parameter, Tensor]:
    hidden = torch.randn(3, 7, 5, dtype=dtype, requires_grad=True)
    weight, bias = nn.Parameter(torch.randn(11, 5, dtype=dtype)), nn.Parameter(torch.randn(11, dtype=dtype))
    targets = torch.randint(2, 11, (3, 7))
    targets[0, 4:] = PAD
    targets[2, 1:] = PAD
    return hidden, weight, bias, targets


def expected(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float) -> Tensor:
    logits = F.linear(hidden, weight, bias).flatten(0, 1)
    return F.cross_entropy(logits, targets.flatten(), ignore_index=PAD, label_smoothing=smoothing, reduction="sum")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("chunk_size", [1, 4, 100])
@pytest.mark.parametrize("with_bias", [True, False])
def test_equals_the_loss_of_all_logits(smoothing: float, chunk_size: int, with_bias: bool) -> None:
    hidden, weight, bias, targets = inputs()
    used = bias if with_bias else None
    loss, nll = chunked_cross_entropy(
        hidden, weight, used, targets, label_smoothing=smoothing, ignore_index=PAD, chunk_size=chunk_size
    )
    whole = expected(hidden, weight, used, targets, smoothing)
    leaves = [hidden, weight, *([bias] if with_bias else [])]
    torch.testing.assert_close(loss, whole)
    torch.testing.assert_close(nll, expected(hidden, weight, used, targets, 0.0))
    gradients, references = torch.autograd.grad(3 * loss, leaves), torch.autograd.grad(3 * whole, leaves)
    for gradient, reference in zip(gradients, references, strict=True):
        torch.testing.assert_close(gradient, reference)


def test_gradients_agree_with_finite_differences() -> None:
    hidden, weight, bias, targets = inputs()

    def loss(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return chunked_cross_entropy(
            hidden, weight, bias, targets, label_smoothing=0.1, ignore_index=PAD, chunk_size=5
        )[0]

    assert torch.autograd.gradcheck(loss, (hidden, weight, bias))


def test_smoothing_spreads_over_all_words() -> None:
    """Against the formula in plain Python: q(v) = (1 - ε) [v = target] + ε / V."""
    hidden, weight, bias, targets = inputs()
    log_probs = F.log_softmax(F.linear(hidden, weight, bias), -1)
    total = 0.0
    for b in range(3):
        for t in range(7):
            if targets[b, t] != PAD:
                for v in range(11):
                    q = 0.9 * (v == targets[b, t].item()) + 0.1 / 11
                    total -= q * log_probs[b, t, v].item()
    loss, _ = chunked_cross_entropy(hidden, weight, bias, targets, label_smoothing=0.1, ignore_index=PAD)
    assert loss.item() == pytest.approx(total)


def test_padding_has_no_loss_and_no_gradient() -> None:
    hidden, weight, bias, targets = inputs()
    loss, _ = chunked_cross_entropy(hidden, weight, bias, targets, label_smoothing=0.1, ignore_index=PAD)
    (gradient,) = torch.autograd.grad(loss, hidden)
    assert (gradient[targets == PAD] == 0).all()
    assert (gradient[targets != PAD] != 0).any(-1).all()


def test_a_known_number_of_tokens_changes_nothing() -> None:
    hidden, weight, bias, targets = inputs()
    count = int((targets != PAD).sum())
    counted = chunked_cross_entropy(hidden, weight, bias, targets, ignore_index=PAD)
    given = chunked_cross_entropy(hidden, weight, bias, targets, ignore_index=PAD, num_tokens=count)
    assert torch.equal(counted[0], given[0])
    assert torch.equal(counted[1], given[1])


def test_a_tied_matrix_gets_both_its_gradients() -> None:
    _, weight, bias, targets = inputs()
    ids = torch.randint(0, 11, (3, 7))

    def gradient(loss: Tensor) -> Tensor:
        return torch.autograd.grad(loss, weight)[0]

    fused, _ = chunked_cross_entropy(
        F.embedding(ids, weight).tanh(), weight, bias, targets, label_smoothing=0.1, ignore_index=PAD, chunk_size=4
    )
    whole = expected(F.embedding(ids, weight).tanh(), weight, bias, targets, 0.1)
    torch.testing.assert_close(gradient(fused), gradient(whole))


def test_no_gradients_are_made_for_a_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, weight, bias, targets = inputs()
    whole = expected(hidden, weight, bias, targets, 0.1)
    monkeypatch.setattr("regard.train.loss._Gradients", None)
    with torch.inference_mode():
        loss, _ = chunked_cross_entropy(hidden, weight, bias, targets, label_smoothing=0.1, ignore_index=PAD)
    assert loss.item() == pytest.approx(whole.item())


def test_the_log_likelihood_carries_no_gradient() -> None:
    hidden, weight, bias, targets = inputs()
    loss, nll = chunked_cross_entropy(hidden, weight, bias, targets, ignore_index=PAD)
    assert loss.requires_grad
    assert not nll.requires_grad


@pytest.mark.parametrize("autocast", [True, False])
def test_bfloat16_stays_near_float32(autocast: bool) -> None:
    hidden = torch.randn(200, 64, requires_grad=True)
    weight, bias = nn.Parameter(0.1 * torch.randn(300, 64)), nn.Parameter(torch.zeros(300))
    targets = torch.randint(0, 300, (200,))
    inputs = hidden if autocast else hidden.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        loss, nll = chunked_cross_entropy(inputs, weight, bias, targets, label_smoothing=0.1, chunk_size=64)
    whole = F.cross_entropy(F.linear(hidden, weight, bias), targets, label_smoothing=0.1, reduction="sum")
    assert loss.dtype == nll.dtype == torch.float32
    assert loss.item() == pytest.approx(whole.item(), rel=1e-3)
    gradients, references = (torch.autograd.grad(value, (hidden, weight, bias)) for value in (loss, whole))
    for gradient, reference in zip(gradients, references, strict=True):
        assert gradient.dtype == torch.float32
        assert (gradient - reference).norm() < 0.02 * reference.norm()


def test_extreme_logits_stay_finite() -> None:
    hidden = torch.tensor([[1e4, 0.0], [0.0, 1e4]], requires_grad=True)
    weight = nn.Parameter(torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]))
    loss, _ = chunked_cross_entropy(hidden, weight, None, torch.tensor([1, 0]), label_smoothing=0.1)
    loss.backward()
    assert torch.isfinite(loss)
    assert hidden.grad is not None
    assert torch.isfinite(hidden.grad).all()


def test_a_batch_of_only_padding_has_no_loss() -> None:
    hidden, weight, bias, targets = inputs()
    loss, nll = chunked_cross_entropy(hidden, weight, bias, torch.full_like(targets, PAD), ignore_index=PAD)
    loss.backward()
    assert loss.item() == nll.item() == 0.0
    assert weight.grad is not None
    assert not weight.grad.any()
