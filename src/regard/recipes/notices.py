"""What a user should know of a configuration before it trains, though it is no mistake."""

from __future__ import annotations

from regard.config.engines import engine_name
from regard.config.interactions import aliases, flattened, without_effect
from regard.config.schema import Config


def notices(given: Config, config: Config) -> list[str]:
    """Says what of a configuration counts for nothing or for less, and what was promised.

    Args:
        given: As the user gave it, whose epochs are no steps yet.
        config: The same, complete.

    Returns:
        A sentence each.
    """
    found = without_effect(given)
    found += [
        f"{key} = {flattened(config)[key]!r} is another name of {name!r}" for key, name in aliases(config).items()
    ]
    train, export = config.train, config.model.export
    if train.steps is not None and train.warmup > train.steps:
        found.append(
            f"train.warmup = {train.warmup} is more than the {train.steps} steps there are: the learning rate rises to "
            "the end"
        )
    if export is not None:
        found.append(f"model.export = {export!r}: {engine_name(export)} can run this model")
    return found
