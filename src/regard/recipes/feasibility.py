"""Whether what a configuration asks for can be: before any text is read, and before anything is written."""

from __future__ import annotations

from regard.config.interactions import conflicts
from regard.config.schema import Config
from regard.errors import ConfigError
from regard.model.build import build_model
from regard.native import system
from regard.native.meta_init import init_on_meta

NUMBERS = 4
"""What training keeps of each parameter: its value, its gradient and two moments, in float32."""
_SOME = 300
"""Subwords of a vocabulary whose size is still to be derived, at least."""


def check_feasible(config: Config) -> None:
    """Refuses a model that cannot be built, or not be trained in the memory of this machine.

    Args:
        config: Complete or not.

    Raises:
        ConfigError: Options contradict one another, or exclude one another, or ask for too much.
    """
    wrong = [what for _, what in conflicts(config)]
    if wrong:
        raise ConfigError("\n".join(wrong))
    size = max(config.subword.vocab_size or 0, _SOME)
    with init_on_meta():
        model = build_model(config.model, src_vocab=size, tgt_vocab=size, shared=config.subword.shared)
    count = sum(weight.numel() for weight in model.parameters())
    memory = system.memory()
    needed, there = 4 * NUMBERS * count, memory.limit or memory.total
    if config.train.device in ("auto", "cpu") and there is not None and needed > there:
        raise ConfigError(
            f"a model of these sizes has {count:,} parameters, whose training takes {needed / 2**30:,.0f} GB, but this "
            f"machine has {there / 2**30:,.1f} GB of memory: make the largest sizes of [model] smaller"
        )
