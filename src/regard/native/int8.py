"""Linear maps in 8 bits: W is rounded once, each x when it comes; every processor gets the same numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.native.int8_levels import quantize_rows
from regard.native.library import instruction_set, kernel
from regard.native.system import has_vnni

PANEL, QUAD = 32, 4  # as in int8.c: outputs whose weights lie together, inputs that are multiplied at once
_ROW, _GRID = 64, 8  # bytes that a rounded row is a multiple of, and that say what it was rounded to


def has_int8() -> bool:
    """Whether there is a kernel for `Int8Linear` here."""
    return kernel("int8_linear", torch.empty(0, dtype=torch.int8)) is not None


def int8_instructions() -> str | None:
    """By which instructions the kernel multiplies here; the sums are the same by any.

    Returns:
        `VNNI`; `AVX-512` or `AVX2`, which take three instructions in place of one; `any processor's`, by which a
        product takes longer than in float32; None without a kernel.
    """
    used = instruction_set()
    if used is None or not has_int8():
        return None
    return "VNNI" if has_vnni(used) else {"avx512": "AVX-512", "avx2": "AVX2"}.get(used, "any processor's")


class Int8Linear(nn.Module):
    """`W x + b` with W in bytes; in place of an `nn.Linear` that is only asked, never trained.

    Each output has a scale of its own, by which W lies within ±64: no sum of the instructions that multiply bytes can
    overflow then, so that all of them give the same integers. Each x is rounded to 0 ... 255 between its own least and
    greatest number, 0 among them, so that its result does not depend on other rows. Sums are exact, and what follows is
    float32. An x with a number that is not finite has no finite result.

    Args:
        weight: W, `(out, in)`, on the CPU; nothing of it is kept but its bytes.
        bias: b, `(out,)`, or None.
        relu: Give `max(0, W x + b)`.

    Attributes:
        weight: `(panels, quads, 32, 4)` int8, W in the order in which it is multiplied, filled up with 0.
        scales: `(32 panels,)`, what each output is multiplied by.
        totals: `(32 panels,)` int32, the sum of each output's bytes.
        bias: `(32 panels,)`, or None.
        vnni: Whether to multiply by VNNI.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, relu: bool = False) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.relu = relu
        # Neither parameters nor buffers, as in `PackedLinear`.
        self._lay_out(*quantize_rows(weight.float()), None if bias is None else bias.detach().float())
        self.stride = -(-self.in_features // _ROW) * _ROW + _ROW  # rows a power of 2 apart would share few cache lines
        self.kernel = kernel("int8_linear", self.weight)
        used = instruction_set()
        self.use_vnni = used is not None and has_vnni(used)

    def _lay_out(self, factors: Tensor, scales: Tensor, bias: Tensor | None) -> None:
        out, size = factors.shape
        more, wider = -out % PANEL, -size % QUAD
        whole = F.pad(factors, (0, wider, 0, more))
        self.weight = whole.view(-1, PANEL, (size + wider) // QUAD, QUAD).transpose(1, 2).contiguous()
        self.totals = whole.sum(1, dtype=torch.int32)
        self.scales = F.pad(scales, (0, more))
        self.bias = None if bias is None else F.pad(bias, (0, more))

    def select_outputs(self, outputs: Tensor) -> Int8Linear:
        """The same map to some of its outputs, with the same results.

        Args:
            outputs: `(K,)` int64, which, in their new order.

        Returns:
            A map of its own, `(..., in)` to `(..., K)`.
        """
        factors, scales, bias = self.unpacked()
        part = Int8Linear.__new__(Int8Linear)
        nn.Module.__init__(part)
        part.out_features, part.in_features = len(outputs), self.in_features
        part.relu, part.stride, part.kernel, part.use_vnni = self.relu, self.stride, self.kernel, self.use_vnni
        part._lay_out(factors[outputs], scales[outputs], None if bias is None else bias[outputs])
        return part

    def unpacked(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """W as it was rounded: `(out, in)` int8, what each row is multiplied by `(out,)`, and b `(out,)` or None."""
        out = self.out_features
        factors = self.weight.transpose(1, 2).reshape(-1, self.weight.shape[1] * QUAD)[:out, : self.in_features]
        return factors, self.scales[:out], None if self.bias is None else self.bias[:out]

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Maps the last dimension.

        Args:
            x: `(..., in)`, of any floating type.
            added: `(..., out)` of the type of x, if something is to be added to the result.

        Returns:
            `(..., out)` in the type of x.
        """
        if self.kernel is None:
            raise AssertionError("asked for a kernel that is not there: see `has_int8`")
        given, more = x.float().contiguous(), None if added is None else added.float().contiguous()
        rows = given.numel() // self.in_features
        y = torch.empty(*x.shape[:-1], self.out_features)
        scratch = torch.empty(rows * (self.stride + _GRID), dtype=torch.uint8)
        place = scratch.data_ptr()
        self.kernel(
            given.data_ptr(), rows, self.weight.data_ptr(), self.scales.data_ptr(), self.totals.data_ptr(),
            None if self.bias is None else self.bias.data_ptr(), None if more is None else more.data_ptr(),
            self.out_features, self.in_features, self.relu, y.data_ptr(), place, self.stride,
            place + rows * self.stride, self.use_vnni, torch.get_num_threads(),
        )  # fmt: skip
        return y.to(x.dtype)
