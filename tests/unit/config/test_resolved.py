"""Resolved configurations have a value for every option, and are written like any other."""

from __future__ import annotations

import pytest

from regard.config.derive import derive
from regard.config.dump import dump_config
from regard.config.load import load_config, parse_config
from regard.config.resolved import DerivedConfig, ResolvedConfig, ResolvedTrainConfig, resolve


def derived(*overrides: str) -> DerivedConfig:
    config = load_config(preset="luong-general", overrides=overrides)
    return derive(config, num_pairs=29_000, num_src_chars=1_700_000, num_tgt_chars=1_900_000, cores=2)[0]


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (["train.epochs=3"], 300),
        (["train.epochs=0.001"], 1),
        (["train.epochs=3", "train.accumulate=7"], 43),
        (["train.steps=40"], 40),
    ],
)
def test_epochs_are_converted_to_steps(options: list[str], steps: int) -> None:
    config = resolve(derived(*options), batches_per_epoch=100, precision="bfloat16")
    assert (config.train.steps, config.train.precision) == (steps, "bfloat16")
    again = resolve(config, batches_per_epoch=5, precision="float32")
    assert (again.train.steps, again.train.precision) == (steps, "float32")


def test_no_other_option_changes() -> None:
    config = derived("train.epochs=3", "train.betas=[0.8, 0.9]", "model.cell=gru")
    complete = resolve(config, batches_per_epoch=100, precision="float32")
    expected = config.train.model_copy(update={"steps": 300, "precision": "float32"})
    assert dump_config(complete) == dump_config(config.model_copy(update={"train": expected}))


def test_the_text_of_a_configuration_does_not_depend_on_its_stage() -> None:
    complete = resolve(derived("train.epochs=3"), batches_per_epoch=100, precision="float32")
    text = dump_config(complete)
    parsed = parse_config(text, where="config.toml")
    assert type(parsed) is not ResolvedConfig
    assert dump_config(parsed) == text
    assert parsed == complete == parsed
    assert hash(parsed) == hash(complete)
    assert parsed != resolve(derived("train.epochs=4"), batches_per_epoch=100, precision="float32")
    assert parsed.train != parsed.search
    assert resolve(derive(parsed, num_pairs=1, num_src_chars=1, num_tgt_chars=1)[0], batches_per_epoch=1,
                   precision="float32") == complete  # fmt: skip


@pytest.mark.parametrize("name", ["steps", "batch_tokens", "validate_every", "threads"])
def test_a_missing_value_is_refused(name: str) -> None:
    values = dict(resolve(derived(), batches_per_epoch=100, precision="float32").train)
    with pytest.raises(ValueError, match=name):
        ResolvedTrainConfig.model_validate({**values, name: None})


def test_steps_or_epochs_are_needed() -> None:
    config = derived()
    config = config.model_copy(update={"train": config.train.model_copy(update={"steps": None})})
    with pytest.raises(ValueError, match="steps"):
        resolve(config, batches_per_epoch=100, precision="float32")
