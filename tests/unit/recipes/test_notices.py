"""Notices about options that have no effect, or less effect than stated."""

from __future__ import annotations

import pytest

from regard.config.derive import derive
from regard.config.load import load_config
from regard.config.resolved import ResolvedConfig, resolve
from regard.config.schema import Config, RNNConfig, TrainConfig
from regard.recipes.notices import notices


def resolved(config: Config) -> ResolvedConfig:
    derived, _ = derive(config, num_pairs=9, num_src_chars=9, num_tgt_chars=9)
    return resolve(derived, batches_per_epoch=1, precision="float32")


@pytest.mark.parametrize(
    ("preset", "options", "expected"),
    [
        ("plain", [], []),
        ("demo", ["train.epochs=2"], []),
        (
            "bahdanau",
            ["model.decoder=plain"],
            ["model.attention.score = 'additive' has no", "model.attention.size = 256"],
        ),
        ("luong-general", ["train.warmup=1000"], ["train.warmup = 1000 is more than the 900 steps of the training"]),
        ("luong-concat", [], ["model.attention.score = 'concat' is another name of 'additive'"]),
        (
            "transformer-small",
            ["train.schedule=noam"],
            ["train.schedule = 'noam' is another", "train.warmup = 1000 is more"],
        ),
        ("transformer-tiny", ["model.export=onnx"], ["model.export = 'onnx': ONNX Runtime can run this model"]),
    ],
)
def test_options_without_effect_are_noted(preset: str, options: list[str], expected: list[str]) -> None:
    given = load_config(preset=preset, overrides=options)
    sentences = notices(
        given, resolved(given.model_copy(update={"train": given.train.model_copy(update={"steps": 900})}))
    )
    assert [line[: len(start)] for line, start in zip(sentences, expected, strict=True)] == expected


def test_a_configuration_built_in_python_is_noted_too() -> None:
    given = Config(model=RNNConfig(decoder="plain", input_feeding=True), train=TrainConfig(steps=900, epochs=3))
    sentences = notices(given, resolved(given))
    assert [line.split(" = ")[0] for line in sentences] == ["model.input_feeding", "train.epochs"]
