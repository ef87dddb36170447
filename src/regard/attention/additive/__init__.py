"""Computes additive attention scores without storing the `tanh` of all query-key pairs: in C, Triton or PyTorch."""

from regard.attention.additive.op import additive_scores

__all__ = ["additive_scores"]
