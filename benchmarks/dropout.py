"""How fast is dropout with hashed random bits (16 per element) compared with PyTorch's, forward and backward?

    python benchmarks/dropout.py

Prints median milliseconds for activations of a small Transformer's shape, and the ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from timing import median_ms
from torch import Tensor
from torch.nn import functional as F

from regard.native.dropout import dropout
from regard.train.allocator import keep_freed_memory


def forward_and_backward(drop: Callable[[Tensor, float], Tensor], x: Tensor, upstream: Tensor) -> None:
    torch.autograd.grad(drop(x, 0.1), x, upstream)


def main() -> None:
    """Times both in float32 and bfloat16."""
    keep_freed_memory()
    torch.set_num_threads(2)
    print(f"{'type':>10}  {'torch ms':>9}  {'ours ms':>8}  ratio")
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.randn(240, 18, 256, dtype=dtype, requires_grad=True)
        upstream = torch.randn_like(x)
        theirs = median_ms(partial(forward_and_backward, F.dropout, x, upstream))
        ours = median_ms(partial(forward_and_backward, dropout, x, upstream))
        print(f"{str(dtype)[6:]:>10}  {theirs:9.2f}  {ours:8.2f}  {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
