"""Options derived from the size of the corpus."""

from __future__ import annotations

import pytest

from regard.config.derive import derive
from regard.config.load import load_config
from regard.config.resolved import DerivedConfig
from regard.config.schema import Config
from regard.config.threads import available_cores


def derived(
    num_pairs: int, *overrides: str, preset: str | None = None, length: int = 60
) -> tuple[DerivedConfig, list[str]]:
    config = load_config(preset=preset, overrides=overrides)
    chars = num_pairs * length
    return derive(config, num_pairs=num_pairs, num_src_chars=chars, num_tgt_chars=chars, cores=2)


@pytest.mark.parametrize(
    ("pairs", "size"),
    {
        400: 1_000,
        5_000: 1_000,
        20_000: 2_000,
        29_000: 4_000,
        100_000: 8_000,
        500_000: 16_000,
        5_000_000: 32_000,
    }.items(),
)
def test_the_vocabulary_grows_with_the_corpus(pairs: int, size: int) -> None:
    config, notes = derived(pairs)
    assert config.subword.vocab_size == size
    assert notes[0] == f"subword.vocab_size = {size}, for {pairs:,} sentence pairs"


def test_every_open_option_is_derived_with_a_note() -> None:
    config, notes = derived(29_000)
    train = config.train
    assert [train.batch_tokens, train.threads] == [2_048, 2]
    assert train.steps is not None
    assert 2_000 < train.steps < 20_000
    assert train.validate_every * 15 < train.steps < train.validate_every * 25
    assert len(notes) == 5
    assert (train.precision, train.device) == ("auto", "auto")


@pytest.mark.parametrize(("steps", "between"), {4: 4, 60: 50, 1_000: 50, 4_000: 200, 90_000: 2_000}.items())
def test_short_trainings_validate_rarely(steps: int, between: int) -> None:
    assert derived(29_000, f"train.steps={steps}")[0].train.validate_every == between


def test_given_values_are_kept_without_note() -> None:
    given = [
        "subword.vocab_size=777", "train.steps=40", "train.batch_tokens=99", "train.validate_every=7", "train.threads=1"
    ]  # fmt: skip
    config, notes = derived(29_000, *given)
    assert config == load_config(overrides=given)
    assert notes == []


def test_steps_stay_open_if_epochs_are_given() -> None:
    config, notes = derived(29_000, "train.epochs=5")
    assert config.train.steps is None
    few, many = config.train.validate_every, derived(29_000, "train.epochs=25")[0].train.validate_every
    assert many == pytest.approx(5 * few, rel=0.1)
    assert not any("train.steps" in note for note in notes)


def test_a_derived_configuration_stays_as_it_is() -> None:
    for option in ("train.epochs=5", "train.accumulate=2"):
        config, notes = derived(29_000, option)
        assert len(notes) > 3
        again = derive(config, num_pairs=9, num_src_chars=9, num_tgt_chars=9, cores=7)
        assert again == (config, [])


def test_steps_follow_batch_and_accumulation() -> None:
    single, double, quadruple = (
        derived(200_000, "train.batch_tokens=2048", f"train.accumulate={n}")[0].train.steps or 0 for n in (1, 2, 4)
    )
    assert single == pytest.approx(2 * double, rel=0.05)
    assert single == pytest.approx(4 * quadruple, rel=0.05)


def test_transformers_get_larger_batches_and_small_corpora_smaller_ones() -> None:
    assert derived(100_000)[0].train.batch_tokens == 2_048
    assert derived(100_000, preset="transformer-tiny")[0].train.batch_tokens == 4_096
    assert derived(400)[0].train.batch_tokens == 1_024


def test_the_longer_side_counts() -> None:
    short = derive(Config(), num_pairs=100_000, num_src_chars=10**6, num_tgt_chars=10**7, cores=1)[0]
    same = derive(Config(), num_pairs=100_000, num_src_chars=10**7, num_tgt_chars=10**6, cores=1)[0]
    assert short.train.steps == same.train.steps


def test_cores() -> None:
    assert available_cores() >= 1
    assert derive(Config(), num_pairs=9, num_src_chars=9, num_tgt_chars=9)[0].train.threads == available_cores()
