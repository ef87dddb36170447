"""The compiled softmax and loss against float64, and PyTorch's own operators likewise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from regard.train.softmax import loss_terms

pytestmark = pytest.mark.usefixtures("instructions")


def reference(logits: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float) -> tuple[Tensor, ...]:
    exact = logits.double() + (0 if bias is None else bias.double())
    log_probs = exact.log_softmax(-1)
    error = log_probs.exp()
    error[torch.arange(len(targets)), targets] -= 1 - smoothing
    return -log_probs.gather(1, targets[:, None])[:, 0], log_probs.sum(1), error


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("tokens", "words"), [(1, 1), (3, 5), (17, 33), (5, 8000), (64, 257)])
def test_against_float64(dtype: torch.dtype, biased: bool, tokens: int, words: int) -> None:
    torch.manual_seed(1)
    logits = (torch.randn(tokens, words) * 4).to(dtype)
    bias = torch.randn(words) if biased else None
    targets = torch.randint(0, words, (tokens,))
    nll, log_probs, error = reference(logits, bias, targets, 0.1)
    terms = loss_terms(logits.clone(), bias, targets, 0.1, need_error=True)
    torch.testing.assert_close(terms.nll.double(), nll, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(terms.log_probs.double(), log_probs, rtol=1e-5, atol=1e-5)
    rtol = 1e-5 if dtype == torch.float32 else 2**-8
    torch.testing.assert_close(terms.error.double(), error, rtol=rtol, atol=1e-6)
    torch.testing.assert_close(terms.error_sum.double(), error.sum(0), rtol=1e-4, atol=1e-5)
    without_error = loss_terms(logits.clone(), bias, targets, 0.1, need_error=False)
    torch.testing.assert_close(without_error.nll.double(), nll, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shift", [-1e4, 0.0, 1e4])
def test_a_constant_shift_of_the_logits_changes_nothing(shift: float) -> None:
    logits = torch.tensor([[0.0, 1.0, -300.0, 2.0]]) + shift
    terms = loss_terms(logits, None, torch.tensor([3]), 0.0, need_error=True)
    assert terms.nll.item() == pytest.approx(0.40760596, rel=1e-5)
    assert terms.error[0].tolist() == pytest.approx([0.09003057, 0.24472847, 0.0, 0.66524096 - 1], rel=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_broken_logits_give_a_broken_loss(bad: float) -> None:
    logits = torch.zeros(2, 40)
    logits[1, 7] = bad
    terms = loss_terms(logits, None, torch.tensor([3, 3]), 0.1, need_error=True)
    assert terms.nll[0].item() == pytest.approx(torch.tensor(40.0).log().item(), rel=1e-5)
    assert terms.nll[1].isnan()
    assert terms.error[1].isnan().any()


def test_a_target_outside_the_vocabulary_is_refused() -> None:
    for target in (-1, 40):
        with pytest.raises((IndexError, RuntimeError)):
            loss_terms(torch.zeros(1, 40), None, torch.tensor([target]), 0.1, need_error=True)


def test_no_tokens() -> None:
    terms = loss_terms(torch.zeros(0, 40), None, torch.zeros(0, dtype=torch.int64), 0.1, need_error=True)
    assert terms.nll.shape == (0,)
    assert terms.error_sum.shape == (40,)
