"""Weights stored in 8 bits: integers and one scale per row, as the int8 engine computes with them.

A matrix is rounded exactly as `regard.native.int8_levels` rounds it for a search in int8: to 64 levels on either side
of 0. Rounding the decoded matrix again gives the same integers and scales, because the largest magnitude of a row is 64
times its scale without any rounding error. So a search in int8 holds the same numbers whether it loaded the original
weights or these, and float32 engines compute with the decoded matrices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from regard.native.int8_levels import MAX_INT8_WEIGHT, quantize_rows
from regard.native.packed import MIN_INT8_SIZE
from regard.store.tensor_file import Entry
from regard.store.weights import refuse, shape_text

SCALES = ".scales"
"""Ending of the name of the tensor that holds the scales of a quantized tensor."""
_REMEDY = "copy the model again, or export it again"


def quantize_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rounds matrices to 8 bits; vectors and matrices of fewer than `MIN_INT8_SIZE` elements stay as they are.

    Args:
        tensors: Finite weights of any shape, `(...)`, by name.

    Returns:
        The tensors to store, by name: for each quantized tensor, int8 of the same shape, `(..., E)`, and under its name
        with `.scales`, one float32 scale per row, `(...)`.
    """
    stored = {}
    for name, tensor in tensors.items():
        if tensor.dim() < 2 or tensor.numel() < MIN_INT8_SIZE:
            stored[name] = tensor
            continue
        factors, scales = quantize_rows(tensor.float().reshape(-1, tensor.shape[-1]))
        stored[name] = factors.view(tensor.shape)
        stored[name + SCALES] = scales.view(tensor.shape[:-1])
    return stored


def weight_entries(where: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Selects the header entries of the weights in a file with quantized tensors, and checks those of the scales.

    Args:
        where: Path of the file, for messages.
        entries: All entries of the file's header, by name.

    Returns:
        Entries of the weights by name, without those of the scales; their shapes are those of the model's tensors.

    Raises:
        CheckpointError: A quantized tensor has no scales, or scales of another type or shape.
    """
    names = _quantized(entries)
    lines = [line for name in names if (line := _wrong_scales(name, entries[name], entries.get(name + SCALES)))]
    refuse(f"{where}: each tensor in 8 bits needs one scale per row, in float32; {_REMEDY}", lines)
    scales = {name + SCALES for name in names}
    return {name: entry for name, entry in entries.items() if name not in scales}


def decode_tensors(where: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Converts the quantized tensors of a file back to weights: integers times scales.

    Args:
        where: Path of the file, for messages.
        tensors: All tensors of the file, of any shape, `(...)`, by name; `weight_entries` has checked their header.

    Returns:
        The weights by name: quantized tensors in float32, the others unchanged.

    Raises:
        CheckpointError: A scale is not a positive finite number, or an integer is larger than the format allows.
    """
    names = _quantized(tensors)
    lines = [line for name in names if (line := _wrong_values(name, tensors[name], tensors[name + SCALES]))]
    refuse(f"{where}: weights in 8 bits are damaged; {_REMEDY}", lines)
    decoded = {name: tensors[name].float() * tensors[name + SCALES][..., None] for name in names}
    scales = {name + SCALES for name in names}
    return {name: decoded.get(name, tensor) for name, tensor in tensors.items() if name not in scales}


def _quantized(tensors: Mapping[str, Tensor] | Mapping[str, Entry]) -> list[str]:
    return sorted(name for name, tensor in tensors.items() if tensor.dtype == torch.int8)


def _wrong_scales(name: str, entry: Entry, scales: Entry | None) -> str | None:
    """Says what is wrong with the header's entry of a quantized tensor's scales; None = nothing."""
    if not entry.shape:
        return f"{name}: a scalar, which has no rows"
    if scales is None:
        return f"missing: {name}{SCALES} {shape_text(entry.shape[:-1])}"
    if (scales.dtype, scales.shape) != (torch.float32, entry.shape[:-1]):
        expected, actual = shape_text(entry.shape[:-1]), shape_text(scales.shape)
        return f"{name}{SCALES} should be {expected} in torch.float32, but is {actual} in {scales.dtype}"
    return None


def _wrong_values(name: str, factors: Tensor, scales: Tensor) -> str | None:
    """Says what is wrong with the values of a quantized tensor or its scales; None = nothing."""
    valid = (scales > 0) & (scales < math.inf)
    if not valid.all():
        return f"{name}{SCALES}: {int((~valid).sum())} of {scales.numel()} are not positive finite numbers"
    low, high = (int(limit) for limit in factors.aminmax()) if factors.numel() else (0, 0)
    if low < -MAX_INT8_WEIGHT or high > MAX_INT8_WEIGHT:
        return f"{name}: expected integers from -{MAX_INT8_WEIGHT} to {MAX_INT8_WEIGHT}, found {low} to {high}"
    return None
