"""Configurations in which every value that training needs is set, so that no code below has to assume one.

A training completes the user's configuration in two stages: `regard.config.derive.derive` derives what the size of the
corpus determines, before subwords are learned; `resolve` adds what is known only once the corpus is divided into
batches. The types follow the stages.
"""

from __future__ import annotations

from math import ceil
from typing import Literal

from regard.config.schema import Config, SubwordConfig, TrainConfig

PrecisionName = Literal["float32", "bfloat16"]


class DerivedSubwordConfig(SubwordConfig):
    """Options of the SentencePiece vocabulary, with the size that was chosen by the user or from the corpus size."""

    vocab_size: int


class DerivedTrainConfig(TrainConfig):
    """Options of training, with values for those that are derived from the size of the corpus.

    Not yet set are `steps`, if the user set `epochs`, and `precision`, if it is "auto".
    """

    batch_tokens: int
    validate_every: int
    threads: int


class DerivedConfig(Config):
    """Configuration of a training in which options left empty were set from the size of the corpus and the machine.

    `regard.config.derive.derive` sets them: vocabulary size, batch size, validation interval and threads. Only `steps`
    (if the user set `epochs`) and `precision` (if it is "auto") may still be open; see `ResolvedConfig`.
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
        precision: Number format of the matrix products on this machine.

    Returns:
        The complete configuration; a number of steps that is set is kept.

    Raises:
        ValueError: Neither steps nor epochs are set: `regard.config.derive.derive` sets one of them.
    """
    train = config.train
    steps = train.steps
    if steps is None and train.epochs is not None:
        steps = ceil(train.epochs * batches_per_epoch / train.accumulate)
    complete = ResolvedTrainConfig.model_validate({**dict(train), "steps": steps, "precision": precision})
    return ResolvedConfig.model_validate({**dict(config), "train": complete})
