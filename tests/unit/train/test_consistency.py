"""R-Drop's loss equals the formula in plain PyTorch, in value and in every gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.config.schema import RNNConfig, TransformerConfig
from regard.data.collate import collate
from regard.model.build import build_model
from regard.train import loss as loss_module
from regard.train.consistency import consistent_cross_entropy, repeated
from regard.train.objective import Objective
from regard.train.precision import Precision
from regard.values import AlignmentTargets, Batch, Specials

PAD = 1
SPECIALS = Specials()


def inputs(dtype: torch.dtype = torch.float64) -> tuple[Tensor, nn.Parameter, nn.Parameter, Tensor]:
    hidden = torch.randn(6, 7, 5, dtype=dtype, requires_grad=True)
    weight, bias = nn.Parameter(torch.randn(11, 5, dtype=dtype)), nn.Parameter(torch.randn(11, dtype=dtype))
    targets = torch.randint(2, 11, (3, 7))
    targets[0, 4:] = PAD
    targets[2, 1:] = PAD
    return hidden, weight, bias, targets.repeat_interleave(2, dim=0)


def expected(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float, alpha: float
) -> Tensor:
    """Equation 4 of Wu et al. 2021 over whole logits."""
    logits = F.linear(hidden, weight, bias)
    flat = logits.flatten(0, 1), targets.flatten()
    nll = F.cross_entropy(*flat, ignore_index=PAD, label_smoothing=smoothing, reduction="sum")
    log_p, log_q = (logits[side::2][targets[::2] != PAD].log_softmax(-1) for side in (0, 1))
    both = F.kl_div(log_q, log_p, log_target=True, reduction="sum")  # KL(P || Q)
    both = both + F.kl_div(log_p, log_q, log_target=True, reduction="sum")
    return nll + alpha / 2 * both


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("alpha", [0.5, 5.0])
@pytest.mark.parametrize("chunk_elements", [1, 1 << 22])
@pytest.mark.parametrize("with_bias", [True, False])
def test_equals_the_formula(
    smoothing: float, alpha: float, chunk_elements: int, with_bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss_module, "CHUNK_ELEMENTS", chunk_elements)
    hidden, weight, bias, targets = inputs()
    if chunk_elements == 1:  # chunks of 64 tokens
        hidden = torch.cat([hidden] * 6).detach().mul_(1.1).requires_grad_()
        targets = torch.cat([targets] * 6)
    used = bias if with_bias else None
    count = int((targets != PAD).sum())
    for num_tokens in (None, count):
        loss, nll = consistent_cross_entropy(
            hidden, weight, used, targets,
            alpha=alpha, label_smoothing=smoothing, ignore_index=PAD, num_tokens=num_tokens,
        )  # fmt: skip
        whole = expected(hidden, weight, used, targets, smoothing, alpha)
        leaves = [hidden, weight, *([bias] if with_bias else [])]
        torch.testing.assert_close(loss, whole)
        torch.testing.assert_close(nll, expected(hidden, weight, used, targets, 0.0, 0.0))
        gradients, references = torch.autograd.grad(3 * loss, leaves), torch.autograd.grad(3 * whole, leaves)
        for gradient, reference in zip(gradients, references, strict=True):
            torch.testing.assert_close(gradient, reference)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_are_computed_in_float32(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    hidden, weight, bias, targets = inputs(torch.float32)
    with torch.no_grad():
        for tensor in (hidden, weight, bias):
            tensor.copy_(tensor.to(dtype))
        loss, _ = consistent_cross_entropy(
            hidden.to(dtype), weight.to(dtype), bias, targets, alpha=5.0, label_smoothing=0.1, ignore_index=PAD
        )
        whole = expected(hidden.double(), weight.double(), bias.double(), targets, 0.1, 5.0)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), whole, rtol=1e-5 if dtype == torch.float32 else 0.02, atol=0.0)


def test_no_divergence_and_no_gradient_of_it_without_dropout() -> None:
    hidden, weight, bias, targets = inputs()
    same = hidden.detach()[::2].repeat_interleave(2, dim=0).requires_grad_()
    results = []
    for alpha in (0.0, 100.0):
        loss, _ = consistent_cross_entropy(same, weight, bias, targets, alpha=alpha, ignore_index=PAD)
        results.append((loss, *torch.autograd.grad(loss, [same, weight, bias])))
    for without, with_divergence in zip(*results, strict=True):
        torch.testing.assert_close(without, with_divergence)


def example() -> Batch:
    batch = collate([[5, 6, 7], [8, 9]], [[6, 5], [9, 8, 4]], specials=SPECIALS)
    indices = torch.tensor([[0, 0, 1], [0, 1, 2], [1, 0, 1]])
    guide = AlignmentTargets(indices, torch.tensor([1.0, 0.5, 0.25]))
    return Batch(
        batch.src_ids, batch.src_len, batch.tgt_in_ids, batch.tgt_out_ids, batch.tgt_len, batch.indices,
        batch.num_tgt_tokens, guide,
    )  # fmt: skip


def test_every_row_is_repeated_with_its_links() -> None:
    batch = example()
    both = repeated(batch)
    assert both.num_tgt_tokens == 2 * batch.num_tgt_tokens == int(both.tgt_len.sum())
    assert both.indices == (0, 0, 1, 1)
    for name in ("src_ids", "src_len", "tgt_in_ids", "tgt_out_ids", "tgt_len"):
        assert torch.equal(getattr(both, name)[::2], getattr(batch, name))
        assert torch.equal(getattr(both, name)[1::2], getattr(batch, name))
    assert both.alignment_targets is not None
    dense = torch.zeros(4, 4, 4)
    dense[both.alignment_targets.indices.unbind(0)] = both.alignment_targets.values
    assert dense[0, 0, 1] == dense[1, 0, 1] == 1.0
    assert dense[2, 2, 1] == dense[3, 2, 1] == 0.25
    assert torch.equal(dense[::2], dense[1::2])


@pytest.mark.parametrize(
    "config",
    [
        RNNConfig(decoder="bahdanau", embed_size=8, hidden_size=12, dropout=0.0),
        TransformerConfig(width=16, ff_size=16, heads=2, encoder_layers=1, decoder_layers=1, dropout=0.0),
    ],
)
def test_without_dropout_the_gradients_are_those_of_a_single_pass(config: RNNConfig | TransformerConfig) -> None:
    torch.manual_seed(3)
    model = build_model(config, src_vocab=12, tgt_vocab=12, shared=True, specials=SPECIALS).double().train()
    results = []
    for r_drop in (0.0, 5.0):
        losses = Objective(0.1, r_drop=r_drop).losses(model, example(), Precision("float32", "cpu"))
        gradients = torch.autograd.grad(losses.total, list(model.parameters()))
        results.append([losses.total, losses.loss, losses.nll, *gradients])
    for single, double in zip(*results, strict=True):
        torch.testing.assert_close(single, double)
