"""With padded rows, a search multiplies few different numbers of rows and finds the same translations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.model.build import build_model
from regard.model.cells import RecurrentLayer
from regard.model.packing import pack_for_search
from regard.model.row_padding import PaddedRows, pad_rows, round_up
from regard.model.seq2seq import Seq2Seq
from regard.native.packed import can_pack
from regard.search.beam import BeamOptions, beam_search
from regard.values import Hypothesis, Specials

pytestmark = pytest.mark.skipif(not can_pack(torch.float32), reason="oneDNN compiles no products here")
MODELS: dict[str, ModelConfig] = {
    "transformer": TransformerConfig(width=32, ff_size=48, heads=4, encoder_layers=1, decoder_layers=2),
    "bahdanau": RNNConfig(
        decoder="bahdanau", embed_size=16, hidden_size=24, attention=AttentionConfig(score="additive")
    ),
    "luong": RNNConfig(decoder="luong", cell="gru", embed_size=16, hidden_size=24),
}


class Double(nn.Module):
    """Doubles its input and records its shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor, added: Tensor | float = 0.0) -> Tensor:
        self.shapes.append(tuple(x.shape))
        return 2 * x + added


def _packed(name: str) -> Seq2Seq:
    torch.manual_seed(5)
    model = build_model(MODELS[name], src_vocab=40, tgt_vocab=40, shared=True, specials=Specials())
    return pack_for_search(model)


def _search(model: Seq2Seq) -> list[list[Hypothesis]]:
    generator = torch.Generator().manual_seed(2)
    src_ids = torch.randint(4, 40, (11, 9), generator=generator)
    src_len = torch.tensor([9, 9, 9, 8, 8, 7, 7, 6, 5, 3, 2])
    src_ids[torch.arange(9) >= src_len[:, None]] = 1
    src_ids[torch.arange(11), src_len - 1] = 3
    limits = torch.arange(12, 23)
    return beam_search(model, src_ids, src_len, max_len=limits, specials=Specials(), options=BeamOptions(beam=3))


def _products(model: Seq2Seq) -> Iterator[PaddedRows]:
    for module in model.modules():
        if isinstance(module, PaddedRows):
            yield module
        if isinstance(module, RecurrentLayer) and module.packed is not None:
            yield from (
                weight
                for weight in (module.packed.step_weight, module.packed.hidden_weight)
                if isinstance(weight, PaddedRows)
            )


def test_round_numbers_are_few_and_close() -> None:
    numbers = [round_up(rows) for rows in range(1, 20_001)]
    assert all(rows <= number <= 1.25 * rows for rows, number in enumerate(numbers, start=1))
    assert numbers == sorted(numbers)
    assert len(set(numbers)) < 60
    assert all(round_up(number) == number for number in numbers)


@pytest.mark.parametrize("shape", [(9, 5), (3, 3, 5), (0, 5), (8, 5)])
def test_a_padded_product_works_for_any_number_of_rows(shape: tuple[int, ...]) -> None:
    product, x, added = Double(), torch.randn(shape), torch.randn(shape)
    module = PaddedRows(product)
    torch.testing.assert_close(module(x), 2 * x, rtol=0, atol=0)
    torch.testing.assert_close(module(x, added), 2 * x + added, rtol=0, atol=0)
    rows = x.numel() // 5
    assert all(x_shape == (shape if round_up(rows) == rows else (round_up(rows), 5)) for x_shape in product.shapes)


@pytest.mark.parametrize("name", MODELS)
def test_a_search_with_padded_rows_finds_the_same(name: str) -> None:
    expected, model = _search(_packed(name)), pad_rows(_packed(name))
    products = list(_products(model))
    assert len(products) >= 3
    sizes: set[int] = set()
    for padded in products:
        padded.product.register_forward_pre_hook(lambda _, args: sizes.add(args[0].numel() // args[0].shape[-1]))
    for before, after in zip(expected, _search(model), strict=True):
        assert [hypothesis.ids for hypothesis in before] == [hypothesis.ids for hypothesis in after]
        scores = [hypothesis.score for hypothesis in after]
        assert [hypothesis.score for hypothesis in before] == pytest.approx(scores, abs=1e-4)
    assert len(sizes) > 5
    assert all(round_up(size) == size for size in sizes)
