"""Attention records as compact JSON for the attention pages: weights as 16-bit integers in base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import torch
from torch import Tensor

from regard.errors import ShapeError
from regard.inspection.record import AttentionRecord
from regard.text.words import word_of_piece
from regard.values import Encoding

_CHUNK = 3 << 20
_LARGEST = 2**16 - 1
"""Weights are stored as 16-bit integers; the largest stands for 1, or for the largest weight if that is more."""


def compact_record(
    record: AttentionRecord, *, layers: Sequence[int] | None = None, heads: Sequence[int] | None = None
) -> dict[str, object]:
    """Converts an attention record to compact JSON data, for web pages that show attention.

    Args:
        record: The record.
        layers: Numbers of the layers to include, from 0; None = all.
        heads: Numbers of the heads to include of each layer, from 0; None = all.

    Returns:
        Dictionary with `src` and `tgt`, each with `pieces`, `words` and `wordOf`, the word number of each piece;
        `rows`, the number of target positions; `unit`, the weight that the integer 1 stands for; and `layers`, each
        with `name`, `heads` (number of heads) and `weights`: little-endian 16-bit integers in base64, of shape
        `(heads, rows, source pieces + 1)`, with the source `</s>` as the last column.

    Raises:
        ShapeError: `layers` or `heads` is an empty list, or contains the number of a layer or head that does not exist.
    """
    numbers = range(len(record.layers)) if layers is None else layers
    _check_numbers("layer", numbers, len(record.layers))
    chosen = [(record.layer_names[number], _chosen_heads(record.layers[number], heads)) for number in numbers]
    unit = max(1.0, *(float(layer.max()) for _, layer in chosen)) / _LARGEST
    return {
        "src": _encoding_data(record.src, record.src_words),
        "tgt": _encoding_data(record.tgt, record.tgt_words),
        "rows": record.layers[0].shape[1],
        "unit": unit,
        "layers": [{"name": name, "heads": len(layer), "weights": _packed(layer, unit)} for name, layer in chosen],
    }


def _chosen_heads(layer: Tensor, heads: Sequence[int] | None) -> Tensor:
    if heads is None:
        return layer
    _check_numbers("head", heads, len(layer))
    return layer[list(heads)]


def _check_numbers(kind: str, numbers: Sequence[int], count: int) -> None:
    if not numbers:
        raise ShapeError(f"expected at least one {kind} number, got an empty list: pass None for all {kind}s")
    for number in numbers:
        if not 0 <= number < count:
            raise ShapeError(f"there is no {kind} {number}: the model has the {kind}s 0 to {count - 1}")


def _packed(layer: Tensor, unit: float) -> str:
    """Base64 of little-endian 16-bit integers: each weight is rounded to a multiple of `unit`."""
    parts = []
    weights = layer.flatten()
    for start in range(0, len(weights), _CHUNK):  # a multiple of 3 bytes, so that the base64 parts can be concatenated
        units = (weights[start : start + _CHUNK].double() / unit).round().to(torch.int32)
        pairs = torch.stack([units & 255, units >> 8], dim=-1).to(torch.uint8)  # (weights, low and high byte)
        parts.append(base64.b64encode(pairs.numpy().tobytes()).decode("ascii"))
    return "".join(parts)


def _encoding_data(encoding: Encoding, words: tuple[str, ...]) -> dict[str, object]:
    return {"pieces": list(encoding.pieces), "words": list(words), "wordOf": list(word_of_piece(encoding))}
