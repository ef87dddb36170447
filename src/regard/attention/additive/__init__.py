"""Computes the additive score without storing the tensor `(B, H, T, S, D)`: in C, in Triton, or in PyTorch chunks."""

from regard.attention.additive.op import additive_scores

__all__ = ["additive_scores"]
