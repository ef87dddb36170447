"""The additive score without its big tensor: a compiled kernel, and a chunked form in PyTorch where there is none."""

from regard.attention.additive.op import additive_scores

__all__ = ["additive_scores"]
