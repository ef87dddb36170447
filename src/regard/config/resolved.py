"""Types of configurations for training, in which options that the user left open are set.

A training completes the user's configuration in two stages. Before subwords are learned, `regard.config.derive.derive`
sets the options that depend on the size of the corpus, and returns a `DerivedConfig`. When the corpus is divided into
batches, `resolve` sets the number of steps and the precision, and returns a `ResolvedConfig`.
"""

from __future__ import annotations

from math import ceil
from typing import Literal

from regard.config.schema import Config, SubwordConfig, TrainConfig

PrecisionName = Literal["float32", "bfloat16"]


class DerivedSubwordConfig(SubwordConfig):
    """Options of the SentencePiece vocabulary, in which `vocab_size` is set, by the user or from the corpus size."""

    vocab_size: int


class DerivedTrainConfig(TrainConfig):
    """Options of training, in which those that depend on the size of the corpus or on the machine are set.

    Two may still be open: `steps` is None if the user set `epochs`, and `precision` may be "auto".
    """

    batch_tokens: int
    validate_every: int
    threads: int


class DerivedConfig(Config):
    """Configuration of a training in which options left empty were set from the size of the corpus and the machine.

    `regard.config.derive.derive` sets them: vocabulary size, batch size, validation interval and threads. `steps` may
    still be None (if the user set `epochs`), and `precision` may still be "auto"; `resolve` sets these two.
    """

    subword: DerivedSubwordConfig
    train: DerivedTrainConfig


class ResolvedTrainConfig(DerivedTrainConfig):
    """Options of training, all set; only `device` may be "auto", since the training may resume on another machine."""

    steps: int
    precision: PrecisionName


class ResolvedConfig(DerivedConfig):
    """The complete configuration of a training, as it is stored with the model."""

    train: ResolvedTrainConfig


def resolve(config: DerivedConfig, *, batches_per_epoch: int, precision: PrecisionName) -> ResolvedConfig:
    """Completes a configuration: converts epochs to steps, and replaces `auto` precision.

    Args:
        config: Configuration with the values that depend on the size of the corpus.
        batches_per_epoch: Number of batches of the training corpus.
        precision: Number format of the matrix products on this machine, `float32` or `bfloat16`.

    Returns:
        The complete configuration. If `train.steps` is set, it keeps its value, and `train.epochs` is ignored.

    Raises:
        ValueError: Neither `train.steps` nor `train.epochs` is set.
    """
    train = config.train
    steps = train.steps
    if steps is None and train.epochs is not None:
        steps = ceil(train.epochs * batches_per_epoch / train.accumulate)
    complete = ResolvedTrainConfig.model_validate({**dict(train), "steps": steps, "precision": precision})
    return ResolvedConfig.model_validate({**dict(config), "train": complete})
