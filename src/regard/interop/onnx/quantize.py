"""Graphs of ONNX whose large matrices are rounded to 8 bits, and what is multiplied with them as well."""

from __future__ import annotations

import torch
from torch import Tensor

from regard.interop.onnx.graph import Graph, Value
from regard.native.int8_levels import quantize_rows

FEWEST = 1 << 12
"""Numbers that a matrix must have to be rounded: what is smaller costs little as it is."""
_LEVELS = 127
_ZERO = 128  # of activations: ONNX Runtime multiplies unsigned by signed bytes fastest


class Int8Graph(Graph):
    """As its base, in 8 bits, by operators of the standard alone.

    Each output of a map has a scale of its own. Each row that is multiplied gets one when it is there, so that what
    becomes of it does not depend on the other rows of its batch. A weight that is multiplied takes 7 of its 8 bits, so
    that every processor computes the same.
    """

    def linear(self, x: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
        """See `Graph.linear`."""
        if weight.numel() < FEWEST:
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
        """See `Graph.embed`."""
        if table.numel() < FEWEST:
            return super().embed(ids, table)
        looked_up, scales = quantize_rows(table, max_magnitude=_LEVELS)
        rows = self.op("Cast", self.op("Gather", self.constant(looked_up), ids), to=1)
        return self.op("Mul", rows, self.op("Gather", self.constant(scales[:, None]), ids))
