"""Quantization for CTranslate2 by its own method; int8 by another method, with exact products on all processors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from regard.native.int8_levels import MAX_INT8_WEIGHT, quantize_rows

if TYPE_CHECKING:
    from ctranslate2.specs import TransformerSpec
    from ctranslate2.specs.model_spec import LayerSpec, Variable


def round_weights(spec: TransformerSpec, quantization: str) -> int | None:
    """Quantizes the matrices of a CTranslate2 specification to the number type of an export.

    The matrices are those that CTranslate2 itself would quantize. For int8, weights are rounded to 64 levels instead of
    CTranslate2's 127, with which sums of products overflow on processors without VNNI.

    Args:
        spec: A complete specification in float32, changed in place; the tensors that it was filled with do not change.
        quantization: Number type by CTranslate2's name, such as `int8_float32`.

    Returns:
        Largest magnitude of an int8 weight; None for other number types.
    """
    from ctranslate2.specs.model_spec import NumpyVariable

    quantized: dict[str, tuple[Tensor, Tensor]] = {}
    for owner, name, value in list(_matrices(spec)):
        exact = np.array(value.to("float32").numpy())
        setattr(owner, _key(name), NumpyVariable(exact))  # a copy: CTranslate2 quantizes in place
        quantized[name] = quantize_rows(torch.from_numpy(exact))
    spec.optimize(quantization=quantization)
    if not quantization.startswith("int8"):
        return None
    for owner, name, _ in list(_matrices(spec)):  # tied matrices come once
        factors, scales = quantized[name]
        setattr(owner, _key(name), NumpyVariable(factors.numpy()))
        setattr(owner, f"{_key(name)}_scale", NumpyVariable(scales.reciprocal().numpy()))
    return MAX_INT8_WEIGHT


def _matrices(spec: TransformerSpec) -> Iterator[tuple[LayerSpec, str, Variable]]:
    """Matrices that have a scale, with their owner and name."""
    from ctranslate2.specs.model_spec import Variable, visit_spec

    found: list[tuple[LayerSpec, str, Variable]] = []

    def collect(owner: LayerSpec, name: str, value: object) -> None:
        if isinstance(value, Variable) and not value.is_scalar() and f"{_key(name)}_scale" in vars(owner):
            found.append((owner, name, value))

    visit: Callable[[LayerSpec, Callable[[LayerSpec, str, object], None]], None] = visit_spec
    visit(spec, collect)
    return iter(found)


def _key(name: str) -> str:
    return name.rpartition("/")[2]
