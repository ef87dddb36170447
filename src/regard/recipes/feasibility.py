"""Checks that a configured model can be built and trained, before any text is read or anything is written."""

from __future__ import annotations

import torch

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


def check_feasible(config: Config, *, device: str = "cpu", local_workers: int = 1) -> None:
    """Checks that a model can be built, and that its training fits into the memory of this machine.

    Args:
        config: Configuration; options that are derived from the corpus may be missing.
        device: Device of the training, such as `cpu` or `cuda:1`.
        local_workers: Number of processes on this machine that train together; each has the whole model.

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
    per_worker = f" in each of {local_workers} workers" if local_workers > 1 else ""
    if config.train.device in ("auto", "cpu") and present is not None and needed * local_workers > present:
        raise ConfigError(
            f"a model of the sizes in [model] has {count:,} parameters, whose training takes {needed / 2**30:,.0f} GB"
            f"{per_worker}, but this machine has {present / 2**30:,.1f} GB of memory: reduce the largest sizes in "
            "[model]"
        )
    capacity = _gpu_memory(device) if device.startswith("cuda") else None
    if capacity is not None and needed > capacity:
        raise ConfigError(
            f"a model of the sizes in [model] has {count:,} parameters, whose training takes {needed / 2**30:,.0f} GB, "
            f"but a GPU here has {capacity / 2**30:,.1f} GB of memory. Each worker has the whole model, because "
            "regard does not divide a model among GPUs (FSDP): reduce the largest sizes in [model]"
        )


def _gpu_memory(device: str) -> int:
    """Memory of a GPU in bytes."""
    return int(torch.cuda.get_device_properties(device).total_memory)
