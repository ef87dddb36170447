"""Search in 8 bits: equal to a simulation in float64, with the model unchanged and no float32 copies."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from regard import native
from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.errors import SearchError
from regard.model.build import build_model
from regard.model.cells import RecurrentLayer
from regard.model.packing import pack_for_search
from regard.model.rnn_encoder import QuantizedLSTM
from regard.model.row_padding import pad_rows
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
    """Simulates `Int8Linear`: quantization in float32, everything else in float64."""

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
        quantized = ((x * (255 / span)).round() + zero).clamp(0, 255) - zero
        y = (quantized.double() * (span / 255).double()) @ self.weight.T + self.constant
        y = (y.relu() if self.relu else y).float()
        return y if added is None else added + y


def _model(name: str) -> Seq2Seq:
    torch.manual_seed(7)
    model = build_model(MODELS[name], src_vocab=V, tgt_vocab=V, shared=True, specials=Specials()).eval()
    with torch.no_grad():
        model.output_weight.mul_(4.0)  # so that the most probable words are clearly more probable than others
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
    """Replaces every 8-bit product of a model by a simulation; returns their number."""
    count = 0
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Int8Linear):
                setattr(module, name, Simulated(child))
                count += 1
        if isinstance(module, RecurrentLayer) and module.packed is not None:
            for name in ("step_weight", "hidden_weight"):
                product = getattr(module.packed, name)
                if isinstance(product, Int8Linear):
                    object.__setattr__(module.packed, name, Simulated(product))
                    count += 1
    return count


@pytest.mark.parametrize("name", MODELS)
def test_a_simulation_in_float64_finds_the_same(name: str, kernels: str) -> None:
    model = _model(name)
    found, simulated = _search(pack_for_search(model, "int8")), pack_for_search(model, "int8")
    assert _simulate(simulated) >= 5
    for n_best, expected in zip(found, _search(simulated), strict=True):
        assert n_best[0].ids == expected[0].ids
        assert n_best[0].score == pytest.approx(expected[0].score, abs=0.05)


def _kept_in_float32(model: Seq2Seq) -> list[Tensor]:
    """The parameters that a search needs in float32: embeddings, and encoders that PyTorch runs."""
    embeddings = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    layers = [module for module in model.encoder.modules() if isinstance(module, nn.GRU | nn.RNN)]
    return [parameter for module in (*embeddings, *layers) for parameter in module.parameters()]


@pytest.fixture
def only_new_garbage() -> Iterator[None]:
    """The garbage collector skips the objects of imported modules, which take it half a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.usefixtures("only_new_garbage")
def test_the_model_is_unchanged_and_its_matrices_can_be_freed(name: str) -> None:
    model = _model(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    requires_grad = [parameter.requires_grad for parameter in model.parameters()]
    wide = model.project(torch.ones(1, model.decoder.output_size))
    fast = pack_for_search(model, "int8")
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert requires_grad == [parameter.requires_grad for parameter in model.parameters()]
    assert torch.equal(model.project(torch.ones(1, model.decoder.output_size)), wide)
    matrices = {key: weakref.ref(value) for key, value in model.named_parameters() if value.numel() >= 1 << 12}
    kept = {key for key, value in model.named_parameters() if any(value is x for x in _kept_in_float32(model))}
    assert len(matrices) >= 4
    del model, after
    gc.collect()
    assert {key for key, reference in matrices.items() if reference() is not None} == kept & matrices.keys()
    _search(fast)


@pytest.mark.parametrize("name", MODELS)
def test_the_difference_from_float32_is_small_and_not_zero(name: str) -> None:
    model = _model(name)
    src_ids, src_len = _sources()
    with torch.inference_mode():
        wide, narrow = (
            fast.step(torch.full((6,), 2), fast.start(src_ids, src_len))[0].logits
            for fast in (pack_for_search(model), pack_for_search(model, "int8"))
        )
    assert 0 < (wide - narrow).abs().max() < 0.1 * wide.abs().max()


@pytest.mark.parametrize("name", ["luong lstm", "plain gru", "plain rnn"])
def test_reading_a_whole_target_equals_stepping(name: str) -> None:
    fast, (src_ids, src_len) = pack_for_search(_model(name), "int8"), _sources()
    ids = torch.randint(4, V, (6, 5))
    with torch.inference_mode():
        encoded = fast.encode(src_ids, src_len)
        state, steps = fast.decoder.start(encoded), []
        for step_ids in ids.unbind(1):
            output, state = fast.decoder.step(step_ids, state)
            steps.append(output.hidden)
        torch.testing.assert_close(fast.decoder(ids, encoded).hidden, torch.cat(steps, dim=1), rtol=0, atol=0.02)


@pytest.mark.parametrize("name", ["transformer", "bahdanau lstm"])
def test_other_sentences_of_a_batch_change_nothing(name: str) -> None:
    engine = StepEngine(
        pack_for_search(_model(name), "int8"), src_specials=Specials(), tgt_specials=Specials(), workers=1
    )
    sources = [[7, 8, 9], [10, 7], [30], [8, 8, 8, 31, 12, 40, 41]]

    def search(batch: list[list[int]]) -> list[Hypothesis]:
        found = engine.search(batch, [9] * len(batch), BeamOptions(beam=3), need_weights=False)
        return [n_best[0] for n_best in found]

    together = search(sources)
    alone = [hypothesis for source in sources for hypothesis in search([source])]
    assert [hypothesis.ids for hypothesis in together] == [hypothesis.ids for hypothesis in alone]
    scores = [hypothesis.score for hypothesis in together]
    assert scores == pytest.approx([hypothesis.score for hypothesis in alone], abs=0.02)


def test_a_shortlist_selects_rows_of_the_quantized_output_layer() -> None:
    model = pack_for_search(_model("bahdanau lstm"), "int8")
    engine = StepEngine(model, src_specials=Specials(), tgt_specials=Specials(), workers=1)
    all_words = Shortlist(torch.zeros(V, 1, dtype=torch.int64), torch.arange(V), V)
    sources, options = [[7, 8, 9], [10, 7], [30]], BeamOptions(beam=3)
    full, shortlisted = (
        variant.search(sources, [9] * 3, options, need_weights=False)
        for variant in (engine, engine.with_shortlist(all_words))
    )
    assert [n_best[0].ids for n_best in full] == [n_best[0].ids for n_best in shortlisted]
    assert [n_best[0].score for n_best in full] == [n_best[0].score for n_best in shortlisted]


def test_small_matrices_stay_in_float32_and_round_rows_keeps_int8() -> None:
    model = pad_rows(pack_for_search(_model("luong lstm"), "int8"))
    types = {type(module) for module in model.modules()}
    assert Int8Linear in types
    assert QuantizedLSTM in types
    assert isinstance(model.output_map, Int8Linear)
    small = RNN.model_copy(update={"embed_size": 16, "hidden_size": 24})
    narrow = build_model(small, src_vocab=V, tgt_vocab=V, shared=True, specials=Specials()).eval()
    assert isinstance(pack_for_search(narrow, "int8").output_map, PackedLinear)


def test_machines_without_int8_kernels_are_refused() -> None:
    model = _model("luong lstm")
    with native.disabled(), pytest.raises(SearchError, match="expected compiled kernels for int8, but"):
        pack_for_search(model, "int8")
    with pytest.raises(SearchError, match=r"expected a model on the CPU for int8.* on meta"):
        pack_for_search(model.to("meta"), "int8")
