"""Random numbers that depend only on a key and the number of a step, not on what else is drawn.

With an ordinary generator, the numbers for a sentence depend on the other sentences of its batch. Here each number is a
hash of its key and step, as in the counter-based generators of Salmon et al. 2011, so samples do not depend on batches.
"""

from __future__ import annotations

import torch
from torch import Tensor

_STEP = -0x61C8864680B583EB  # 0x9E3779B97F4A7C15, as all constants here, in two's complement
_FIRST, _SECOND = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15


def mix(values: Tensor) -> Tensor:
    """Hashes integers by one step of SplitMix64 (Steele et al. 2014, fig. 17).

    >>> mix(torch.tensor([0, 1])).tolist()
    [-2152535657050944081, -7995527694508729151]

    Args:
        values: Integers of 64 bits, `(...)` int64.

    Returns:
        Integers in which every bit depends on every bit of the value, `(...)` int64.
    """
    mixed = values + _STEP
    mixed = (mixed ^ _shifted(mixed, 30)) * _FIRST
    mixed = (mixed ^ _shifted(mixed, 27)) * _SECOND
    return mixed ^ _shifted(mixed, 31)


def uniform(keys: Tensor, step: int) -> Tensor:
    """Random numbers from 0 to 1, 1 excluded.

    Args:
        keys: Keys, such as the results of `mix`, `(...)` int64.
        step: Number of the step; other steps give independent numbers.

    Returns:
        One number per key, `(...)` float64, a multiple of 2 ** -52.
    """
    return _shifted(mix(keys + step), 12).double() * 2.0**-52


def _shifted(values: Tensor, bits: int) -> Tensor:
    """The bits of the values moved to the right, with zeros from the left."""
    return torch.bitwise_and(values >> bits, (1 << (64 - bits)) - 1)
