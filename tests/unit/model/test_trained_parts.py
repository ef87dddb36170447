"""Which weights a training changes: frozen parts, and low-rank updates."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from regard.config.load import load_config
from regard.data.collate import collate
from regard.errors import ConfigError
from regard.model.build import build_model
from regard.model.freezing import freeze, parameters_of_parts
from regard.model.low_rank import add_low_rank_updates, merge_low_rank_updates
from regard.model.seq2seq import Seq2Seq
from regard.store.weights import own_tensors
from regard.values import Specials

SPECIALS = Specials(unk=0, pad=1, bos=2, eos=3)
PRESETS = ("plain", "luong-general", "bahdanau", "transformer-tiny")


def model_of(preset: str, *overrides: str) -> Seq2Seq:
    torch.manual_seed(1)
    config = load_config(preset=preset, overrides=overrides).model
    return build_model(config, src_vocab=40, tgt_vocab=40, shared=True, specials=SPECIALS)


def loss_of(model: Seq2Seq) -> torch.Tensor:
    batch = collate([[5, 6, 7], [8, 9]], [[10, 11], [12, 13, 14]], specials=SPECIALS)
    return model.project(model(batch).hidden).square().mean()


@pytest.mark.parametrize("preset", PRESETS)
def test_parts_are_the_whole_model_without_overlap(preset: str) -> None:
    model = model_of(preset)
    parts = parameters_of_parts(model)
    ids = [id(parameter) for part in parts.values() for parameter in part]
    assert sorted(ids) == sorted({id(parameter) for parameter in model.parameters()})
    assert all(parts[part] for part in ("embeddings", "encoder", "decoder", "output"))
    assert bool(parts["cross-attention"]) == (preset != "plain")


@pytest.mark.parametrize("preset", PRESETS)
def test_frozen_parts_do_not_change(preset: str) -> None:
    model = model_of(preset)
    before = {name: tensor.clone() for name, tensor in own_tensors(model).items()}
    freeze(model, ["embeddings", "encoder"])
    frozen = {id(parameter) for parameter in model.parameters() if not parameter.requires_grad}
    names = {name for name, parameter in model.named_parameters() if id(parameter) in frozen}
    assert "output_weight" in names  # tied to the target embedding
    assert any(name.startswith("encoder.layers.0") for name in names)
    optimizer = torch.optim.SGD([parameter for parameter in model.parameters() if parameter.requires_grad], lr=1.0)
    loss_of(model.eval()).backward()
    optimizer.step()
    changed = {name for name, tensor in own_tensors(model).items() if not torch.equal(tensor, before[name])}
    assert changed
    assert not changed & names


def test_freezing_everything_or_what_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="all parts of the model are frozen"):
        freeze(model_of("bahdanau"), ["embeddings", "encoder", "cross-attention", "decoder", "output"])
    with pytest.raises(ConfigError, match="no parameters of its own in the part 'cross-attention'"):
        freeze(model_of("plain"), ["cross-attention"])


def test_low_rank_updates_are_those_of_the_paper() -> None:
    model = model_of("transformer-tiny").eval()
    plain = copy.deepcopy(model)
    assert add_low_rank_updates(model, rank=3, alpha=6.0) == sum(
        3 * sum(module.weight.shape) for module in plain.modules() if isinstance(module, nn.Linear)
    )
    assert torch.equal(loss_of(model), loss_of(plain))  # B is zero at first
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {name.rsplit(".", 1)[1] for name in trained} == {"a", "b"}
    with torch.no_grad():
        for parameter in trained.values():
            parameter.normal_()
    adapted = loss_of(model)
    name = "encoder.layers.0.feed_forward.widen"
    update = model.get_submodule(f"{name}.parametrizations.weight.0")
    expected = plain.get_parameter(f"{name}.weight") + 6.0 / 3 * update.get_parameter("b") @ update.get_parameter("a")
    merge_low_rank_updates(model)
    torch.testing.assert_close(model.get_parameter(f"{name}.weight"), expected)
    assert sorted(own_tensors(model)) == sorted(own_tensors(plain))
    torch.testing.assert_close(loss_of(model), adapted)


def test_only_the_updates_get_gradients() -> None:
    model = model_of("transformer-tiny", "model.dropout=0")
    add_low_rank_updates(model, rank=2, alpha=2.0)
    loss_of(model).backward()
    with_gradients = {name.rsplit(".", 1)[1] for name, p in model.named_parameters() if p.grad is not None}
    assert with_gradients == {"a", "b"}


def test_a_model_without_updates_stays_as_it_is() -> None:
    model = model_of("bahdanau")
    before = {name: tensor.clone() for name, tensor in own_tensors(model).items()}
    merge_low_rank_updates(model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in own_tensors(model).items())
