"""Linear maps whose weights were laid out once for the products of a search: fixed, without gradients."""

from __future__ import annotations

from functools import cache
from threading import Lock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.native.int8 import Int8Linear
from regard.native.library import kernel

MAX_FEW_ROWS = 5
"""Rows up to which a product is bound by reading W: one sentence with the usual beam is among them."""

_PACKING = Lock()
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

PRECISIONS = (*_TYPES, "int8")
"""What a weight may be laid out in, and multiplied in."""

MIN_INT8_SIZE = 1 << 12
"""Numbers that a matrix must have to be rounded to 8 bits: what is smaller costs little as it is."""


@cache
def can_pack(dtype: torch.dtype) -> bool:
    """Whether oneDNN can lay out weights of a type here; asked once, by doing it."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    try:
        weight = torch.ops.mkldnn._reorder_linear_weight(torch.ones(2, 2, dtype=dtype), None)
        torch.ops.mkldnn._linear_pointwise(torch.ones(1, 2, dtype=dtype), weight, None, "none", [], "")
    except (AttributeError, RuntimeError):  # another release's operators, a processor without the type
        return False
    return True


class PackedLinear(nn.Module):
    """`W x + b` with a W that stays as it is; in place of an `nn.Linear` that is only asked, never trained.

    On a CPU oneDNN keeps W in the order in which its kernels read it: on processors where PyTorch's own library for
    float32 falls back to narrower instructions, the product takes less than half the time. That form is made when the
    first product asks for it. A few rows are multiplied as fast as W can be read as it lies, by a kernel of ours: who
    translates one sentence needs no second form of most weights. Elsewhere, a plain product.

    Args:
        weight: W, `(out, in)`; copied where it is laid out anew, shared where it is read as it lies.
        bias: b, `(out,)`, or None.
        precision: `float32`, or `bfloat16`, which rounds W, each x and each result to 8 bits of mantissa.
        relu: Give `max(0, W x + b)`.

    Attributes:
        uses_onednn: Whether oneDNN multiplies more than a few rows, and compiles a product for every number of them.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, *, precision: str = "float32", relu: bool = False
    ) -> None:
        super().__init__()
        self.dtype = _TYPES[precision]
        self.relu = relu
        self.out_features, self.in_features = weight.shape
        # Neither parameters nor buffers: there is nothing to save, and the packed form cannot be copied.
        self.weight = weight.detach().to(self.dtype).contiguous()
        self.bias = None if bias is None else bias.detach().to(self.dtype).contiguous()
        self.uses_onednn = weight.device.type == "cpu" and weight.numel() > 0 and can_pack(self.dtype)
        self._packed: Tensor | None = None
        self.few_rows_kernel = kernel("few_rows", self.weight)

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Maps the last dimension.

        Args:
            x: `(..., in)`, of any floating type.
            added: `(..., out)` of the type of x, if something is to be added to the result.

        Returns:
            `(..., out)` in the type of x.
        """
        narrow = x.to(self.dtype)
        if self.few_rows_kernel and 0 < x.numel() <= MAX_FEW_ROWS * self.in_features and x.dtype == torch.float32:
            return self._few_rows(narrow, added)
        y: Tensor
        if not self.uses_onednn:
            y = F.linear(narrow, self.weight, self.bias)
            y = y.relu() if self.relu else y
        elif added is None or self.relu or added.dtype != self.dtype:
            kind = "relu" if self.relu else "none"
            y = torch.ops.mkldnn._linear_pointwise(narrow, self._laid_out(), self.bias, kind, [], "")
        else:
            y = torch.ops.mkldnn._linear_pointwise.binary(narrow, added, self._laid_out(), self.bias, "add")
            return y
        return y.to(x.dtype) if added is None else added + y

    def _laid_out(self) -> Tensor:
        """W in the order that oneDNN reads, made once, though batches are searched side by side."""
        with _PACKING:
            if self._packed is None:
                self._packed = torch.ops.mkldnn._reorder_linear_weight(self.weight, None)
        return self._packed

    def _few_rows(self, x: Tensor, added: Tensor | None) -> Tensor:
        """The same for at most `FEW` rows of x, in W's type; in float32."""
        if self.few_rows_kernel is None:
            raise AssertionError("asked for a kernel that is not there")
        x, y = x.contiguous(), torch.empty(*x.shape[:-1], self.out_features)
        added = None if added is None else added.contiguous()
        self.few_rows_kernel(
            x.data_ptr(), x.numel() // self.in_features, self.weight.data_ptr(),
            None if self.bias is None else self.bias.data_ptr(), None if added is None else added.data_ptr(),
            self.out_features, self.in_features, self.relu, y.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return y


def pack_linear(
    weight: Tensor, bias: Tensor | None = None, *, precision: str = "float32", relu: bool = False
) -> PackedLinear | Int8Linear:
    """`W x + b` as it is computed fastest in a precision, for a W that stays as it is.

    Args:
        weight: W, `(out, in)`.
        bias: b, `(out,)`, or None.
        precision: One of `PRECISIONS`; in int8 a W of fewer than `FEWEST` numbers stays in float32.
        relu: Give `max(0, W x + b)`.

    Returns:
        The map, `(..., in)` to `(..., out)`.
    """
    if precision != "int8":
        return PackedLinear(weight, bias, precision=precision, relu=relu)
    if weight.numel() < MIN_INT8_SIZE:
        return PackedLinear(weight, bias, relu=relu)
    return Int8Linear(weight, bias, relu=relu)
