"""Weights rounded so that every processor multiplies them with bytes exactly."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_INT8_WEIGHT = 64
"""Largest magnitude of a rounded weight that is multiplied.

Processors of x86 without 8-bit dot products (VNNI), with AVX2 or AVX-512 alike, add two products of an unsigned and a
signed byte in 16 bits and cut off what is beyond 32,767, silently. 2 * 255 * 64 = 32,640 is not, whatever the bytes and
whichever two are added; with 65 it may be.
"""


def quantize_rows(weight: Tensor, *, max_magnitude: int = MAX_INT8_WEIGHT) -> tuple[Tensor, Tensor]:
    """A matrix in bytes, each of its rows with a scale of its own.

    Args:
        weight: `(D, E)`, E inputs of each of D outputs.
        max_magnitude: Largest magnitude of a rounded weight, at most 127; above `MAX_INT8_WEIGHT` only for a
            matrix that is not multiplied in bytes, such as an embedding table.

    Returns:
        `(D, E)` int8, and `(D,)`, what each row is to be multiplied by.
    """
    scales = (weight.detach().abs().amax(1) / max_magnitude).clamp(min=1e-30)
    return (weight.detach() / scales[:, None]).round().to(torch.int8), scales
