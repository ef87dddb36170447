"""A command that resumes may repeat the whole configuration, and is refused if it would change the training."""

from __future__ import annotations

import pytest
from toy_training import Toy

from regard.config.load import load_config
from regard.errors import ConfigError
from regard.recipes.prepare import prepare
from regard.recipes.same_training import check_same_training


def test_only_options_that_are_given_and_differ_are_refused(toy: Toy) -> None:
    out = toy.directory / "model"
    check_same_training(toy.config(), out)  # nothing is saved
    prepare(toy.config("train.seed=3"), out / "training")
    check_same_training(toy.config("train.seed=3"), out)
    check_same_training(toy.config("train.seed=3", "train.steps=90", "train.threads=2", "train.save_minutes=3"), out)
    check_same_training(toy.config("train.seed=3", "data.src=moved.en"), out)
    with pytest.raises(ConfigError, match=r"train\.seed = 4 \(it is 3\) would change it: leave out these options"):
        check_same_training(toy.config("train.seed=4"), out)
    with pytest.raises(ConfigError, match=r"model\.hidden_size = 5 \(it is 12\)"):
        check_same_training(load_config(None, overrides=["model.hidden_size=5"]), out)
