"""A search within a shortlist is a search in which all other words are impossible."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.errors import SearchError
from regard.model.build import build_model
from regard.model.fast import for_search
from regard.model.seq2seq import Seq2Seq
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.ensemble import Ensemble
from regard.search.shortlist import Shortlist
from regard.values import Hypothesis, Specials

SIZE = 60
MODELS: dict[str, ModelConfig] = {
    "transformer": TransformerConfig(width=32, ff_size=48, heads=4, encoder_layers=1, decoder_layers=1),
    "rnn": RNNConfig(embed_size=16, hidden_size=24),
}
SOURCES = [[7, 8, 9], [10, 7], [30], [8, 8, 8, 31, 12]]


def _model(name: str, seed: int = 5) -> Seq2Seq:
    torch.manual_seed(seed)
    return build_model(MODELS[name], src_vocab=SIZE, tgt_vocab=SIZE, shared=True, specials=Specials()).eval()


def _shortlist(*, links: int = 2, always: int = 6) -> Shortlist:
    generator = torch.Generator().manual_seed(3)
    linked = torch.randint(4, SIZE, (SIZE, links), generator=generator)
    order = torch.cat((torch.arange(4), 4 + torch.randperm(SIZE - 4, generator=generator)))
    return Shortlist(linked, order, always)


def _search(engine: StepEngine, beam: int, sources: Sequence[list[int]] = SOURCES) -> list[list[Hypothesis]]:
    options = BeamOptions(beam=beam, n_best=min(beam, 2))
    return engine.search(sources, [9] * len(sources), options, need_weights=True)


def _engine(model: Seq2Seq | Ensemble) -> StepEngine:
    return StepEngine(model, src_specials=Specials(), tgt_specials=Specials(), workers=1)


def _same(found: list[list[Hypothesis]], expected: list[list[Hypothesis]]) -> None:
    for left, right in zip(found, expected, strict=True):
        assert [one.ids for one in left] == [one.ids for one in right]
        assert [one.score for one in left] == pytest.approx([one.score for one in right], abs=1e-4)
        for one, other in zip(left, right, strict=True):
            for found_weights, weights in zip(one.weights, other.weights, strict=True):
                torch.testing.assert_close(found_weights, weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("name", MODELS)
def test_other_words_are_impossible(name: str, beam: int) -> None:
    model, shortlist = _model(name), _shortlist()
    found = _search(_engine(for_search(model)).with_shortlist(shortlist), beam)
    assert [each[0].ids for each in found] != [each[0].ids for each in _search(_engine(model), beam)]
    bias = model.output_bias.detach().clone()
    for source, here in zip(SOURCES, found, strict=True):
        words = {*range(4), *shortlist.ranking[:6].tolist(), *shortlist.candidates[[*source, 3]].flatten().tolist()}
        assert 6 < len(words) < SIZE / 2
        with torch.no_grad():
            model.output_bias.copy_(bias)
            model.output_bias[[one for one in range(SIZE) if one not in words]] = -torch.inf
        _same([here], _search(_engine(model), beam, [source]))


def test_all_words_are_no_limit() -> None:
    model = _model("rnn")
    whole = _engine(for_search(model))
    _same(_search(whole.with_shortlist(_shortlist(always=SIZE)), 3), _search(whole, 3))


def test_bfloat16_stays_bfloat16() -> None:
    whole = _engine(for_search(_model("rnn"), "bfloat16"))
    found, expected = (_search(one, 1) for one in (whole.with_shortlist(_shortlist(always=SIZE)), whole))
    _same(found, expected)


def test_an_ensemble_keeps_to_it() -> None:
    models = [for_search(_model("rnn", seed)) for seed in (5, 6)]
    shortlist = _shortlist(always=SIZE)
    _same(_search(_engine(Ensemble(models)).with_shortlist(shortlist), 2), _search(_engine(Ensemble(models)), 2))


def test_given_translations_may_say_anything() -> None:
    engine = _engine(for_search(_model("rnn")))
    targets = [[40, 41], [59], [5], [6]]
    [one, *_] = engine.with_shortlist(_shortlist()).force(SOURCES, targets)
    [other, *_] = engine.force(SOURCES, targets)
    assert one.ids == other.ids == (40, 41, 3)
    assert one.score == pytest.approx(other.score)


def test_the_words_of_a_batch() -> None:
    linked = torch.tensor([[0], [1], [2], [3], [9], [8]])
    shortlist = Shortlist(linked, torch.tensor([3, 0, 1, 2, 7, 6, 5, 4, 8, 9]), 4)
    allowed = shortlist.allowed(torch.tensor([[4, 3], [5, 1]]))
    assert [row.nonzero()[:, 0].tolist() for row in allowed] == [[0, 1, 2, 3, 9], [0, 1, 2, 3, 8]]
    assert shortlist.token_ids(allowed).tolist() == [0, 1, 2, 3, 8, 9]
    every = torch.zeros(1, 40, dtype=torch.bool).index_fill_(1, torch.arange(9), True)
    many = Shortlist(linked, torch.tensor([*range(9), 30, *(one for one in range(9, 40) if one != 30)]), 4)
    assert many.token_ids(every).tolist() == [*range(9), 30]  # made a round number by the next in order


@pytest.mark.parametrize(
    ("linked", "order", "always"),
    [([[4]], [0, 1, 2], 1), ([[-1]], [0, 1], 1), ([[0]], [0, 0], 1), ([[0]], [0, 1], 3)],
)
def test_a_table_of_other_words_is_refused(linked: list[list[int]], order: list[int], always: int) -> None:
    with pytest.raises(SearchError, match="expected"):
        Shortlist(torch.tensor(linked), torch.tensor(order), always)
