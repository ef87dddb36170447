"""Gates of words that a search looks up are those that it would compute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from regard.config.schema import AttentionConfig, RNNConfig
from regard.model import early
from regard.model.build import build_model
from regard.model.fast import for_search
from regard.model.seq2seq import Seq2Seq
from regard.search.beam import BeamOptions, beam_search
from regard.values import Hypothesis, Specials

V = 40
MODELS = {
    f"{decoder} {cell}": RNNConfig.model_validate(
        {
            "decoder": decoder,
            "cell": cell,
            "embed_size": 64,
            "hidden_size": 64,
            "attention": AttentionConfig(score="general"),
        }
    )
    for decoder in ("bahdanau", "luong")
    for cell in ("lstm", "gru", "rnn")
}


def _model(name: str, precision: str = "float32") -> Seq2Seq:
    torch.manual_seed(3)
    model = build_model(MODELS[name], src_vocab=V, tgt_vocab=V, shared=True, specials=Specials()).eval()
    return for_search(model, precision)


def _gates(model: Seq2Seq) -> early.EarlyGates:
    found = model.decoder.early
    assert isinstance(found, early.EarlyGates)
    return found


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("name", MODELS)
def test_looked_up_and_computed_are_alike(name: str, precision: str) -> None:
    model = _model(name, precision)
    gates, ids = _gates(model), torch.randint(0, V, (V - 1,))
    with torch.inference_mode():
        computed = gates(ids)
        assert len(gates._table) == 0  # one word less was asked for than there are
        gates(ids[:1])
        assert len(gates._table) == V
        looked_up = gates(ids)
    torch.testing.assert_close(looked_up, computed, rtol=1e-5, atol=1e-5)


def _search(model: Seq2Seq) -> list[list[Hypothesis]]:
    src_ids: Tensor = torch.randint(4, V, (5, 6), generator=torch.Generator().manual_seed(1))
    src_ids[:, -1] = 3
    lengths, limits = torch.full((5,), 6), torch.full((5,), 12)
    return beam_search(
        model, src_ids, lengths, max_len=limits, specials=Specials(), options=BeamOptions(beam=3, min_len=10)
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_search_finds_the_same_before_and_after(name: str) -> None:
    model = _model(name)
    searches = [_search(model) for _ in range(3)]
    assert len(_gates(model)._table) == V
    for other in searches[1:]:
        for one, found in zip(searches[0], other, strict=True):
            assert one[0].ids == found[0].ids
            assert one[0].score == pytest.approx(found[0].score, abs=1e-4)


def test_a_table_that_is_too_large_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _model("bahdanau lstm")
    monkeypatch.setattr(early, "MOST", V * 4 * 64 * 4 - 1)
    with torch.inference_mode():
        _gates(model)(torch.arange(V))
        assert len(_gates(model)._table) == 0
        monkeypatch.setattr(early, "MOST", V * 4 * 64 * 4)
        _gates(model)(torch.arange(V))
        assert len(_gates(model)._table) == V
