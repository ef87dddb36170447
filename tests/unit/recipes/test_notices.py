"""Notices about options that have no effect, or less effect than stated."""

from __future__ import annotations

import pytest

from regard.config.load import load_config
from regard.config.schema import Config, RNNConfig, TrainConfig
from regard.recipes.notices import notices


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
    complete = given.model_copy(update={"train": given.train.model_copy(update={"steps": 900})})
    sentences = notices(given, complete)
    assert [line[: len(start)] for line, start in zip(sentences, expected, strict=True)] == expected


def test_a_configuration_built_in_python_is_noted_too() -> None:
    given = Config(model=RNNConfig(decoder="plain", input_feeding=True), train=TrainConfig(steps=900, epochs=3))
    sentences = notices(given, given)
    assert [line.split(" = ")[0] for line in sentences] == ["model.input_feeding", "train.epochs"]
