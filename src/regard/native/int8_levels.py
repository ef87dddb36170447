"""Weights rounded so that every processor multiplies them with bytes exactly."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 64
"""Largest magnitude of a rounded weight that is multiplied.

Processors of x86 without 8-bit dot products (VNNI), with AVX2 or AVX-512 alike, add two products of an unsigned and a
signed byte in 16 bits and cut off what is beyond 32,767, silently. 2 * 255 * 64 = 32,640 is not, whatever the bytes and
whichever two are added; with 65 it may be.
"""


def rounded(weight: Tensor, *, levels: int = LEVELS) -> tuple[Tensor, Tensor]:
    """A matrix in bytes, each of its rows with a scale of its own.

    Args:
        weight: `(D, E)`, E inputs of each of D outputs.
        levels: Largest magnitude of what is rounded, at most 127; more than `LEVELS` only for what is not multiplied
            in bytes, such as a table whose rows are looked up.

    Returns:
        `(D, E)` int8, and `(D,)`, what each row is to be multiplied by.
    """
    scales = (weight.detach().abs().amax(1) / levels).clamp(min=1e-30)
    return (weight.detach() / scales[:, None]).round().to(torch.int8), scales
