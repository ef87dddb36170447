"""Linear maps whose weights were laid out once for the products of a search: fixed, without gradients."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""The types that a packed weight may be held, and multiplied, in."""


@cache
def packs(dtype: torch.dtype) -> bool:
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
    float32 falls back to narrower instructions, the product takes less than half the time. Elsewhere, a plain product.

    Args:
        weight: W, `(out, in)`; a copy is kept.
        bias: b, `(out,)`, or None.
        precision: `float32`, or `bfloat16`, which rounds W, each x and each result to 8 bits of mantissa.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, precision: str = "float32") -> None:
        super().__init__()
        self.dtype = PRECISIONS[precision]
        self.out_features, self.in_features = weight.shape
        weight = weight.detach().to(self.dtype).contiguous()
        self.bias = None if bias is None else bias.detach().to(self.dtype)
        self.packed = weight.device.type == "cpu" and weight.numel() > 0 and packs(self.dtype)
        # Neither a parameter nor a buffer: there is nothing to save, and the packed form cannot be copied.
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, None) if self.packed else weight

    def forward(self, x: Tensor) -> Tensor:
        """Maps the last dimension.

        Args:
            x: `(..., in)`, of any floating type.

        Returns:
            `(..., out)` in the type of x.
        """
        narrow = x.to(self.dtype)
        y: Tensor
        if self.packed:
            y = torch.ops.mkldnn._linear_pointwise(narrow, self.weight, self.bias, "none", [], "")
        else:
            y = F.linear(narrow, self.weight, self.bias)
        return y.to(x.dtype)
