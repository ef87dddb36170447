"""Values without effect, contradictions, and the canonical form of a configuration."""

from __future__ import annotations

import pytest

from regard.config.interactions import canonical, conflicts, flattened, has_no_effect, without_effect
from regard.config.load import load_config
from regard.config.presets import preset_names
from regard.config.schema import Config, DataConfig, RNNConfig, SearchConfig, TrainConfig, TransformerConfig
from regard.errors import ConfigError

PLAIN = ["model.decoder=plain"]
NO_ATTENTION = "model.decoder = 'plain' has no attention: leave it out, or choose another decoder"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([*PLAIN, "model.attention.coverage=true"], f"model.attention.coverage = true has no effect: {NO_ATTENTION}"),
        ([*PLAIN, "model.attention.score=dot"], f'model.attention.score = "dot" has no effect: {NO_ATTENTION}'),
        ([*PLAIN, "model.attention.heads=2"], f"model.attention.heads = 2 has no effect: {NO_ATTENTION}"),
        ([*PLAIN, "model.input_feeding=true"], "model.decoder = 'plain' does not use it, only 'luong' does"),
        (
            ["model.decoder=bahdanau", "model.input_feeding=true"],
            "model.decoder = 'bahdanau' does not use it, only 'luong' does",
        ),
        (["model.decoder=bahdanau", "model.combine=false"], "does not use it, only 'luong' does"),
        (["model.deep_output=false"], "model.decoder = 'luong' does not use it, only 'bahdanau' does"),
        (["model.residual=true"], "starts at the second layer"),
        (["model.attention.window_size=3"], "model.attention.window = 'global' is unlimited"),
        (["model.attention.size=3"], "model.attention.score = 'general' has no hidden layer"),
        (["model.attention.max_source=3"], "model.attention.score = 'general' covers sources of any length"),
        (["model.attention.location_reach=3"], "model.attention.location_filters = 0"),
        (["model.kind=transformer", "model.max_positions=3"], "model.position = 'sinusoidal' has no length limit"),
        (
            ["train.steps=5", "train.epochs=2"],
            "train.epochs = 2.0 has no effect: train.steps = 5 already sets the length",
        ),
        (["train.schedule=constant", "train.min_learning_rate=1e-5"], "never lowers the rate after the warm-up"),
        (["train.guided_file=links"], "train.guided_weight = 0"),
        (["train.guided_layer=0"], "train.guided_weight = 0"),
        (["train.guided_head=1"], "train.guided_weight = 0"),
        (["train.terms=0.1", "train.guided_head=1"], "train.guided_weight = 0"),
        (["train.guided_shift=true"], "train.guided_weight = 0"),
        (["train.learning_rate=1e-4", "train.min_learning_rate=1e-3"], "must be at most train.learning_rate = 0.0001"),
        (["data.val_tgt=v.fr"], "data.val_tgt is set, but data.val_src is not"),
        ([*PLAIN, "search.coverage_penalty=0.2"], "has no attention: set it to 0, or choose another decoder"),
        (
            ["model.kind=transformer", "model.position=learned", "model.max_positions=64"],
            "set data.max_len to 63 or less, or model.max_positions to 257 or more",
        ),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_values_without_effect_and_contradictions_are_refused(options: list[str], message: str, order: int) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(overrides=options[::order])
    assert message in str(error.value)
    assert str(error.value).startswith("--set ")
    assert "\n" not in str(error.value)


def test_values_that_apply_anyway_are_allowed() -> None:
    load_config(preset="plain", overrides=["model.attention.coverage=false", "model.residual=false"])
    load_config(preset="bahdanau", overrides=["model.decoder=plain", "model.attention.size=256"])
    with pytest.raises(ConfigError, match=r'score = "general" has no effect'):  # the preset's is another one
        load_config(preset="bahdanau", overrides=["model.decoder=plain", "model.attention.score=general"])


@pytest.mark.parametrize("name", preset_names())
def test_presets_have_no_useless_and_no_contradictory_values(name: str) -> None:
    config = load_config(preset=name)
    assert without_effect(config) == []
    assert conflicts(config) == []
    assert set(has_no_effect(config)) <= set(flattened(config))


def test_configurations_built_in_python_are_checked_too() -> None:
    config = Config(model=RNNConfig(decoder="plain", input_feeding=True), train=TrainConfig(steps=3, epochs=2.0))
    assert [line.partition(" has")[0] for line in without_effect(config)] == [
        "model.input_feeding = True",
        "train.epochs = 2.0",
    ]
    config = Config(model=RNNConfig(decoder="plain"), search=SearchConfig(coverage_penalty=0.1))
    assert [key for key, _ in conflicts(config)] == ["search.coverage_penalty"]


def test_learned_positions_must_cover_training_sentences() -> None:
    model = TransformerConfig(position="learned", max_positions=61)
    assert conflicts(Config(model=model, data=DataConfig(max_len=60))) == []
    assert conflicts(Config(model=model, data=DataConfig(max_len=61)))


@pytest.mark.parametrize(
    ("first_options", "second_options", "same"),
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
def test_canonical_forms_are_equal_for_equal_trainings(
    first_options: list[str], second_options: list[str], same: bool
) -> None:
    start = ["model.attention.size=9"]
    first, second = (
        load_config(overrides=[] if "preset" in options[0] else start, variant=options)
        for options in (first_options, second_options)
    )
    assert (canonical(first) == canonical(second)) is same
    assert canonical(canonical(first)) == canonical(first)
