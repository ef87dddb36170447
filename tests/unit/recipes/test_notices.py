"""What is told of a configuration that is no mistake."""

from __future__ import annotations

import pytest

from regard.config.load import load_config
from regard.config.schema import Config, RNNConfig, TrainConfig
from regard.recipes.notices import notices


@pytest.mark.parametrize(
    ("preset", "options", "told"),
    [
        ("plain", [], []),
        ("demo", ["train.epochs=2"], []),
        (
            "bahdanau",
            ["model.decoder=plain"],
            ["model.attention.score = 'additive' has no", "model.attention.size = 256"],
        ),
        ("luong-general", ["train.warmup=1000"], ["train.warmup = 1000 is more than the 900 steps there are"]),
        ("luong-concat", [], ["model.attention.score = 'concat' is another name of 'additive'"]),
        (
            "transformer-small",
            ["train.schedule=noam"],
            ["train.schedule = 'noam' is another", "train.warmup = 1000 is more"],
        ),
        ("transformer-tiny", ["model.export=onnx"], ["model.export = 'onnx': ONNX Runtime can run this model"]),
    ],
)
def test_what_counts_for_nothing_or_less_is_told(preset: str, options: list[str], told: list[str]) -> None:
    given = load_config(preset=preset, overrides=options)
    complete = given.model_copy(update={"train": given.train.model_copy(update={"steps": 900})})
    assert [line[: len(start)] for line, start in zip(notices(given, complete), told, strict=True)] == told


def test_what_was_built_in_python_is_told_of() -> None:
    given = Config(model=RNNConfig(decoder="plain", input_feeding=True), train=TrainConfig(steps=900, epochs=3))
    found = notices(given, given)
    assert [line.split(" = ")[0] for line in found] == ["model.input_feeding", "train.epochs"]
