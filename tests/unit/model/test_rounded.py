"""A search multiplies few different numbers of rows, and finds what it finds with any number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.model.build import build_model
from regard.model.cells import RecurrentLayer
from regard.model.fast import for_search
from regard.model.rounded import RoundedRows, round_rows, rounded
from regard.model.seq2seq import Seq2Seq
from regard.native.packed import can_pack
from regard.search.beam import BeamOptions, beam_search
from regard.values import Hypothesis, Specials

pytestmark = pytest.mark.skipif(not can_pack(torch.float32), reason="nothing is compiled for its rows here")
MODELS: dict[str, ModelConfig] = {
    "transformer": TransformerConfig(width=32, ff_size=48, heads=4, encoder_layers=1, decoder_layers=2),
    "bahdanau": RNNConfig(
        decoder="bahdanau", embed_size=16, hidden_size=24, attention=AttentionConfig(score="additive")
    ),
    "luong": RNNConfig(decoder="luong", cell="gru", embed_size=16, hidden_size=24),
}


class Double(nn.Module):
    """Notes the rows it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor, added: Tensor | float = 0.0) -> Tensor:
        self.shapes.append(tuple(x.shape))
        return 2 * x + added


def _fast(name: str) -> Seq2Seq:
    torch.manual_seed(5)
    model = build_model(MODELS[name], src_vocab=40, tgt_vocab=40, shared=True, specials=Specials())
    return for_search(model)


def _search(model: Seq2Seq) -> list[list[Hypothesis]]:
    generator = torch.Generator().manual_seed(2)
    src_ids = torch.randint(4, 40, (11, 9), generator=generator)
    src_len = torch.tensor([9, 9, 9, 8, 8, 7, 7, 6, 5, 3, 2])
    src_ids[torch.arange(9) >= src_len[:, None]] = 1
    src_ids[torch.arange(11), src_len - 1] = 3
    limits = torch.arange(12, 23)
    return beam_search(model, src_ids, src_len, max_len=limits, specials=Specials(), options=BeamOptions(beam=3))


def _products(model: Seq2Seq) -> Iterator[RoundedRows]:
    for module in model.modules():
        if isinstance(module, RoundedRows):
            yield module
        if isinstance(module, RecurrentLayer) and module.packed is not None:
            yield from (one for one in (module.packed.late, module.packed.hidden) if isinstance(one, RoundedRows))


def test_round_numbers_are_few_and_near() -> None:
    numbers = [rounded(rows) for rows in range(1, 20_001)]
    assert all(rows <= found <= 1.25 * rows for rows, found in enumerate(numbers, start=1))
    assert numbers == sorted(numbers)
    assert len(set(numbers)) < 60
    assert all(rounded(found) == found for found in numbers)


@pytest.mark.parametrize("shape", [(9, 5), (3, 3, 5), (0, 5), (8, 5)])
def test_a_product_of_any_number_of_rows(shape: tuple[int, ...]) -> None:
    product, x, added = Double(), torch.randn(shape), torch.randn(shape)
    module = RoundedRows(product)
    torch.testing.assert_close(module(x), 2 * x, rtol=0, atol=0)
    torch.testing.assert_close(module(x, added), 2 * x + added, rtol=0, atol=0)
    rows = x.numel() // 5
    assert all(one == (shape if rounded(rows) == rows else (rounded(rows), 5)) for one in product.shapes)


@pytest.mark.parametrize("name", MODELS)
def test_a_search_finds_the_same_by_products_of_few_sizes(name: str) -> None:
    plain, model = _search(_fast(name)), round_rows(_fast(name))
    products = list(_products(model))
    assert len(products) >= 3
    sizes: set[int] = set()
    for one in products:
        one.product.register_forward_pre_hook(lambda _, given: sizes.add(given[0].numel() // given[0].shape[-1]))
    for before, after in zip(plain, _search(model), strict=True):
        assert [one.ids for one in before] == [one.ids for one in after]
        assert [one.score for one in before] == pytest.approx([one.score for one in after], abs=1e-4)
    assert len(sizes) > 5
    assert all(rounded(size) == size for size in sizes)
