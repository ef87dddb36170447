"""A model that cannot be trained is refused before any text is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regard.config.load import load_config
from regard.config.schema import AttentionConfig, Config, DataConfig, RNNConfig, SearchConfig, TransformerConfig
from regard.errors import ConfigError
from regard.native import system
from regard.recipes.feasibility import check_feasible
from regard.recipes.training import train


def test_a_model_that_needs_more_memory_than_the_machine_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(preset="transformer-tiny", variant=["model.width=65536"])
    with pytest.raises(
        ConfigError, match=r"has 206,\d+,\d+,\d+ parameters, whose training takes 3,\d+ GB, but this mach"
    ):
        check_feasible(config)
    memory = system.memory()
    monkeypatch.setattr(system, "memory", lambda: replace(memory, total=1000, limit=None))
    with pytest.raises(ConfigError, match=r"reduce the largest sizes in \[model\]"):
        check_feasible(Config())
    monkeypatch.setattr(system, "memory", lambda: replace(memory, total=None, limit=None))
    check_feasible(config)


def with_heads(heads: int) -> Config:
    return Config(model=RNNConfig(hidden_size=12, attention=AttentionConfig(heads=heads)))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(model=RNNConfig(decoder="plain"), search=SearchConfig(coverage_penalty=1)), "has no attention"),
        (Config(model=TransformerConfig(position="learned", max_positions=9)), "set data.max_len to 8 or less"),
        (
            Config(model=RNNConfig(hidden_size=12, attention=AttentionConfig(heads=5))),
            "multiple of model.attention.heads",
        ),
        (
            Config(model=RNNConfig(hidden_size=12, attention=AttentionConfig(heads=24))),
            "12 with 24 heads: change either",
        ),
        (Config(model=TransformerConfig(heads=3)), "multiple of twice model.heads"),
        (Config(data=DataConfig(src="a", val_tgt="b")), "data.val_tgt is set, but data.val_src is not"),
    ],
)
def test_contradictory_options_are_refused_from_python_too(config: Config, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        train(config, tmp_path / "model")
    assert not (tmp_path / "model").exists()
