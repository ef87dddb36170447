"""The additive score without the tensor `(B, H, T, S, D)`: compiled kernels, or PyTorch in chunks."""

from regard.attention.additive.op import additive_scores

__all__ = ["additive_scores"]
