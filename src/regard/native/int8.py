"""Linear layers with 8-bit weights and inputs, with the same results on every processor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.native.int8_levels import quantize_rows
from regard.native.library import instruction_set, kernel
from regard.native.system import has_vnni

PANEL, QUAD = 32, 4  # as in int8.c: outputs whose weights are stored together, inputs multiplied at once
_ROW, _GRID = 64, 8  # bytes: quantized rows are padded to a multiple of _ROW; _GRID are the scale and zero of a row


def has_int8() -> bool:
    """Whether the compiled kernel that `Int8Linear` needs is available on this machine."""
    return kernel("int8_linear", torch.empty(0, dtype=torch.int8)) is not None


def int8_instructions() -> str | None:
    """Name of the processor instructions with which the int8 kernel multiplies on this machine.

    The results are the same with all instructions, only the speed differs.

    Returns:
        `VNNI`, the fastest; `AVX-512` or `AVX2`, which need three instructions for what VNNI does in one;
        `any processor's`, slower than float32; None if there is no compiled int8 kernel.
    """
    name = instruction_set()
    if name is None or not has_int8():
        return None
    return "VNNI" if has_vnni(name) else {"avx512": "AVX-512", "avx2": "AVX2"}.get(name, "any processor's")


class Int8Linear(nn.Module):
    """Linear layer for inference on the CPU, `W x + b`, with W and x quantized to 8 bits.

    Each row of W has its own scale, which brings its integers into the range ±64. Then no instruction that multiplies
    bytes can overflow, so every processor computes the same sums. Each row x of the input is quantized to 0 ... 255
    between its own minimum and maximum (0 always lies in this range), so its result does not depend on other rows.
    Integer sums are exact; scaling and bias are in float32. An input row with NaN or infinity has an output row that is
    not finite.

    Args:
        weight: W, `(out, in)`, floating point, on the CPU; only its 8-bit form is kept.
        bias: b, `(out,)`; None = no bias.
        relu: Whether to compute `max(0, W x + b)` instead.

    Attributes:
        weight: Quantized W, `(P, Q, 32, 4)` int8, in the order in which the kernel reads it: P groups of 32 outputs,
            Q groups of 4 inputs; padded with 0.
        scales: Scale of each output, `(32 * P,)` float32.
        totals: Sum of the quantized weights of each output, `(32 * P,)` int32.
        bias: b, padded to `(32 * P,)`; None = no bias.
        use_vnni: Whether the kernel multiplies with VNNI instructions.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, relu: bool = False) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.relu = relu
        # These tensors are neither parameters nor buffers, as in `PackedLinear`.
        self._pack(*quantize_rows(weight.float()), None if bias is None else bias.detach().float())
        self.stride = (
            -(-self.in_features // _ROW) * _ROW + _ROW
        )  # row distances of a power of 2 would share few cache sets
        self.kernel = kernel("int8_linear", self.weight)
        name = instruction_set()
        self.use_vnni = name is not None and has_vnni(name)

    def _pack(self, factors: Tensor, scales: Tensor, bias: Tensor | None) -> None:
        out, size = factors.shape
        out_padding, in_padding = -out % PANEL, -size % QUAD
        padded = F.pad(factors, (0, in_padding, 0, out_padding))
        self.weight = padded.view(-1, PANEL, (size + in_padding) // QUAD, QUAD).transpose(1, 2).contiguous()
        self.totals = padded.sum(1, dtype=torch.int32)
        self.scales = F.pad(scales, (0, out_padding))
        self.bias = None if bias is None else F.pad(bias, (0, out_padding))

    def select_outputs(self, outputs: Tensor) -> Int8Linear:
        """Makes a layer that computes only some of the outputs, with exactly the same values.

        Args:
            outputs: Indices of the K outputs to compute, in their new order, `(K,)` int64.

        Returns:
            A new layer, which maps `(..., in)` to `(..., K)`.
        """
        factors, scales, bias = self.unpacked()
        selected = Int8Linear.__new__(Int8Linear)
        nn.Module.__init__(selected)
        selected.out_features, selected.in_features = len(outputs), self.in_features
        selected.relu, selected.stride, selected.kernel, selected.use_vnni = (
            self.relu,
            self.stride,
            self.kernel,
            self.use_vnni,
        )
        selected._pack(factors[outputs], scales[outputs], None if bias is None else bias[outputs])
        return selected

    def unpacked(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Quantized W in row order, `(out, in)` int8; the scale of each row, `(out,)`; the bias, `(out,)` or None."""
        out = self.out_features
        factors = self.weight.transpose(1, 2).reshape(-1, self.weight.shape[1] * QUAD)[:out, : self.in_features]
        return factors, self.scales[:out], None if self.bias is None else self.bias[:out]

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Computes `W x + b`, or its ReLU, for every row x of the input.

        Args:
            x: Input, `(..., in)`, of any floating-point type.
            added: `(..., out)` of the type of x, to add to the result, such as a residual; None = add nothing.

        Returns:
            The output, `(..., out)`, in the type of x.
        """
        if self.kernel is None:
            raise AssertionError("there is no compiled int8 kernel on this machine: check `has_int8()` first")
        x32, added32 = x.float().contiguous(), None if added is None else added.float().contiguous()
        rows = x32.numel() // self.in_features
        y = torch.empty(*x.shape[:-1], self.out_features)
        scratch = torch.empty(rows * (self.stride + _GRID), dtype=torch.uint8)
        address = scratch.data_ptr()
        self.kernel(
            x32.data_ptr(), rows, self.weight.data_ptr(), self.scales.data_ptr(), self.totals.data_ptr(),
            None if self.bias is None else self.bias.data_ptr(), None if added32 is None else added32.data_ptr(),
            self.out_features, self.in_features, self.relu, y.data_ptr(), address, self.stride,
            address + rows * self.stride, self.use_vnni, torch.get_num_threads(),
        )  # fmt: skip
        return y.to(x.dtype)
