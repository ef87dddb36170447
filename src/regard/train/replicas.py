"""The copies of a model and its optimizer in several workers, which must stay equal to the last bit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regard.train.workers import Workers

_PRIME, _MODULUS = 1_000_003, 1 << 61


def checksum(tensors: Sequence[Tensor]) -> int:
    """A number that differs, almost certainly, if any bit of some tensors differs.

    Args:
        tensors: Contiguous tensors of any shapes `(...)`.

    Returns:
        An integer from 0 to 2^61 - 1.
    """
    number = 0
    for tensor in tensors:
        data = tensor.detach().reshape(-1).view(torch.uint8)
        words = len(data) // 4
        total = int(data[: 4 * words].view(torch.int32).sum(dtype=torch.int64)) + int(data[4 * words :].sum())
        number = (number * _PRIME + total) % _MODULUS
    return number


def make_equal(workers: Workers, tensors: Sequence[Tensor]) -> bool:
    """Makes the copies of some tensors equal to those of worker 0, if they differ in any worker.

    All workers compute the same updates from the same gradients. But processors of different kinds, or different
    numbers of threads, may round differently.

    Args:
        workers: All workers.
        tensors: Tensors of any shapes `(...)`, the same shapes in all workers.

    Returns:
        Whether they differed.
    """
    if workers.count == 1:
        return False
    if len(set(map(str, workers.gather(checksum(tensors))))) == 1:
        return False
    workers.copy_from_first(tensors)
    return True
