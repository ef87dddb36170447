"""ONNX graphs with 8-bit matrix products: large weight matrices and the activations they multiply are rounded."""

from __future__ import annotations

import torch
from torch import Tensor

from regard.interop.onnx.graph import Graph, Value
from regard.native.int8_levels import quantize_rows

MIN_NUMEL = 1 << 12
"""Smallest number of elements of a matrix that is rounded to 8 bits; smaller matrices cost little in float32."""
_LEVELS = 127
_ZERO = 128  # zero point of activations: ONNX Runtime is fastest with unsigned times signed bytes


class Int8Graph(Graph):
    """Builder of an ONNX graph whose large matrix products are computed in 8 bits, with standard operators only.

    Weights have one scale per output feature. Activations have one scale per row, computed at run time, so that the
    result of a row does not depend on the other rows of the batch. Weights in products have magnitudes of at most 64,
    so that all processors compute the same.
    """

    def linear(self, x: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
        """Adds a linear map, with 8-bit products unless the matrix is small. See `Graph.linear`."""
        if weight.numel() < MIN_NUMEL:
            return super().linear(x, weight, bias)
        factors, scales = quantize_rows(weight)
        largest = self.op("ReduceMax", self.op("Abs", x), self.ints(1))  # (N, 1)
        scale = self.op("Max", self.op("Mul", largest, self.scalar(1 / _LEVELS)), self.scalar(1e-30))
        zero = self.constant(torch.tensor(_ZERO, dtype=torch.uint8))
        narrow = self.op("QuantizeLinear", self.op("Div", x, scale), self.scalar(1.0), zero)
        product = self.op("MatMulInteger", narrow, self.constant(factors.t()), zero)
        y = self.op("Mul", self.op("Mul", self.op("Cast", product, to=1), self.constant(scales)), scale)
        return y if bias is None else self.op("Add", y, self.constant(bias))

    def embed(self, ids: Value, table: Tensor) -> Value:
        """Adds an embedding lookup in an 8-bit matrix, unless the matrix is small. See `Graph.embed`."""
        if table.numel() < MIN_NUMEL:
            return super().embed(ids, table)
        factors, scales = quantize_rows(table, max_magnitude=_LEVELS)
        rows = self.op("Cast", self.op("Gather", self.constant(factors), ids), to=1)
        return self.op("Mul", rows, self.op("Gather", self.constant(scales[:, None]), ids))
