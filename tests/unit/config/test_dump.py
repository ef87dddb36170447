"""What a configuration looks like on paper: options that came later leave the text of older settings alone."""

from __future__ import annotations

import hashlib

import pytest

from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import AttentionConfig, Config, ModelConfig, RNNConfig, TransformerConfig


@pytest.mark.parametrize(("model", "digest"), [(RNNConfig(), "aeff28a5"), (TransformerConfig(), "d0ea89c9")])
def test_settings_keep_their_text_and_so_their_signature(model: ModelConfig, digest: str) -> None:
    """A new option changes neither: mark it with `ADDED_LATER` in the schema. A new default does, and has to."""
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
def test_a_later_option_is_written_where_it_is_not_its_default(model: ModelConfig, line: str) -> None:
    config = Config(model=model)
    text = dump_config(config)
    assert line in text.splitlines()
    assert parse_config(text, where="dump") == config
    assert line.partition(" ")[0] not in dump_config(Config(model=type(model)()))
