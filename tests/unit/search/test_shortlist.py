"""A search with a shortlist equals a search in which all other words are impossible."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.errors import SearchError
from regard.model.build import build_model
from regard.model.packing import pack_for_search
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


def _assert_same(found: list[list[Hypothesis]], expected: list[list[Hypothesis]]) -> None:
    for n_best, expected_n_best in zip(found, expected, strict=True):
        assert [hypothesis.ids for hypothesis in n_best] == [hypothesis.ids for hypothesis in expected_n_best]
        scores = [hypothesis.score for hypothesis in n_best]
        assert scores == pytest.approx([hypothesis.score for hypothesis in expected_n_best], abs=1e-4)
        for hypothesis, expected_hypothesis in zip(n_best, expected_n_best, strict=True):
            for layer, expected_layer in zip(hypothesis.weights, expected_hypothesis.weights, strict=True):
                torch.testing.assert_close(layer, expected_layer, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("name", MODELS)
def test_other_words_are_impossible(name: str, beam: int) -> None:
    model, shortlist = _model(name), _shortlist()
    found = _search(_engine(pack_for_search(model)).with_shortlist(shortlist), beam)
    assert [n_best[0].ids for n_best in found] != [n_best[0].ids for n_best in _search(_engine(model), beam)]
    bias = model.output_bias.detach().clone()
    for source, n_best in zip(SOURCES, found, strict=True):
        words = {*range(4), *shortlist.ranking[:6].tolist(), *shortlist.candidates[[*source, 3]].flatten().tolist()}
        assert 6 < len(words) < SIZE / 2
        with torch.no_grad():
            model.output_bias.copy_(bias)
            model.output_bias[[word for word in range(SIZE) if word not in words]] = -torch.inf
        _assert_same([n_best], _search(_engine(model), beam, [source]))


def test_a_shortlist_of_all_words_changes_nothing() -> None:
    model = _model("rnn")
    full = _engine(pack_for_search(model))
    _assert_same(_search(full.with_shortlist(_shortlist(always=SIZE)), 3), _search(full, 3))


def test_a_model_in_bfloat16() -> None:
    full = _engine(pack_for_search(_model("rnn"), "bfloat16"))
    found, expected = (_search(engine, 1) for engine in (full.with_shortlist(_shortlist(always=SIZE)), full))
    _assert_same(found, expected)


def test_an_ensemble() -> None:
    models = [pack_for_search(_model("rnn", seed)) for seed in (5, 6)]
    shortlist = _shortlist(always=SIZE)
    _assert_same(_search(_engine(Ensemble(models)).with_shortlist(shortlist), 2), _search(_engine(Ensemble(models)), 2))


def test_forced_decoding_ignores_the_shortlist() -> None:
    engine = _engine(pack_for_search(_model("rnn")))
    targets = [[40, 41], [59], [5], [6]]
    [shortlisted, *_] = engine.with_shortlist(_shortlist()).force(SOURCES, targets)
    [full, *_] = engine.force(SOURCES, targets)
    assert shortlisted.ids == full.ids == (40, 41, 3)
    assert shortlisted.score == pytest.approx(full.score)


def test_the_vocabulary_of_a_batch() -> None:
    linked = torch.tensor([[0], [1], [2], [3], [9], [8]])
    shortlist = Shortlist(linked, torch.tensor([3, 0, 1, 2, 7, 6, 5, 4, 8, 9]), 4)
    allowed = shortlist.allowed(torch.tensor([[4, 3], [5, 1]]))
    assert [row.nonzero()[:, 0].tolist() for row in allowed] == [[0, 1, 2, 3, 9], [0, 1, 2, 3, 8]]
    assert shortlist.token_ids(allowed).tolist() == [0, 1, 2, 3, 8, 9]
    first_nine = torch.zeros(1, 40, dtype=torch.bool).index_fill_(1, torch.arange(9), True)
    larger = Shortlist(linked, torch.tensor([*range(9), 30, *(word for word in range(9, 40) if word != 30)]), 4)
    assert larger.token_ids(first_nine).tolist() == [*range(9), 30]  # rounded up with the next word of the ranking


@pytest.mark.parametrize(
    ("linked", "order", "always"),
    [([[4]], [0, 1, 2], 1), ([[-1]], [0, 1], 1), ([[0]], [0, 0], 1), ([[0]], [0, 1], 3)],
)
def test_a_table_with_unknown_words_is_refused(linked: list[list[int]], order: list[int], always: int) -> None:
    with pytest.raises(SearchError, match="expected"):
        Shortlist(torch.tensor(linked), torch.tensor(order), always)
