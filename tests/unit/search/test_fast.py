"""A packed model for search finds the same translations, and the original model is unchanged."""

from __future__ import annotations

import pytest
import torch

from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.errors import SearchError
from regard.model.build import build_model
from regard.model.cells import RecurrentLayer
from regard.model.packed_decoder import PackedDecoder
from regard.model.packing import pack_for_search
from regard.model.seq2seq import Seq2Seq
from regard.native import kernel
from regard.native.packed import PackedLinear
from regard.search.beam import beam_search
from regard.values import Hypothesis, Specials

RNN = RNNConfig(embed_size=16, hidden_size=24, encoder_layers=1, decoder_layers=2)
MODELS: dict[str, ModelConfig] = {
    "transformer": TransformerConfig(width=32, ff_size=48, heads=4, encoder_layers=2, decoder_layers=2),
    **{
        f"{decoder} {cell}": RNN.model_copy(update={"decoder": decoder, "cell": cell, "attention": attention})
        for decoder, attention in (
            ("bahdanau", AttentionConfig(score="additive")),
            ("luong", AttentionConfig(score="general")),
            ("plain", AttentionConfig()),
        )
        for cell in ("rnn", "lstm", "gru")
    },
}


def _model(name: str) -> Seq2Seq:
    torch.manual_seed(5)
    return build_model(MODELS[name], src_vocab=30, tgt_vocab=30, shared=True, specials=Specials()).eval()


def _search(model: Seq2Seq) -> list[list[Hypothesis]]:
    generator = torch.Generator().manual_seed(2)
    src_ids = torch.randint(4, 30, (5, 7), generator=generator)
    src_len = torch.tensor([7, 7, 6, 4, 2])
    src_ids[torch.arange(7) >= src_len[:, None]] = 1
    src_ids[torch.arange(5), src_len - 1] = 3
    limits = torch.full((5,), 9)
    return beam_search(model, src_ids, src_len, max_len=limits, specials=Specials(), need_weights=True)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_translations_are_found(name: str) -> None:
    model = _model(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for slow, fast in zip(_search(model), _search(pack_for_search(model)), strict=True):
        assert [hypothesis.ids for hypothesis in slow] == [hypothesis.ids for hypothesis in fast]
        for expected, found in zip(slow, fast, strict=True):
            assert expected.score == pytest.approx(found.score, abs=1e-5)
            for expected_layer, layer in zip(expected.weights, found.weights, strict=True):
                torch.testing.assert_close(expected_layer, layer, rtol=1e-5, atol=1e-5)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", [name for name in MODELS if not name.startswith(("transformer", "plain"))])
def test_the_products_of_every_step_are_packed(name: str) -> None:
    model = _model(name)
    assert all(parameter.requires_grad for parameter in model.parameters())  # as after training or loading
    layers = [layer for layer in pack_for_search(model).decoder.modules() if isinstance(layer, RecurrentLayer)]
    products = [
        product
        for layer in layers
        if layer.packed
        for product in (layer.packed.step_weight, layer.packed.hidden_weight)
    ]
    assert len(layers) == 2
    assert len(products) == 4
    for product in products:
        assert product is None or isinstance(product, PackedLinear) or not product.numel()  # type: ignore[operator, union-attr]


def test_weights_that_are_not_packed_are_shared() -> None:
    model = _model("transformer")
    assert pack_for_search(model).output_weight is model.output_weight


@pytest.mark.parametrize("name", MODELS)
def test_the_error_of_bfloat16_is_small(name: str) -> None:
    model = _model(name)
    hidden = torch.randn(3, model.decoder.output_size)
    with torch.inference_mode():
        wide, narrow = model.project(hidden), pack_for_search(model, "bfloat16").project(hidden)
    assert 0 < (wide - narrow).abs().max() < 0.1 * wide.abs().max()


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(SearchError, match="float16"):
        pack_for_search(_model("transformer"), "float16")


def test_the_packed_decoder_is_used_only_for_supported_transformers() -> None:
    if kernel("attend_rows", torch.zeros(1)) is None:
        pytest.skip("nothing was compiled here")
    assert isinstance(pack_for_search(_model("transformer")).decoder, PackedDecoder)
    for changes in ({"cross_score": "additive"}, {"normalizer": "sparsemax"}):
        config = TransformerConfig.model_validate({**MODELS["transformer"].model_dump(), **changes})
        other = build_model(config, src_vocab=30, tgt_vocab=30, shared=True, specials=Specials()).eval()
        assert not isinstance(pack_for_search(other).decoder, PackedDecoder)
        for slow, fast in zip(_search(other), _search(pack_for_search(other)), strict=True):
            assert [hypothesis.ids for hypothesis in slow] == [hypothesis.ids for hypothesis in fast]
