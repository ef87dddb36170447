"""What other packages derive from a `[model]` section: layers, heads, limits and names, each in one place."""

from __future__ import annotations

import pytest

from regard.config.dump import dump_config
from regard.config.interactions import canonical, flattened
from regard.config.presets import preset_names, preset_text
from regard.config.schema import (
    LOCATION_REACH,
    UNLIMITED,
    AttentionConfig,
    Config,
    ModelConfig,
    ModelSection,
    RNNConfig,
    TransformerConfig,
)
from regard.config.toml_text import parse

PLAIN = RNNConfig(decoder="plain")
LUONG = RNNConfig(attention=AttentionConfig(heads=2, score="location", max_source=30, normalizer="sparsemax"))
BAHDANAU = RNNConfig(decoder="bahdanau", cell="gru", hidden_size=64, attention=AttentionConfig(score="additive"))
SINUSOIDAL = TransformerConfig(decoder_layers=5, heads=8, cross_score="location")
LEARNED = TransformerConfig(width=96, position="learned", max_positions=70, normalizer="entmax15")


@pytest.mark.parametrize(
    ("model", "layers", "heads", "matrices"),
    [(PLAIN, 0, 1, 0), (LUONG, 1, 2, 2), (BAHDANAU, 1, 1, 1), (SINUSOIDAL, 5, 8, 40), (LEARNED, 3, 4, 12)],
)
def test_attending_layers_and_heads(model: ModelConfig, layers: int, heads: int, matrices: int) -> None:
    assert (model.attending_layers, model.attention_heads, model.num_attention_matrices) == (layers, heads, matrices)
    assert model.has_attention == (matrices > 0)


@pytest.mark.parametrize(
    ("model", "positions", "source"),
    [
        (PLAIN, UNLIMITED, UNLIMITED),
        (LUONG, UNLIMITED, 30),
        (BAHDANAU, UNLIMITED, UNLIMITED),
        (SINUSOIDAL, UNLIMITED, LOCATION_REACH),
        (LEARNED, 70, UNLIMITED),
        (TransformerConfig(position="rotary", max_positions=70), UNLIMITED, UNLIMITED),
    ],
)
def test_length_limits(model: ModelConfig, positions: int, source: int) -> None:
    assert (model.num_positions, model.max_source_len) == (positions, source)


@pytest.mark.parametrize(
    ("model", "architecture"),
    [
        (PLAIN, "plain-lstm-512"),
        (LUONG, "luong-location-sparsemax-lstm-512"),
        (BAHDANAU, "bahdanau-additive-gru-64"),
        (SINUSOIDAL, "transformer-location-3+5-256"),
        (LEARNED, "transformer-scaled-dot-entmax15-3+3-96"),
    ],
)
def test_architecture_names_what_distinguishes_the_model(model: ModelConfig, architecture: str) -> None:
    assert model.architecture == architecture


def test_score_and_normalizer_are_those_of_the_attention_to_the_source() -> None:
    assert (LUONG.score_name, LUONG.normalizer_option) == ("location", ("attention.normalizer", "sparsemax"))
    assert (LEARNED.score_name, LEARNED.normalizer_option) == ("scaled-dot", ("normalizer", "entmax15"))


def test_sizes_that_training_derives() -> None:
    assert (BAHDANAU.state_width, BAHDANAU.default_batch_tokens, BAHDANAU.uses_lstm) == (64, 2_048, False)
    assert (LEARNED.state_width, LEARNED.default_batch_tokens, LEARNED.uses_lstm) == (96, 4_096, False)
    assert LUONG.uses_lstm
    assert [LUONG.product_rows(tokens) for tokens in (100, 4_096)] == [32, 256]
    assert [LEARNED.product_rows(tokens) for tokens in (100, 4_096)] == [100, 2_048]


def test_properties_are_no_options() -> None:
    """Neither TOML nor comparisons of configurations know the properties: stored models keep their signatures."""
    properties = {name for name, value in vars(ModelSection).items() if isinstance(value, property)}
    assert {"attending_layers", "num_positions", "architecture"} <= properties
    for name in preset_names():
        config = Config.model_validate(parse(preset_text(name)))
        written = parse(dump_config(config))["model"]
        assert isinstance(written, dict) and not properties & set(written)
        assert not properties & {key.rpartition(".")[2] for key in flattened(canonical(config))}
        assert not properties & set(config.model.model_dump())
