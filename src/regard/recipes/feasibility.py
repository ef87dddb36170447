"""Checks that a configured model can be built and trained, before any text is read or anything is written."""

from __future__ import annotations

from regard.config.interactions import conflicts
from regard.config.schema import Config
from regard.errors import ConfigError
from regard.model.build import build_model
from regard.native import system
from regard.native.meta_init import init_on_meta

NUMBERS_PER_PARAMETER = 4
"""Float32 numbers that training stores per parameter: the value, the gradient and two moments."""
_MIN_VOCAB_SIZE = 300
"""Assumed size of a vocabulary whose size is not derived yet; it will be at least this."""


def check_feasible(config: Config) -> None:
    """Checks that a model can be built, and that its training fits into the memory of this machine.

    Args:
        config: Configuration; options that are derived from the corpus may be missing.

    Raises:
        ConfigError: Options contradict one another, or the training needs more memory than the machine has.
    """
    messages = [message for _, message in conflicts(config)]
    if messages:
        raise ConfigError("\n".join(messages))
    size = max(config.subword.vocab_size or 0, _MIN_VOCAB_SIZE)
    with init_on_meta():
        model = build_model(config.model, src_vocab=size, tgt_vocab=size, shared=config.subword.shared)
    count = sum(weight.numel() for weight in model.parameters())
    memory = system.memory()
    needed, present = 4 * NUMBERS_PER_PARAMETER * count, memory.limit or memory.total
    if config.train.device in ("auto", "cpu") and present is not None and needed > present:
        raise ConfigError(
            f"a model of the sizes in [model] has {count:,} parameters, whose training takes {needed / 2**30:,.0f} GB, "
            f"but this machine has {present / 2**30:,.1f} GB of memory: reduce the largest sizes in [model]"
        )
