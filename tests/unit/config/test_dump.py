"""Configurations as TOML: options that were added later leave the text of older configurations unchanged."""

from __future__ import annotations

import hashlib

import pytest

from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import AttentionConfig, Config, ModelConfig, RNNConfig, TransformerConfig


@pytest.mark.parametrize(("model", "digest"), [(RNNConfig(), "aeff28a5"), (TransformerConfig(), "d0ea89c9")])
def test_configurations_keep_their_text_and_their_signature(model: ModelConfig, digest: str) -> None:
    """A new option must change neither: mark it with `ADDED_LATER` in the schema. A new default changes both."""
    assert hashlib.sha256(dump_config(Config(model=model)).encode()).hexdigest()[:8] == digest


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (RNNConfig(attention=AttentionConfig(normalizer="entmax15")), 'normalizer = "entmax15"'),
        (RNNConfig(attention=AttentionConfig(sharpness=2.0)), "sharpness = 2.0"),
        (RNNConfig(attention=AttentionConfig(location_filters=3, location_reach=4)), "location_filters = 3"),
        (TransformerConfig(normalizer="sparsemax"), 'normalizer = "sparsemax"'),
    ],
)
def test_an_option_added_later_is_written_only_if_it_is_not_the_default(model: ModelConfig, line: str) -> None:
    config = Config(model=model)
    text = dump_config(config)
    assert line in text.splitlines()
    assert parse_config(text, where="dump") == config
    assert line.partition(" ")[0] not in dump_config(Config(model=type(model)()))
