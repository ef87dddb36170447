"""What decoders and layers refuse: states of other decoders, and encoders that do not fit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.errors import ConfigError
from regard.model import packed_decoder, transformer
from regard.model.build import build_model
from regard.model.cells import PackedCell
from regard.model.decoder import State
from regard.model.low_rank import add_low_rank_updates
from regard.model.lstm import lstm_cell
from regard.model.packed_decoder import PackedDecoder
from regard.model.seq2seq import Seq2Seq
from regard.model.transformer import TransformerDecoder
from regard.native import disabled
from regard.values import EncoderOutput, Memory, Specials

RNN = {"embed_size": 4, "hidden_size": 6}
TRANSFORMER = TransformerConfig(width=8, ff_size=8, heads=2, encoder_layers=1, decoder_layers=1)


class ForeignState(State):
    """A state of another decoder."""


def model_of(config: ModelConfig) -> Seq2Seq:
    return build_model(config, src_vocab=9, tgt_vocab=9, shared=True, specials=Specials()).eval()


@pytest.mark.parametrize("decoder", ["plain", "luong", "bahdanau"])
def test_a_recurrent_decoder_needs_the_final_states_of_the_encoder(decoder: str) -> None:
    model = model_of(RNNConfig.model_validate({**RNN, "decoder": decoder}))
    encoded = EncoderOutput(torch.zeros(1, 2, 6), torch.ones(1, 1, 1, 2, dtype=torch.bool), final=None)
    with pytest.raises(AssertionError, match="needs the final states of an RNN encoder"):
        model.decoder.start(encoded)


def test_transformer_decoders_refuse_states_of_other_decoders() -> None:
    decoder = model_of(TRANSFORMER).decoder
    assert isinstance(decoder, TransformerDecoder)
    for own, name in ((decoder, "TransformerState"), (PackedDecoder(decoder), "PackedDecoderState")):
        with pytest.raises(AssertionError, match=f"expected a state of this decoder, a {name}, got ForeignState"):
            own.step(torch.tensor([1]), ForeignState())


def test_decoders_refuse_caches_of_other_decoders() -> None:
    memory = Memory(torch.zeros(1, 2, 1, 4), torch.zeros(1, 2, 1, 4))
    with pytest.raises(AssertionError, match=r"expected past keys and values of type Memory, .* got str"):
        transformer._concatenate("cache", memory)  # type: ignore[arg-type] # on purpose
    with pytest.raises(AssertionError, match=r"expected a cache of type CachedRows, .* got Memory"):
        packed_decoder._cached_rows(memory)


def test_a_gru_refuses_the_packed_weights_of_another_layer() -> None:
    model = model_of(RNNConfig.model_validate({**RNN, "cell": "gru"}))
    layer = next(
        module for module in model.decoder.modules() if hasattr(module, "packed_cell") and hasattr(module, "rnn")
    )
    cell = PackedCell(nn.Linear(1, 1), None, None)  # has no weight of the hidden state
    with pytest.raises(AssertionError, match="the PackedCell that packed_cell"):
        layer.step(torch.zeros(1, 18), torch.zeros(1, 6), (torch.zeros(1, 6),), cell)  # type: ignore[operator]


def test_a_model_without_linear_maps_has_nothing_to_adapt() -> None:
    with pytest.raises(ConfigError, match="no linear layers to adapt"):
        add_low_rank_updates(nn.Embedding(3, 2), rank=1, alpha=1.0)


def test_the_compiled_lstm_says_that_it_is_missing() -> None:
    gates, cell = torch.zeros(1, 8, requires_grad=True), torch.zeros(1, 2)
    with disabled(), pytest.raises(AssertionError, match=r"there is no compiled LSTM kernel for torch.float32 on cpu"):
        lstm_cell(gates, torch.zeros(1, 8), cell)
