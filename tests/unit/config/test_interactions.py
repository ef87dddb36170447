"""Values without effect, contradictions, and the one spelling of a configuration."""

from __future__ import annotations

import pytest

from regard.config.interactions import canonical, conflicts, flattened, has_no_effect, without_effect
from regard.config.load import load_config
from regard.config.presets import preset_names
from regard.config.schema import Config, DataConfig, RNNConfig, SearchConfig, TrainConfig, TransformerConfig
from regard.errors import ConfigError

PLAIN = ["model.decoder=plain"]
LOOKS = "model.decoder = 'plain' has no attention: leave it out, or choose another decoder"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([*PLAIN, "model.attention.coverage=true"], f"model.attention.coverage = true has no effect: {LOOKS}"),
        ([*PLAIN, "model.attention.score=dot"], f'model.attention.score = "dot" has no effect: {LOOKS}'),
        ([*PLAIN, "model.attention.heads=2"], f"model.attention.heads = 2 has no effect: {LOOKS}"),
        ([*PLAIN, "model.input_feeding=true"], "belongs to model.decoder = 'luong', and this is 'plain'"),
        (
            ["model.decoder=bahdanau", "model.input_feeding=true"],
            "belongs to model.decoder = 'luong', and this is 'bah",
        ),
        (["model.decoder=bahdanau", "model.combine=false"], "belongs to model.decoder = 'luong'"),
        (["model.deep_output=false"], "belongs to model.decoder = 'bahdanau', and this is 'luong'"),
        (["model.residual=true"], "begins at the second layer"),
        (["model.attention.window_size=3"], "model.attention.window = 'global' has no bounds"),
        (["model.attention.size=3"], "model.attention.score = 'general' has no hidden layer"),
        (["model.attention.max_source=3"], "model.attention.score = 'general' reaches any length"),
        (["model.attention.location_reach=3"], "model.attention.location_filters = 0"),
        (["model.kind=transformer", "model.max_positions=3"], "model.position = 'sinusoidal' reaches any length"),
        (["train.steps=5", "train.epochs=2"], "train.epochs = 2.0 has no effect: train.steps = 5 says how long"),
        (["train.schedule=constant", "train.min_learning_rate=1e-5"], "never falls after the warm-up"),
        (["train.guided_file=links"], "train.guided_weight = 0"),
        (["train.guided_layer=0"], "train.guided_weight = 0"),
        (["train.guided_head=1"], "train.guided_weight = 0"),
        (["train.guided_shift=true"], "train.guided_weight = 0"),
        (["train.learning_rate=1e-4", "train.min_learning_rate=1e-3"], "must be at most train.learning_rate = 0.0001"),
        (["data.val_tgt=v.fr"], "names translations to validate with, but data.val_src names no sources"),
        ([*PLAIN, "search.coverage_penalty=0.2"], "has no attention: set it to 0, or choose another decoder"),
        (
            ["model.kind=transformer", "model.position=learned", "model.max_positions=64"],
            "set data.max_len to 63 or less, or model.max_positions to 257 or more",
        ),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_what_has_no_effect_or_contradicts_itself_is_refused(options: list[str], told: str, order: int) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(overrides=options[::order])
    assert told in str(error.value)
    assert str(error.value).startswith("--set ")
    assert "\n" not in str(error.value)


def test_saying_what_is_so_anyway_is_no_mistake() -> None:
    load_config(preset="plain", overrides=["model.attention.coverage=false", "model.residual=false"])
    load_config(preset="bahdanau", overrides=["model.decoder=plain", "model.attention.size=256"])
    with pytest.raises(ConfigError, match=r'score = "general" has no effect'):  # the preset's is another one
        load_config(preset="bahdanau", overrides=["model.decoder=plain", "model.attention.score=general"])


@pytest.mark.parametrize("name", preset_names())
def test_presets_set_nothing_in_vain_and_contradict_themselves_nowhere(name: str) -> None:
    config = load_config(preset=name)
    assert without_effect(config) == []
    assert conflicts(config) == []
    assert set(has_no_effect(config)) <= set(flattened(config))


def test_what_was_built_in_python_is_told_of_too() -> None:
    config = Config(model=RNNConfig(decoder="plain", input_feeding=True), train=TrainConfig(steps=3, epochs=2.0))
    assert [line.partition(" has")[0] for line in without_effect(config)] == [
        "model.input_feeding = True",
        "train.epochs = 2.0",
    ]
    config = Config(model=RNNConfig(decoder="plain"), search=SearchConfig(coverage_penalty=0.1))
    assert [key for key, _ in conflicts(config)] == ["search.coverage_penalty"]


def test_learned_positions_must_hold_what_is_trained_on() -> None:
    model = TransformerConfig(position="learned", max_positions=61)
    assert conflicts(Config(model=model, data=DataConfig(max_len=60))) == []
    assert conflicts(Config(model=model, data=DataConfig(max_len=61)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["model.attention.score=concat"], ["model.attention.score=additive"], True),
        (["model.attention.score=dot"], ["model.attention.score=additive"], False),
        (["train.schedule=noam"], ["train.schedule=inverse-sqrt"], True),
        (["model.decoder=plain"], ["model.decoder=plain", "model.attention.score=general"], True),
        (["train.steps=9", "train.warmup=20"], ["train.steps=9", "train.warmup=30"], True),
        (["train.steps=25", "train.warmup=20"], ["train.steps=25", "train.warmup=30"], False),
        (["preset=transformer-tiny"], ["preset=transformer-tiny", "model.cross_score=concat"], False),
    ],
)
def test_two_spellings_of_one_training_are_one(one: list[str], other: list[str], same: bool) -> None:
    start = ["model.attention.size=9"]
    first, second = (
        load_config(overrides=[] if "preset" in options[0] else start, variant=options) for options in (one, other)
    )
    assert (canonical(first) == canonical(second)) is same
    assert canonical(canonical(first)) == canonical(first)
