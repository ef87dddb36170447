"""Rounding for CTranslate2: its own, but for bytes, where the weights must suit every processor."""

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
    """Rounds what CTranslate2 would round.

    CTranslate2 gives a weight 127 levels, which overflow where it multiplies without VNNI.

    Args:
        spec: A complete specification, not rounded yet; the tensors that it was filled with stay as they are.
        quantization: As CTranslate2 names it.

    Returns:
        Levels of a weight in bytes; None where weights are not rounded to bytes.
    """
    from ctranslate2.specs.model_spec import NumpyVariable

    found: dict[str, tuple[Tensor, Tensor]] = {}
    for owner, name, value in list(_matrices(spec)):
        exact = np.array(value.to("float32").numpy())
        setattr(owner, _key(name), NumpyVariable(exact))  # a copy: CTranslate2 rounds in place
        found[name] = quantize_rows(torch.from_numpy(exact))
    spec.optimize(quantization=quantization)
    if not quantization.startswith("int8"):
        return None
    for owner, name, _ in list(_matrices(spec)):  # those that are not another name of the same matrix
        factors, scales = found[name]
        setattr(owner, _key(name), NumpyVariable(factors.numpy()))
        setattr(owner, f"{_key(name)}_scale", NumpyVariable(scales.reciprocal().numpy()))
    return MAX_INT8_WEIGHT


def _matrices(spec: TransformerSpec) -> Iterator[tuple[LayerSpec, str, Variable]]:
    from ctranslate2.specs.model_spec import Variable, visit_spec

    found: list[tuple[LayerSpec, str, Variable]] = []

    def look(owner: LayerSpec, name: str, value: object) -> None:
        if isinstance(value, Variable) and not value.is_scalar() and f"{_key(name)}_scale" in vars(owner):
            found.append((owner, name, value))

    visit: Callable[[LayerSpec, Callable[[LayerSpec, str, object], None]], None] = visit_spec
    visit(spec, look)
    return iter(found)


def _key(name: str) -> str:
    return name.rpartition("/")[2]
