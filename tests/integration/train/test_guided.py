"""Guided attention: the loss against worked examples, the right layer and head, and no cost when it is off."""

from __future__ import annotations

from functools import partial
from math import log

import pytest
import torch
from torch import nn

from regard.config.schema import ModelConfig, RNNConfig, TrainConfig, TransformerConfig
from regard.data.collate import collate
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.train.guided import GuidedAttention
from regard.train.objective import Objective
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.train.step import TrainingStep
from regard.values import AlignmentTargets, Batch, Specials

SPECIALS = Specials()


def guide_of(*places: tuple[int, int, int, float]) -> AlignmentTargets:
    """Alignment targets from `(row, step, column, share)`."""
    table = torch.tensor(places, dtype=torch.float64).view(-1, 4)
    return AlignmentTargets(table[:, :3].long().t(), table[:, 3].float())


def test_the_loss_of_a_worked_example() -> None:
    weights = torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]])[:, None]  # (1, 1, 2, 3)
    guide = guide_of((0, 0, 0, 0.5), (0, 0, 1, 0.5), (0, 1, 1, 1.0))
    expected = -(0.5 * log(0.5) + 0.5 * log(0.25) + log(0.8))
    assert GuidedAttention(1.0).loss((weights,), guide).item() == pytest.approx(expected)
    assert GuidedAttention(1.0).loss((weights,), guide_of()).item() == 0


def test_the_shifted_loss_of_a_worked_example() -> None:
    weights = torch.tensor([[[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]]])[:, None]  # (1, 1, 3, 2), the end's row last
    guide = guide_of((0, 0, 0, 1.0), (0, 1, 1, 1.0))
    expected = -(log(0.25) + log(0.1))
    assert GuidedAttention(1.0, shifted=True).loss((weights,), guide).item() == pytest.approx(expected)


def test_the_loss_of_a_masked_position_is_high_but_finite() -> None:
    weights = torch.tensor([[[[0.0, 1.0]]]], requires_grad=True)
    loss = GuidedAttention(1.0).loss((weights,), guide_of((0, 0, 0, 1.0)))
    loss.backward()
    assert 10 < loss.item() < 100
    assert weights.grad is not None
    assert torch.isfinite(weights.grad).all()


def test_a_tiny_weight_still_has_its_full_gradient() -> None:
    scores = torch.tensor([0.0, 40.0], requires_grad=True)  # the linked position has e⁻⁴⁰ of the attention
    loss = GuidedAttention(1.0).loss((scores.softmax(0).view(1, 1, 1, 2),), guide_of((0, 0, 0, 1.0)))
    loss.backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == pytest.approx([-1.0, 1.0])


@pytest.mark.parametrize(("num_layers", "layer", "expected"), [(1, None, 0), (2, None, 0), (6, None, 4), (6, 5, 5)])
def test_layer_and_head(num_layers: int, layer: int | None, expected: int) -> None:
    weights = tuple(torch.full((1, 3, 1, 1), 0.01 * (number + 1)) for number in range(num_layers))
    weights[expected][0, 1] = 0.5
    guided = GuidedAttention(1.0, layer, 1)
    assert guided.loss(weights, guide_of((0, 0, 0, 1.0))).item() == pytest.approx(log(2))
    of_mean = GuidedAttention(1.0, layer, None).loss(weights, guide_of((0, 0, 0, 1.0))).item()
    assert of_mean == pytest.approx(-log((0.5 + 0.02 * (expected + 1)) / 3))


def test_attention_is_not_guided_by_default() -> None:
    assert GuidedAttention.of(TrainConfig()) is None
    assert GuidedAttention.of(TrainConfig(guided_weight=0.3, guided_layer=2)) == GuidedAttention(0.3, 2, 0)
    shifted = TrainConfig(guided_weight=0.3, guided_shift=True)
    assert GuidedAttention.of(shifted) == GuidedAttention(0.3, None, 0, shifted=True)


MODELS: dict[str, ModelConfig] = {
    "bahdanau": RNNConfig(decoder="bahdanau", embed_size=8, hidden_size=12, dropout=0.0),
    "luong": RNNConfig(decoder="luong", embed_size=8, hidden_size=12, dropout=0.0),
    "transformer": TransformerConfig(width=16, ff_size=16, heads=2, encoder_layers=1, decoder_layers=2, dropout=0.0),
    "recomputed": TransformerConfig(
        width=16, ff_size=16, heads=2, encoder_layers=1, decoder_layers=2, dropout=0.0, recompute=True
    ),
}


def batch_of(guide: AlignmentTargets | None) -> Batch:
    batch = collate([[5, 6, 7], [8, 9]], [[6, 5], [9, 8]], specials=SPECIALS)
    return Batch(
        batch.src_ids, batch.src_len, batch.tgt_in_ids, batch.tgt_out_ids, batch.tgt_len, batch.indices, 6, guide
    )


GUIDE = guide_of((0, 0, 1, 1.0), (0, 1, 0, 1.0), (1, 0, 1, 1.0), (1, 1, 0, 1.0))


def step_of(name: str, guided: GuidedAttention | None) -> tuple[Seq2Seq, TrainingStep]:
    torch.manual_seed(3)
    model = build_model(MODELS[name], src_vocab=12, tgt_vocab=12, shared=True, specials=SPECIALS).train()
    updater = Updater(model, betas=(0.9, 0.98), weight_decay=0.0, clip_norm=0.0)
    return model, TrainingStep(model, updater, Precision("float32", "cpu"), Objective(guided=guided))


@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_is_that_of_both_losses(name: str) -> None:
    """Against autograd of the two losses written out, for each kind of model."""
    batch, guided = batch_of(GUIDE), GuidedAttention(0.7, None, 0)
    model, step = step_of(name, guided)
    step.backward(batch, 6)
    gradients = {key: weight.grad.clone() for key, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    output = model(batch, need_weights=True)
    log_probs = model.project(output.hidden).log_softmax(-1)
    nll = -log_probs.gather(-1, batch.tgt_out_ids[..., None]).sum()
    layer = output.weights[0]
    attention = sum(-layer[b, 0, t, s].log() for b, t, s in GUIDE.indices.t().tolist())
    ((nll + 0.7 * attention) / 6).backward()
    for key, weight in model.named_parameters():
        if weight.grad is not None:
            torch.testing.assert_close(gradients[key], weight.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_attention_goes_where_the_links_point(name: str) -> None:
    model, step = step_of(name, GuidedAttention(1.0))
    for update in range(1, 61):
        step([batch_of(GUIDE)], 0.02, update=update)
    with torch.no_grad():
        layer = model.eval()(batch_of(None), need_weights=True).weights[0]
    rows, steps, columns = GUIDE.indices
    assert layer[rows, 0, steps, columns].min() > 0.9


def note_request(requested: list[bool], _: nn.Module, args: tuple[object, ...], options: dict[str, bool]) -> None:
    requested.append(options.get("need_weights", False))


def test_without_guided_attention_no_weights_are_computed() -> None:
    """Attention weights are requested only with a loss weight and with links."""
    for guided, guide in ((None, GUIDE), (GuidedAttention(1.0), None)):
        model, step = step_of("transformer", guided)
        requested: list[bool] = []
        hook = partial(note_request, requested)
        handle = model.decoder.register_forward_pre_hook(hook, with_kwargs=True)
        step([batch_of(guide)], 0.01, update=1)
        handle.remove()
        assert requested == [False]
