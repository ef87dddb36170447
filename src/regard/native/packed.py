"""Linear layers for inference, whose fixed weights are converted once to a layout for fast products."""

from __future__ import annotations

from functools import cache
from threading import Lock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.native.int8 import Int8Linear
from regard.native.library import kernel

MAX_FEW_ROWS = 5
"""Most rows for which reading W limits the speed of a product; one sentence with the default beam has as many."""

_PACKING = Lock()
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

PRECISIONS = (*_TYPES, "int8")
"""Precisions of packed weights and their products."""

MIN_INT8_SIZE = 1 << 12
"""Smallest number of elements of a matrix that is quantized to 8 bits; smaller ones are fast in float32."""


@cache
def can_pack(dtype: torch.dtype) -> bool:
    """Whether oneDNN can multiply packed weights of a data type on this CPU; tried at the first call, then cached."""
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        weight = torch.ops.mkldnn._reorder_linear_weight(torch.ones(2, 2, dtype=dtype), None)
        torch.ops.mkldnn._linear_pointwise(torch.ones(1, 2, dtype=dtype), weight, None, "none", [], "")
    except (AttributeError, RuntimeError):  # PyTorch without these operators, a processor without the type
        return False
    return True


class PackedLinear(nn.Module):
    """Linear layer for inference, `W x + b`, with W packed by oneDNN for fast products on a CPU.

    Packing copies W once into the layout that oneDNN's kernels read. On processors where MKL falls back to narrower
    instructions, products then take less than half the time. W is packed at the first product that needs it. For up to
    `MAX_FEW_ROWS` input rows, a compiled kernel of regard reads the unpacked W as fast as memory allows, so translating
    a single sentence needs no packed copy of most weights. On other devices, and without oneDNN, PyTorch multiplies.

    Args:
        weight: W, `(out, in)`; not copied if it is contiguous and already in the type of `precision`.
        bias: b, `(out,)`; None = no bias.
        precision: `float32`, or `bfloat16`, which rounds W, each x and each result to 8 bits of mantissa.
        relu: Whether to compute `max(0, W x + b)` instead.

    Attributes:
        uses_onednn: Whether oneDNN multiplies inputs of more than `MAX_FEW_ROWS` rows; it compiles a kernel for every
            new number of rows.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, *, precision: str = "float32", relu: bool = False
    ) -> None:
        super().__init__()
        self.dtype = _TYPES[precision]
        self.relu = relu
        self.out_features, self.in_features = weight.shape
        # Neither parameters nor buffers: they are not saved with a model, and packed weights cannot be copied.
        self.weight = weight.detach().to(self.dtype).contiguous()
        self.bias = None if bias is None else bias.detach().to(self.dtype).contiguous()
        self.uses_onednn = weight.device.type == "cpu" and weight.numel() > 0 and can_pack(self.dtype)
        self._packed: Tensor | None = None
        self.few_rows_kernel = kernel("few_rows", self.weight)

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Computes `W x + b` for every row x of the input.

        A layer that was made with `relu=True` computes `max(0, W x + b)`.

        Args:
            x: Input, `(..., in)`, of any floating-point type.
            added: `(..., out)` of the type of x, to add to the result (after the ReLU), such as a residual; None = add
                nothing.

        Returns:
            The output, `(..., out)`, in the type of x.
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
            y = torch.ops.mkldnn._linear_pointwise(narrow, self._packed_weight(), self.bias, kind, [], "")
        else:
            y = torch.ops.mkldnn._linear_pointwise.binary(narrow, added, self._packed_weight(), self.bias, "add")
            return y
        return y.to(x.dtype) if added is None else added + y

    def _packed_weight(self) -> Tensor:
        """The packed W; the lock makes it once, although several threads search at a time."""
        with _PACKING:
            if self._packed is None:
                self._packed = torch.ops.mkldnn._reorder_linear_weight(self.weight, None)
        return self._packed

    def _few_rows(self, x: Tensor, added: Tensor | None) -> Tensor:
        """The product for at most `MAX_FEW_ROWS` rows of x in the type of W; the result is float32."""
        if self.few_rows_kernel is None:
            raise AssertionError(
                f"there is no compiled kernel for matrix products with up to {MAX_FEW_ROWS} input rows on this "
                "machine: check `few_rows_kernel` first"
            )
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
    """Makes a linear layer for inference, `W x + b`, that is as fast as possible in a given precision.

    Args:
        weight: W, `(out, in)`.
        bias: b, `(out,)`; None = no bias.
        precision: `float32`, `bfloat16` or `int8`; with `int8`, a W of fewer than `MIN_INT8_SIZE` elements stays in
            float32, which is fast enough.
        relu: Whether to compute `max(0, W x + b)` instead.

    Returns:
        A layer that maps `(..., in)` to `(..., out)`.
    """
    if precision != "int8":
        return PackedLinear(weight, bias, precision=precision, relu=relu)
    if weight.numel() < MIN_INT8_SIZE:
        return PackedLinear(weight, bias, relu=relu)
    return Int8Linear(weight, bias, relu=relu)
