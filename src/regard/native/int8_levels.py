"""Quantizes weights to 8 bits, small enough that no processor overflows when it adds two products."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_INT8_WEIGHT = 64
"""Largest magnitude of a quantized weight in a product.

x86 processors without 8-bit dot products (VNNI), with AVX2 or AVX-512, add two products of an unsigned and a signed
byte in 16 bits and silently saturate at 32,767. With weights up to 64 the sum is at most 2 * 255 * 64 = 32,640; with 65
it can saturate.
"""


def quantize_rows(weight: Tensor, *, max_magnitude: int = MAX_INT8_WEIGHT) -> tuple[Tensor, Tensor]:
    """Quantizes a weight matrix to int8, with one scale per row.

    Args:
        weight: Weight matrix, `(D, E)`: D outputs, E inputs.
        max_magnitude: Largest absolute value of a quantized weight, at most 127. Use more than `MAX_INT8_WEIGHT` only
            for a matrix that is never multiplied in int8, such as an embedding table.

    Returns:
        The quantized weights, `(D, E)` int8, and the scale of each row, `(D,)`. A quantized row times its scale
        approximates the row of the weight matrix.
    """
    scales = (weight.detach().abs().amax(1) / max_magnitude).clamp(min=1e-30)
    return (weight.detach() / scales[:, None]).round().to(torch.int8), scales
