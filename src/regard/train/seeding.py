"""Seeds of the random numbers of each micro-batch, so that dropout depends on nothing that came before.

A training is random only within a forward pass. The generators are seeded before each one, from the seed of the
training, the number of the update and the number of the micro-batch. So the state of a training needs no states of
generators, and several processes that share the micro-batches of an update draw the same numbers as one process.
"""

from __future__ import annotations

import numpy as np
import torch


def micro_batch_seed(seed: int, update: int, number: int, *, part: int = 0) -> int:
    """Seed of the random numbers of one micro-batch.

    Args:
        seed: Seed of the training (`train.seed`), any integer.
        update: Number of the update, from 1.
        number: Number of the micro-batch within the update, from 0, counted over all processes.
        part: Number of the part if the micro-batch was split because it did not fit into memory; 0 = the whole.

    Returns:
        An integer from 0 to 2⁶⁴ - 1.
    """
    entropy = np.random.SeedSequence((seed % 2**64, update, number, part))
    return int(entropy.generate_state(1, np.uint64)[0])


def seed_micro_batch(seed: int, update: int, number: int, *, part: int = 0, device: str = "cpu") -> None:
    """Seeds PyTorch's default generators of the CPU and of a device before the forward pass of a micro-batch.

    regard's own dropout kernels draw their seeds from the CPU's default generator.

    Args:
        seed: Seed of the training (`train.seed`), any integer.
        update: Number of the update, from 1.
        number: Number of the micro-batch within the update, from 0, counted over all processes.
        part: Number of the part of a micro-batch that was split; 0 = the whole.
        device: Device of the model, such as `cuda:0`.
    """
    value = micro_batch_seed(seed, update, number, part=part)
    # Not `torch.manual_seed`: it takes 70 times as long, because it also prepares devices that are not used.
    torch.default_generator.manual_seed(value)
    place = torch.device(device)
    if place.type == "cuda":
        with torch.cuda.device(place):  # `torch.cuda.manual_seed` seeds the current device
            torch.cuda.manual_seed(value)
    elif place.type != "cpu":
        torch.get_device_module(place).manual_seed(value)
