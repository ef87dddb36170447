"""A search in 8 bits: what the same rounding gives in float64, nothing of the model changed, nothing kept twice."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import Tensor, nn

from regard import native
from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.errors import SearchError
from regard.model.build import build_model
from regard.model.cells import RecurrentLayer
from regard.model.fast import for_search
from regard.model.rnn_encoder import RoundedLSTM
from regard.model.rounded import round_rows
from regard.model.seq2seq import Seq2Seq
from regard.native.int8 import Int8Linear, has_int8
from regard.native.packed import PackedLinear
from regard.search.beam import BeamOptions, beam_search
from regard.search.engine import StepEngine
from regard.search.shortlist import Shortlist
from regard.values import Hypothesis, Specials

if not has_int8():
    pytest.skip("nothing was compiled here", allow_module_level=True)

V = 70
RNN = RNNConfig(embed_size=64, hidden_size=96, encoder_layers=2, decoder_layers=2)
MODELS: dict[str, ModelConfig] = {
    "transformer": TransformerConfig(width=64, ff_size=96, heads=4, encoder_layers=2, decoder_layers=2),
    "transformer, no kernel for its attention": TransformerConfig(
        width=64, ff_size=96, heads=4, encoder_layers=1, decoder_layers=2, cross_score="additive", activation="swiglu"
    ),
    **{
        f"{decoder} {cell}": RNN.model_copy(update={"decoder": decoder, "cell": cell, "attention": attention})
        for decoder, attention in (
            ("bahdanau", AttentionConfig(score="additive")),
            ("luong", AttentionConfig(score="general")),
            ("plain", AttentionConfig()),
        )
        for cell in ("lstm", "gru", "rnn")
    },
}


class Simulated(nn.Module):
    """What `Int8Linear` is meant to compute, its rounding in float32 and all that follows in float64."""

    def __init__(self, product: Int8Linear) -> None:
        super().__init__()
        factors, scales, bias = product.unpacked()
        self.weight = factors.double() * scales[:, None].double()
        self.constant = torch.zeros(()) if bias is None else bias.double()
        self.relu = product.relu

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        low, high = x.amin(-1, keepdim=True).clamp(max=0), x.amax(-1, keepdim=True).clamp(min=0)
        span = high - low
        zero = (-low * (255 / span)).round()
        given = ((x * (255 / span)).round() + zero).clamp(0, 255) - zero
        y = (given.double() * (span / 255).double()) @ self.weight.T + self.constant
        y = (y.relu() if self.relu else y).float()
        return y if added is None else added + y


def _model(name: str) -> Seq2Seq:
    torch.manual_seed(7)
    model = build_model(MODELS[name], src_vocab=V, tgt_vocab=V, shared=True, specials=Specials()).eval()
    with torch.no_grad():
        model.output_weight *= 4.0  # so that the top_log_probs words are not nearly as likely as others
    return model


def _sources() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    src_ids = torch.randint(4, V, (6, 9), generator=generator)
    src_len = torch.tensor([9, 9, 7, 5, 3, 2])
    src_ids[torch.arange(9) >= src_len[:, None]] = 1
    src_ids[torch.arange(6), src_len - 1] = 3
    return src_ids, src_len


def _search(model: Seq2Seq) -> list[list[Hypothesis]]:
    src_ids, src_len = _sources()
    options = BeamOptions(beam=3, n_best=2)
    return beam_search(model, src_ids, src_len, max_len=torch.full((6,), 12), specials=Specials(), options=options)


def _simulate(model: Seq2Seq) -> int:
    """Puts a `Simulated` in place of every product of a model; how many there were."""
    count = 0
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Int8Linear):
                setattr(module, name, Simulated(child))
                count += 1
        if isinstance(module, RecurrentLayer) and module.packed is not None:
            for name in ("late", "hidden"):
                product = getattr(module.packed, name)
                if isinstance(product, Int8Linear):
                    object.__setattr__(module.packed, name, Simulated(product))
                    count += 1
    return count


@pytest.mark.parametrize("name", MODELS)
def test_finds_what_the_same_rounding_finds_in_float64(name: str, kernels: str) -> None:
    model = _model(name)
    found, simulated = _search(for_search(model, "int8")), for_search(model, "int8")
    assert _simulate(simulated) >= 5
    for one, other in zip(found, _search(simulated), strict=True):
        assert one[0].ids == other[0].ids
        assert one[0].score == pytest.approx(other[0].score, abs=0.05)


def _read_as_they_are(model: Seq2Seq) -> list[Tensor]:
    """What a search needs in float32: tables, and the weights of encoders that PyTorch runs."""
    tables = [one for one in model.modules() if isinstance(one, nn.Embedding)]
    layers = [one for one in model.encoder.modules() if isinstance(one, nn.GRU | nn.RNN)]
    return [value for one in (*tables, *layers) for value in one.parameters()]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_left_alone_and_its_matrices_are_kept_by_nobody(name: str) -> None:
    model = _model(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    needs = [one.requires_grad for one in model.parameters()]
    wide = model.project(torch.ones(1, model.decoder.output_size))
    fast = for_search(model, "int8")
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert needs == [one.requires_grad for one in model.parameters()]
    assert torch.equal(model.project(torch.ones(1, model.decoder.output_size)), wide)
    matrices = {key: weakref.ref(value) for key, value in model.named_parameters() if value.numel() >= 1 << 12}
    kept = {key for key, value in model.named_parameters() for one in _read_as_they_are(model) if one is value}
    assert len(matrices) >= 4
    del model, after
    gc.collect()
    assert {key for key, one in matrices.items() if one() is not None} == kept & matrices.keys()
    _search(fast)


@pytest.mark.parametrize("name", MODELS)
def test_is_near_float32_and_not_the_same(name: str) -> None:
    model = _model(name)
    src_ids, src_len = _sources()
    with torch.inference_mode():
        wide, narrow = (
            one.step(torch.full((6,), 2), one.start(src_ids, src_len))[0].logits
            for one in (for_search(model), for_search(model, "int8"))
        )
    assert 0 < (wide - narrow).abs().max() < 0.1 * wide.abs().max()


@pytest.mark.parametrize("name", ["luong lstm", "plain gru", "plain rnn"])
def test_a_whole_target_is_read_as_step_by_step(name: str) -> None:
    fast, (src_ids, src_len) = for_search(_model(name), "int8"), _sources()
    ids = torch.randint(4, V, (6, 5))
    with torch.inference_mode():
        encoded = fast.encode(src_ids, src_len)
        state, steps = fast.decoder.start(encoded), []
        for one in ids.unbind(1):
            output, state = fast.decoder.step(one, state)
            steps.append(output.hidden)
        torch.testing.assert_close(fast.decoder(ids, encoded).hidden, torch.cat(steps, dim=1), rtol=0, atol=0.02)


@pytest.mark.parametrize("name", ["transformer", "bahdanau lstm"])
def test_neighbors_change_nothing(name: str) -> None:
    engine = StepEngine(for_search(_model(name), "int8"), src_specials=Specials(), tgt_specials=Specials(), workers=1)
    sources = [[7, 8, 9], [10, 7], [30], [8, 8, 8, 31, 12, 40, 41]]

    def search(some: list[list[int]]) -> list[Hypothesis]:
        found = engine.search(some, [9] * len(some), BeamOptions(beam=3), need_weights=False)
        return [one[0] for one in found]

    together = search(sources)
    alone = [one for source in sources for one in search([source])]
    assert [one.ids for one in together] == [one.ids for one in alone]
    assert [one.score for one in together] == pytest.approx([one.score for one in alone], abs=0.02)


def test_a_shortlist_takes_rows_that_are_rounded_already() -> None:
    model = for_search(_model("bahdanau lstm"), "int8")
    engine = StepEngine(model, src_specials=Specials(), tgt_specials=Specials(), workers=1)
    every = Shortlist(torch.zeros(V, 1, dtype=torch.int64), torch.arange(V), V)
    sources, options = [[7, 8, 9], [10, 7], [30]], BeamOptions(beam=3)
    whole, within = (
        one.search(sources, [9] * 3, options, need_weights=False) for one in (engine, engine.with_shortlist(every))
    )
    assert [one[0].ids for one in whole] == [one[0].ids for one in within]
    assert [one[0].score for one in whole] == [one[0].score for one in within]


def test_small_matrices_stay_in_float32_and_rounding_rows_leaves_bytes_alone() -> None:
    model = round_rows(for_search(_model("luong lstm"), "int8"))
    kinds = {type(one) for one in model.modules()}
    assert Int8Linear in kinds
    assert RoundedLSTM in kinds
    assert isinstance(model.output_map, Int8Linear)
    small = RNN.model_copy(update={"embed_size": 16, "hidden_size": 24})
    narrow = build_model(small, src_vocab=V, tgt_vocab=V, shared=True, specials=Specials()).eval()
    assert isinstance(for_search(narrow, "int8").output_map, PackedLinear)


def test_a_machine_that_cannot_says_so() -> None:
    model = _model("luong lstm")
    with native.limited_to(None), pytest.raises(SearchError, match="expected compiled kernels for int8, but"):
        for_search(model, "int8")
    with pytest.raises(SearchError, match=r"expected a model on the CPU for int8.* on meta"):
        for_search(model.to("meta"), "int8")
