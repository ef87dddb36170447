"""Notices about a configuration, shown before training: options that are valid but may surprise the user."""

from __future__ import annotations

from regard.config.engines import engine_name
from regard.config.interactions import aliases, flattened, without_effect
from regard.config.resolved import ResolvedConfig
from regard.config.schema import Config


def notices(given: Config, config: ResolvedConfig) -> list[str]:
    """Lists notices for the user: options without effect, values that have two names, and similar.

    Args:
        given: Configuration as the user gave it, with epochs not yet converted to steps.
        config: The same configuration after all missing options were derived.

    Returns:
        One sentence per notice: each option that has no effect on this model; each value that is another name of a
        value, as `noam` is of `inverse-sqrt`; a warmup that is longer than the training; and, if `model.export` is set,
        the inference engine that can run this model.
    """
    sentences = without_effect(given)
    sentences += [
        f"{key} = {flattened(config)[key]!r} is another name of {name!r}" for key, name in aliases(config).items()
    ]
    train, export = config.train, config.model.export
    if train.warmup > train.steps:
        sentences.append(
            f"train.warmup = {train.warmup} is more than the {train.steps} steps of the training: the learning rate "
            "rises until the last step"
        )
    if export is not None:
        sentences.append(f"model.export = {export!r}: {engine_name(export)} can run this model")
    return sentences
