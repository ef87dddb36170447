"""Gradients per source position, against finite differences of the log-probability."""

from __future__ import annotations

import pytest
import torch

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.data.collate import collate
from regard.inspection.gradients import source_gradients
from regard.model.build import build_model
from regard.values import Specials

CONFIGS: dict[str, ModelConfig] = {
    "plain": RNNConfig(decoder="plain", embed_size=4, hidden_size=6, dropout=0.0),
    "bahdanau": RNNConfig(decoder="bahdanau", embed_size=4, hidden_size=6, dropout=0.0),
    "transformer": TransformerConfig(width=8, ff_size=8, heads=2, encoder_layers=1, decoder_layers=1, dropout=0.0),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_match_finite_differences(name: str) -> None:
    torch.manual_seed(1)
    model = build_model(CONFIGS[name], src_vocab=12, tgt_vocab=12, shared=False).double().eval()
    batch = collate([[4, 5, 6], [7]], [[8, 9], [10, 11]], specials=Specials())
    gradients = source_gradients(model, batch)
    assert gradients.shape == (2, 3, 4)
    assert gradients[1, :, 2:].max() == 0.0, "padding has no gradient"
    # Finite differences for a word's embedding: each id occurs once, so its table row belongs to that word alone.
    table = next(m for m in model.encoder.modules() if isinstance(m, torch.nn.Embedding)).weight
    for sentence, position, t in ((0, 0, 2), (0, 2, 0), (1, 0, 1)):
        row, word = batch.src_ids[sentence, position], batch.tgt_out_ids[sentence, t]
        slopes = []
        for d in range(table.shape[1]):
            ends = []
            for sign in (1, -1):
                with torch.no_grad():
                    table[row, d] += sign * 1e-5
                    log_probs = model.project(model(batch).hidden).log_softmax(-1)
                    table[row, d] -= sign * 1e-5
                ends.append(log_probs[sentence, t, word].item())
            slopes.append((ends[0] - ends[1]) / 2e-5)
        assert gradients[sentence, t, position].item() == pytest.approx(torch.tensor(slopes).norm().item(), rel=1e-3)
